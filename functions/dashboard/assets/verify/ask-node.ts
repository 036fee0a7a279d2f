/** Asks a factomd of anybody's, from the page, what the pool has written to its chain. Fetched when a node is named. */

import { fromHex } from "../../../../shared/bytes.ts";
import type { Clock, Random } from "../../../../shared/clock.ts";
import { CodedError } from "../../../../shared/errors.ts";
import { createFactomd, type Factomd } from "../../../../shared/factom/client.ts";
import type { ProofFile, ReceiptFile } from "../../../../shared/proofs/proof-file.ts";
import { MOST_BLOCKS, RootFinder } from "../../../../shared/proofs/root-chain.ts";
import type { Check } from "../../../../shared/proofs/verify.ts";
import { checkOnChain, publishedCheck } from "../../../../shared/proofs/verify-chain.ts";
import { nodeUrl, whyNoAnswer } from "./node-address.ts";

/** What the chain says of a block. */
export interface ChainSays {
  readonly checks: readonly Check[];
  /** Why there are none: the chain has no root of it. */
  readonly absent: string;
}

const TIMEOUT_MS = 10_000;
/** Browsers send this without asking the node first whether they may; factomd answers no such question, and reads a body of any type. */
const HEADERS = { "content-type": "text/plain" };

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { stop: () => clearTimeout(handle) };
  },
};
const random: Random = (length) => crypto.getRandomValues(new Uint8Array(length));

export class AskedNode {
  readonly #page: string;
  readonly #factomd: Factomd;
  /** By the keys whose chains are read. */
  readonly #finders = new Map<string, RootFinder>();

  /** `page`: the address of the page that asks. Throws CodedError `node-address` where `address` is none that a browser can ask. */
  constructor(address: string, page: string) {
    this.#page = page;
    this.url = nodeUrl(address);
    this.#factomd = createFactomd(
      { url: this.url, timeoutMs: TIMEOUT_MS },
      { fetch: (url, init) => fetch(url, { ...init, headers: HEADERS }), clock, random },
    );
  }

  /** With its path. */
  readonly url: string;

  /** Rejects with a CodedError whose words are for people: there is no such node, or the browser may not ask it. */
  async reach(): Promise<void> {
    await this.#told(this.#factomd.heights());
  }

  /** `keys` of the pool, from elsewhere than the file; `published`: the root that the pool publishes, where that is known. Rejects as `reach`. */
  async says(
    file: ProofFile | ReceiptFile,
    { keys, published }: { readonly keys: readonly string[]; readonly published?: string },
  ): Promise<ChainSays> {
    if (keys.length === 0) return { checks: [], absent: "this pool has no receipt key, so it has no chain" };
    const found = await this.#told(this.#finderOf(keys).find(file.height));
    const checks = checkOnChain(file, found);
    if (found.first === undefined) return { checks: [], absent: checks.map(({ text }) => text).join() };
    return {
      checks: published === undefined ? checks : [...checks, publishedCheck(published, found.first)],
      absent: "",
    };
  }

  #finderOf(keys: readonly string[]): RootFinder {
    const name = keys.join();
    const finder =
      this.#finders.get(name) ??
      new RootFinder({ keys: keys.map((key) => fromHex(key)), most: MOST_BLOCKS }, this.#factomd);
    this.#finders.set(name, finder);
    return finder;
  }

  async #told<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((thrown: unknown) => {
      if (!(thrown instanceof CodedError) || thrown.code !== "factomd-unreachable") throw thrown;
      throw new CodedError("node-away", whyNoAnswer(this.url, this.#page), { cause: thrown });
    });
  }
}
