/** Several factomd nodes as one: the first that answers is asked, the preferred one again as soon as it is back (DESIGN.md: no node is trusted to stay). */

import type { Clock } from "../clock.ts";
import { CodedError } from "../errors.ts";
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

/**
 * Asks the nodes in the order given, the preferred one first. Where a node fails, the same call goes to the next one, and the one that answers
 * is asked from then on; calls are keyed by their content, so that a commit or reveal that both took counts once. Where all fail, the call
 * rejects with the first one's error. Returns to the preferred node once it answers and is not behind.
 */
export function createFailover(nodes: readonly FactomdNode[], modules: FailoverModules): Factomd {
  const { clock, logger } = modules;
  let current = 0;
  let triedMs = 0;
  let highest = 0;

  const ask = async <T>(call: (factomd: Factomd) => Promise<T>): Promise<T> => {
    const first = current;
    let failure: unknown;
    for (let step = 0; step < nodes.length; step++) {
      const index = (first + step) % nodes.length;
      const node = nodes[index];
      if (node === undefined) break;
      try {
        const answer = await call(node.factomd);
        if (index !== first) moveTo(index, failure);
        return answer;
      } catch (thrown) {
        if (!isNodeFault(thrown)) throw thrown;
        failure ??= thrown;
      }
    }
    throw failure;
  };

  /** Calls that overlap may find the same: it is told once. */
  const moveTo = (index: number, failure: unknown): void => {
    if (current === index) return;
    logger.error("a factomd node fails, another is asked instead", {
      failing: nodes[current]?.url,
      asked: nodes[index]?.url,
      problem: failure instanceof Error ? failure.message : undefined,
    });
    current = index;
    triedMs = clock.monotonicMs();
  };

  const tryPreferred = async (): Promise<void> => {
    const [preferred] = nodes;
    if (current === 0 || preferred === undefined || clock.monotonicMs() - triedMs < RETURN_MS) return;
    triedMs = clock.monotonicMs();
    const heights = await preferred.factomd.heights().catch(() => undefined);
    if (heights === undefined || heights.directoryBlock < highest) return;
    current = 0;
    logger.info("the preferred factomd node is asked again", { asked: preferred.url });
  };

  return {
    async heights() {
      await tryPreferred();
      const heights = await ask((node) => node.heights());
      highest = Math.max(highest, heights.directoryBlock);
      return heights;
    },
    currentMinute: () => ask((node) => node.currentMinute()),
    dblockByHeight: (height) => ask((node) => node.dblockByHeight(height)),
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

function isNodeFault(thrown: unknown): boolean {
  return thrown instanceof CodedError && NODE_FAULTS.has(thrown.code);
}
