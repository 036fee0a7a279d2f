/** Several factomd nodes as one: the first that answers is asked, the preferred one again as soon as it is back (DESIGN.md: no node is trusted to stay). */

import type { Clock } from "../clock.ts";
import { CodedError, coerceError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Factomd } from "./client.ts";

export interface FactomdNode {
  readonly url: string;
  readonly factomd: Factomd;
}

export interface FailoverModules {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often the preferred node is tried while another is asked. */
const RETURN_MS = 60_000;
/** The node itself fails; `factomd-refused` is an answer, which another node would give as well. */
const NODE_FAULTS: ReadonlySet<string> = new Set([
  "factomd-unreachable",
  "factomd-timeout",
  "factomd-http",
  "factomd-reply",
]);
/** JSON-RPC's "internal error": the one refusal that says nothing about the question. */
const INTERNAL_ERROR = -32603;

/**
 * Asks the nodes in the order given, the preferred one first. Where a node fails, the same call goes to the next one, and the one that answers
 * is asked from then on; calls are keyed by their content, so that a commit or reveal that both took counts once. A node that is behind the
 * highest block seen, or holds another block where one was read, is not changed over to. Where no node can be asked, the call rejects with the
 * first one's error. Returns to the preferred node once it answers and is fit.
 */
export function createFailover(nodes: readonly FactomdNode[], modules: FailoverModules): Factomd {
  const { clock, logger } = modules;
  const { look, learn } = createChainMemory();
  let current = 0;
  let triedMs = 0;
  let isOut = false;
  /** What is wrong with each node, by its address: each problem is told once. */
  const problems = new Map<string, string>();

  const ask = async <T>(call: (factomd: Factomd) => Promise<T>): Promise<T> => {
    const first = current;
    const failures: unknown[] = [];
    for (let step = 0; step < nodes.length; step++) {
      const index = (first + step) % nodes.length;
      const node = nodes[index];
      if (node === undefined) break;
      try {
        if (index !== first) await look(node.factomd);
        const answer = await call(node.factomd);
        answered(node, index, first, failures[0]);
        return answer;
      } catch (thrown) {
        if (!isUnfit(thrown)) throw thrown;
        failures.push(thrown);
        tell(node, thrown);
      }
    }
    outage();
    throw failures[0];
  };

  const answered = (node: FactomdNode, index: number, first: number, failure: unknown): void => {
    problems.delete(node.url);
    if (isOut) logger.info("a factomd node answers again", { asked: node.url });
    isOut = false;
    // Calls that overlap may find the same: it is told once.
    if (index === first || current === index) return;
    logger.error("a factomd node fails, another is asked instead", {
      failing: nodes[current]?.url,
      asked: node.url,
      problem: coerceError(failure).message,
    });
    current = index;
    triedMs = clock.monotonicMs();
  };

  const tell = ({ url }: FactomdNode, thrown: unknown): void => {
    const { code, message } = thrown as CodedError;
    if (problems.get(url) === code) return;
    problems.set(url, code);
    logger.warn("a factomd node cannot be used", { node: url, problem: message });
  };

  const outage = (): void => {
    if (!isOut) logger.error("no factomd node can be asked", { nodes: nodes.map(({ url }) => url) });
    isOut = true;
  };

  const tryPreferred = async (): Promise<void> => {
    const [preferred] = nodes;
    if (current === 0 || preferred === undefined || clock.monotonicMs() - triedMs < RETURN_MS) return;
    triedMs = clock.monotonicMs();
    try {
      await look(preferred.factomd);
    } catch (thrown) {
      if (!isUnfit(thrown)) throw thrown;
      tell(preferred, thrown);
      return;
    }
    current = 0;
    problems.delete(preferred.url);
    logger.info("the preferred factomd node is asked again", { asked: preferred.url });
  };

  return {
    async heights() {
      await tryPreferred();
      const heights = await ask((node) => node.heights());
      learn({ height: heights.directoryBlock });
      return heights;
    },
    async dblockByHeight(height) {
      const block = await ask((node) => node.dblockByHeight(height));
      if (block !== undefined) learn({ height, keyMr: block.keyMr });
      return block;
    },
    currentMinute: () => ask((node) => node.currentMinute()),
    entryBlock: (keyMr) => ask((node) => node.entryBlock(keyMr)),
    entry: (hash) => ask((node) => node.entry(hash)),
    rawData: (hash) => ask((node) => node.rawData(hash)),
    chainHead: (chainId) => ask((node) => node.chainHead(chainId)),
    commitEntry: (message) => ask((node) => node.commitEntry(message)),
    revealEntry: (raw) => ask((node) => node.revealEntry(raw)),
    ack: (hash, chainId) => ask((node) => node.ack(hash, chainId)),
    pendingEntries: () => ask((node) => node.pendingEntries()),
    entryCreditBalance: (address) => ask((node) => node.entryCreditBalance(address)),
  };
}

/** What the nodes have shown of the chain, and whether another node agrees with it. */
function createChainMemory() {
  let top = 0;
  let read: { readonly height: number; readonly keyMr: string } | undefined;
  return {
    learn({ height, keyMr }: { height: number; keyMr?: string }): void {
      top = Math.max(top, height);
      if (keyMr !== undefined && height >= (read?.height ?? 0)) read = { height, keyMr };
    },
    /** Rejects with CodedError `factomd-behind` or `factomd-other-chain`, or the node's own failure. */
    async look(factomd: Factomd): Promise<void> {
      const { directoryBlock } = await factomd.heights();
      if (directoryBlock < top)
        throw new CodedError(
          "factomd-behind",
          `the node is at height ${directoryBlock}, but ${top} was seen: wait until it has caught up, or see why it does not`,
        );
      if (read === undefined) return;
      const { height, keyMr } = read;
      const block = await factomd.dblockByHeight(height);
      if (block?.keyMr === keyMr) return;
      throw new CodedError(
        "factomd-other-chain",
        `the node holds ${block?.keyMr ?? "no block"} at height ${height}, where ${keyMr} was read: is it on another network?`,
      );
    },
  };
}

const UNFIT: ReadonlySet<string> = new Set([...NODE_FAULTS, "factomd-behind", "factomd-other-chain"]);

function isUnfit(thrown: unknown): boolean {
  if (!(thrown instanceof CodedError)) return false;
  if (thrown.code === "factomd-refused") return thrown.data["rpcCode"] === INTERNAL_ERROR;
  return UNFIT.has(thrown.code);
}
