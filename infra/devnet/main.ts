/**
 * A private Factom and PegNet network in one process: chain, rivals, price feed, and the node to serve them.
 */

import { toHex } from "../../shared/bytes.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { requireAddress } from "../../shared/factom/address.ts";
import type { Hasher, NonceSearch } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import type { DevnetBlock } from "./block-summary.ts";
import { DevnetChain } from "./chain.ts";
import type { Control, ControlState } from "./controls.ts";
import { createEffort, probeFirstHashes } from "./effort.ts";
import { factomdMethods } from "./factomd-methods.ts";
import { createMempool } from "./mempool.ts";
import { Network } from "./network.ts";
import { startNodeServer } from "./node-server.ts";
import type { DevnetOptions } from "./options.ts";
import { pegnetdMethods } from "./pegnetd-methods.ts";
import { type PriceFeed, startPriceFeed } from "./price-feed.ts";
import { appendRealBlocks, readRealBlocks } from "./real-blocks.ts";
import { createRivals, rivalAddress } from "./rivals.ts";
import { createSeededRandom } from "./seeded-random.ts";

export interface DevnetModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For the network's table size. The caller closes it, after `stop`. */
  readonly hasher: Hasher & NonceSearch;
  /** Starts a hasher that works on a new chain's first block too, which comes sooner by it. It is closed when that block is there. */
  readonly firstHelper?: () => Hasher & NonceSearch;
  readonly onBlock?: (block: DevnetBlock) => void;
}

export interface Devnet {
  /** Ends in /v2. */
  readonly factomdUrl: string;
  /** Ends in /v1. */
  readonly pegnetdUrl: string;
  readonly controlUrl: string;
  readonly feedUrl: string;
  /** For reading. Change it by `control` only. */
  readonly chain: DevnetChain;
  control(change: Control): void;
  state(): ControlState;
  stop(): Promise<void>;
}

/** A commit waits for its reveal for this many blocks (an hour on mainnet). */
const MEMPOOL_BLOCKS = 6;
/** Each of 10 KB at most. */
const MEMPOOL_ENTRIES = 10_000;
/** Prices move ten times a block, and no oftener than this. */
const FEED_STEP_MS_MIN = 100;

/** Starts all parts; the first block is there when it resolves. Rejects with CodedErrors `port-taken`, `replay-invalid`, `devnet-data-damaged`. */
export async function startDevnet(options: DevnetOptions, modules: DevnetModules): Promise<Devnet> {
  const { clock, random, logger, hasher } = modules;
  const replay = await readRealBlocks(options.replay);
  const chain = await DevnetChain.open(options, logger);
  await appendRealBlocks(replay, {
    chain,
    hasher,
    activations: options.activations,
    wallMs: () => clock.wallMs(),
  });
  fund(chain, options.credits);
  const stepMs = Math.max(FEED_STEP_MS_MIN, options.blockMs / 10);
  const feedOptions = { host: options.host, port: options.feedPort, seed: options.seed, stepMs };
  const feed = await startPriceFeed(feedOptions, { clock });
  const pay = (publicKey: string, credits: number): boolean => {
    const left = chain.credits(publicKey) - credits;
    if (left >= 0) chain.setCredits(publicKey, left);
    return left >= 0;
  };
  const mempool = createMempool(
    { keepBlocks: MEMPOOL_BLOCKS, limit: MEMPOOL_ENTRIES },
    { pay, hasChain: (chainId) => chain.hasChain(chainId) },
  );
  // The moving average of a network that began with too little work would ask miners for far too many shares.
  const firstHashes = options.rivalHashes === "auto" ? await probeFirstHashes(options.blockMs, modules) : 0;
  const network = createNetwork(options, modules, { chain, mempool, feed, firstHashes });
  let { errorRate: errors, delayMs } = options;
  const control = (change: Control): void => {
    if (change.errors !== undefined) errors = change.errors;
    if (change.delayMs !== undefined) delayMs = change.delayMs;
    network.control(change);
  };
  const state = (): ControlState => ({ ...network.state(), errors, delayMs });
  await network.start();
  const node = await startNodeServer(
    { host: options.host, port: options.port, hangMs: Math.max(30_000, options.blockMs) },
    {
      factomd: factomdMethods({ chain, mempool, network, clock, blockMs: options.blockMs }),
      pegnetd: pegnetdMethods(chain),
      control,
      state,
      clock,
      random,
      logger,
    },
  );
  return {
    factomdUrl: `${node.url}/v2`,
    pegnetdUrl: `${node.url}/v1`,
    controlUrl: `${node.url}/control`,
    feedUrl: feed.url,
    chain,
    control,
    state,
    async stop() {
      await node.close();
      await network.stop();
      await feed.stop();
      await chain.close();
    },
  };
}

/** Tops up the credits: what a pool has spent is given back at the next start. */
function fund(chain: DevnetChain, credits: DevnetOptions["credits"]): void {
  for (const { address, balance } of credits) {
    const publicKey = toHex(requireAddress("EC", address));
    chain.setCredits(publicKey, Math.max(balance, chain.credits(publicKey)));
  }
}

interface Parts {
  readonly chain: DevnetChain;
  readonly mempool: ReturnType<typeof createMempool>;
  readonly feed: PriceFeed;
  readonly firstHashes: number;
}

function createNetwork(options: DevnetOptions, modules: DevnetModules, parts: Parts): Network {
  const { hasher, random } = modules;
  const seeded = createSeededRandom(options.seed + 1);
  const rivals = createRivals(
    { count: options.rivals },
    { hasher, random, seeded, prices: () => parts.feed.prices() },
  );
  return new Network(
    {
      blockMs: options.blockMs,
      firstHeight: options.firstHeight,
      activations: options.activations,
      skipEvery: options.skipEvery,
      stall: options.stall,
      rivalAddresses: new Set(Array.from({ length: options.rivals }, (_, i) => rivalAddress(i))),
    },
    {
      chain: parts.chain,
      mempool: parts.mempool,
      rivals,
      effort: createEffort(options.rivalHashes, parts.firstHashes),
      hasher,
      firstHelper: modules.firstHelper,
      clock: modules.clock,
      logger: modules.logger,
      onBlock: modules.onBlock ?? (() => undefined),
    },
  );
}
