/** The pair of nonce prefix and target that a session has now: how it is exchanged for another, and the lines that tell it to the miner. */

import { encodeRequest, formatTarget } from "../../shared/messages/stratum.ts";
import type { Grant, GrantRequest, Job, Measured, StratumBackend } from "./backend.ts";
import type { Outgoing } from "./conversation.ts";

export interface HeldPairModules {
  readonly backend: StratumBackend;
  readonly out: Outgoing;
  /** Called at the moment when the session gets a target different from the one before. */
  onOtherTarget(): void;
}

type Held =
  | { readonly kind: "none" }
  /** `isMeasured`: the target has proved right for its worker. */
  | { readonly kind: "pair"; readonly grant: Grant; readonly isMeasured: boolean }
  /** The connection is gone: a prefix that still comes for it is given back. */
  | { readonly kind: "over" };

export class HeldPair {
  readonly #modules: HeldPairModules;
  #held: Held = { kind: "none" };

  constructor(modules: HeldPairModules) {
    this.#modules = modules;
  }

  /** Undefined before the first one, and at the end. */
  get grant(): Grant | undefined {
    return this.#held.kind === "pair" ? this.#held.grant : undefined;
  }

  get isMeasured(): boolean {
    return this.#held.kind === "pair" && this.#held.isMeasured;
  }

  /** True if the job may be mined with this prefix. */
  isFreshFor({ freshFrom }: Job): boolean {
    return this.grant !== undefined && this.grant.serial >= freshFrom;
  }

  /**
   * Takes a new pair in place of the present one. Resolves to the lines that tell it to the miner, "" for the first pair. Undefined: no pair can be
   * had, or the session is over. Only one exchange at a time.
   */
  async exchange(request: GrantRequest): Promise<string | undefined> {
    const { backend, onOtherTarget } = this.#modules;
    const grant = await backend.grantPrefix(request);
    if (grant === undefined) return undefined;
    const before = this.#held;
    if (before.kind === "over") {
      backend.releasePrefix(grant.prefix);
      return undefined;
    }
    this.#held = { kind: "pair", grant, isMeasured: request.measured !== undefined };
    if (before.kind === "none") return "";
    backend.releasePrefix(before.grant.prefix);
    if (before.grant.target !== grant.target) onOtherTarget();
    return this.#changeLines(before.grant.target, grant);
  }

  /** The target has proved right for its worker. */
  proved(where: Measured): void {
    if (this.#held.kind !== "pair") return;
    this.#held = { ...this.#held, isMeasured: true };
    this.#modules.backend.measuredPrefix(this.#held.grant.prefix, where);
  }

  /** The connection is gone. */
  release(): void {
    const { grant } = this;
    this.#held = { kind: "over" };
    if (grant !== undefined) this.#modules.backend.releasePrefix(grant.prefix);
  }

  /** The line that tells the present target; "" where there is none. */
  targetLine(): string {
    return this.grant === undefined ? "" : this.#targetLine(this.grant);
  }

  /** A harder target is told before its prefix, an easier one after it. So the miner never sends a share that is below the target of its prefix. */
  #changeLines(before: bigint, grant: Grant): string {
    const nonceLine = encodeRequest(this.#modules.out.nextId(), "mining.set_nonce", [String(grant.prefix)]);
    if (grant.target === before) return nonceLine;
    const targetLine = this.#targetLine(grant);
    return grant.target > before ? targetLine + nonceLine : nonceLine + targetLine;
  }

  #targetLine({ target }: Grant): string {
    return encodeRequest(this.#modules.out.nextId(), "mining.set_target", [formatTarget(target)]);
  }
}
