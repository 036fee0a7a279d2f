/** A whole pool set up as the recorded one was, from the recorded configuration file: edge and books in one process, on a real database. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Edge, type EdgeOptions } from "../../../edge/edge.ts";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { lockFolder } from "../../../edge/lease/folder-lock.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { loadConfig, type Override } from "../../../infra/config/load.ts";
import { createLocalBooks, type LocalBooks } from "../../../infra/pool/local-accounting.ts";
import { edgeOptions } from "../../../infra/pool/pool-settings.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import type { Db } from "../../../shared/db/port.ts";
import { newestPrices } from "../../../shared/db/prices.ts";
import type { SealedBlock } from "../../../shared/db/seals.ts";
import { CodedError } from "../../../shared/errors.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { SILENT } from "../../../shared/logger.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { RecordedPrefixes } from "../../support/recorded-prefixes.ts";
import { untilTrue } from "../../support/until.ts";
import type { Recording } from "./recording.ts";

/** What the recorded configuration leaves to the reference's habits or to its command line, in our settings. */
const AS_RECORDED: readonly [section: string, key: string, value: unknown][] = [
  ["pegnet", "activation", 0],
  ["pegnet", "startheight", 1],
  ["pegnet", "pollingperiod", "20ms"],
  ["pegnet", "retryperiod", "20ms"],
  ["stratum", "host", "127.0.0.1"],
  ["stratum", "stratumport", 0],
  ["pool", "credit", "achieved"],
  ["pool", "split", "reference"],
  // The reference reads its limit from EMA-N and never looks at softmax.
  ["submit", "softmax", 12],
];

/** The reference has no vardiff: with an aim that nobody comes near, no target moves while the test runs. */
const NO_VARDIFF = 1_000_000_000;
const DEADLINE_MS = 20_000;

export interface FlowPool {
  readonly edge: Edge;
  readonly books: LocalBooks;
  readonly prefixes: RecordedPrefixes;
  readonly port: number;
  readonly sealed: SealedBlock[];
  /** Hands everything over, seals what can be sealed and closes. */
  stop(): Promise<void>;
}

export async function startFlowPool(recording: Recording, db: Db, factomdUrl: string): Promise<FlowPool> {
  const folder = mkdtempSync(join(tmpdir(), "prosper-flow-"));
  const lock = lockFolder(folder);
  const sealed: SealedBlock[] = [];
  const failures: CodedError[] = [];
  const modules = { db, clock: systemClock, random: systemRandom, logger: SILENT };
  const books = createLocalBooks(
    { deadlineMs: 1_800_000, epochGraceMs: 600_000 },
    { ...modules, onSealed: (block) => sealed.push(block) },
  );
  const prefixes = new RecordedPrefixes();
  const edge = await Edge.create(optionsOf(recording, folder), {
    ...modules,
    factomd: createFactomd({ url: factomdUrl, timeoutMs: DEADLINE_MS }, { ...modules, fetch }),
    newestPrices: () => newestPrices(db),
    queue: books.queue,
    auth: { authorize: () => Promise.reject(new CodedError("auth-away", "logins are not required here")) },
    hasher: smallHasher(recording.lxrBits),
    disk: nodeDisk,
    metrics: NO_METRICS,
    prefixes,
    onBlock: () => void books.seal(),
    onFatal: (error) => failures.push(error),
  });
  await edge.start(AbortSignal.timeout(DEADLINE_MS));
  await books.startSealing();
  return {
    edge,
    books,
    prefixes,
    port: edge.listening?.port ?? 0,
    sealed,
    async stop() {
      await edge.stop({ overMs: 0, signal: AbortSignal.timeout(DEADLINE_MS) });
      await untilTrue(() => books.queue.stats().held === 0);
      await books.seal();
      await books.stop(DEADLINE_MS);
      lock.release();
      rmSync(folder, { recursive: true, force: true });
      if (failures[0] !== undefined) throw failures[0];
    },
  };
}

function optionsOf(recording: Recording, folder: string): EdgeOptions {
  const file = join(folder, "prosper-pool.toml");
  writeFileSync(file, recording.config);
  const overrides: Override[] = AS_RECORDED.map(([section, key, value]) => ({
    section,
    key,
    value,
    from: "AS_RECORDED",
  }));
  const options = edgeOptions(loadConfig(file, { required: true, overrides }), folder);
  return { ...options, cutEveryMs: 100, stratum: { ...options.stratum, sharesPerBlock: NO_VARDIFF } };
}
