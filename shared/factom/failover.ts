/** Several factomd nodes used as one: the first one that answers is used, and the preferred one again as soon as it is back (docs/spec.md, "factomd"). */

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
/** JSON-RPC's "internal error": the only refusal that may have nothing to do with the request. */
const INTERNAL_ERROR = -32603;

/**
 * Asks the nodes in the order given, the preferred one first. If a node fails, the same call goes to the next one, and the node that answers
 * is used from then on. Calls are keyed by their content, so a commit or reveal that two nodes took counts once. It never changes to a node
 * that is behind the highest block seen, or that has another block at a height already read. If no node can be asked, the call rejects with
 * the first node's error. It goes back to the preferred node once that answers and is fit.
 */
export function createFailover(nodes: readonly FactomdNode[], modules: FailoverModules): Factomd {
  const chain = createChainMemory();
  const { ask, tryPreferred } = createNodeChoice(nodes, modules, chain);
  return {
    async heights() {
      await tryPreferred();
      const heights = await ask((node) => node.heights());
      chain.learn({ height: heights.directoryBlock });
      return heights;
    },
    async dblockByHeight(height) {
      const block = await ask((node) => node.dblockByHeight(height));
      if (block !== undefined) chain.learn({ height, keyMr: block.keyMr });
      return block;
    },
    currentMinute: () => ask((node) => node.currentMinute()),
    entryBlock: (keyMr) => ask((node) => node.entryBlock(keyMr)),
    entry: (hash) => ask((node) => node.entry(hash)),
    rawData: (hash) => ask((node) => node.rawData(hash)),
    chainHead: (chainId) => ask((node) => node.chainHead(chainId)),
    commitEntry: (message) => ask((node) => node.commitEntry(message)),
    revealEntry: (raw) => ask((node) => node.revealEntry(raw)),
    commitChain: (message) => ask((node) => node.commitChain(message)),
    revealChain: (raw) => ask((node) => node.revealChain(raw)),
    ack: (hash, chainId) => ask((node) => node.ack(hash, chainId)),
    pendingEntries: () => ask((node) => node.pendingEntries()),
    entryCreditBalance: (address) => ask((node) => node.entryCreditBalance(address)),
  };
}

interface ChainMemory {
  learn(block: { readonly height: number; readonly keyMr?: string }): void;
  /** Rejects with CodedError `factomd-behind` or `factomd-other-chain`, or the node's own failure. */
  look(factomd: Factomd): Promise<void>;
}

/** What the nodes have shown of the chain, and whether another node agrees with it. */
function createChainMemory(): ChainMemory {
  let top = 0;
  let read: { readonly height: number; readonly keyMr: string } | undefined;
  return {
    learn({ height, keyMr }) {
      top = Math.max(top, height);
      if (keyMr !== undefined && height >= (read?.height ?? 0)) read = { height, keyMr };
    },
    async look(factomd) {
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

interface NodeChoice {
  ask<T>(call: (factomd: Factomd) => Promise<T>): Promise<T>;
  /** Goes back to the preferred node if it is time to check it and it is fit. */
  tryPreferred(): Promise<void>;
}

function createNodeChoice(
  nodes: readonly FactomdNode[],
  { clock, logger }: FailoverModules,
  chain: ChainMemory,
): NodeChoice {
  const told = createTold(logger);
  let current = 0;
  let triedMs = 0;

  /** Overlapping calls may find the same node: only the first one changes to it. */
  const changeOver = (index: number, node: FactomdNode, failure: unknown): void => {
    if (current === index) return;
    logger.error("a factomd node fails, another is asked instead", {
      failing: nodes[current]?.url,
      asked: node.url,
      problem: coerceError(failure).message,
    });
    current = index;
    triedMs = clock.monotonicMs();
  };

  return {
    async ask(call) {
      const first = current;
      const failures: unknown[] = [];
      for (let step = 0; step < nodes.length; step++) {
        const index = (first + step) % nodes.length;
        const node = nodes[index];
        if (node === undefined) break;
        try {
          if (index !== first) await chain.look(node.factomd);
          const answer = await call(node.factomd);
          told.answer(node);
          if (index !== first) changeOver(index, node, failures[0]);
          return answer;
        } catch (thrown) {
          if (!isUnfit(thrown)) throw thrown;
          failures.push(thrown);
          told.problem(node, thrown);
        }
      }
      told.outage(nodes);
      throw failures[0];
    },
    async tryPreferred() {
      const [preferred] = nodes;
      if (current === 0 || preferred === undefined || clock.monotonicMs() - triedMs < RETURN_MS) return;
      triedMs = clock.monotonicMs();
      try {
        await chain.look(preferred.factomd);
      } catch (thrown) {
        if (!isUnfit(thrown)) throw thrown;
        told.problem(preferred, thrown);
        return;
      }
      current = 0;
      logger.info("the preferred factomd node is asked again", { asked: preferred.url });
    },
  };
}

/** Says once what lasts. */
function createTold(logger: Logger) {
  /** By the node's address. */
  const problems = new Map<string, string>();
  let isOut = false;
  return {
    problem({ url }: FactomdNode, { code, message }: CodedError): void {
      if (problems.get(url) === code) return;
      problems.set(url, code);
      logger.warn("a factomd node cannot be used", { node: url, problem: message });
    },
    outage(nodes: readonly FactomdNode[]): void {
      if (!isOut) logger.error("no factomd node can be asked", { nodes: nodes.map(({ url }) => url) });
      isOut = true;
    },
    answer({ url }: FactomdNode): void {
      problems.delete(url);
      if (isOut) logger.info("a factomd node answers again", { asked: url });
      isOut = false;
    },
  };
}

const UNFIT: ReadonlySet<string> = new Set([...NODE_FAULTS, "factomd-behind", "factomd-other-chain"]);

function isUnfit(thrown: unknown): thrown is CodedError {
  if (!(thrown instanceof CodedError)) return false;
  if (thrown.code === "factomd-refused") return thrown.data["rpcCode"] === INTERNAL_ERROR;
  return UNFIT.has(thrown.code);
}
