/** Plays the recorded run against our pool: blocks, prices and shares go in as recorded; everything that came out is kept. */

import { insertPrices } from "../../../shared/db/prices.ts";
import type { SealedBlock } from "../../../shared/db/seals.ts";
import type { StratumError } from "../../../shared/messages/stratum.ts";
import { priceUnits } from "../../../shared/prices/round.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { until, untilTrue } from "../../support/until.ts";
import { Miner } from "./miner.ts";
import { type FlowPool, startFlowPool } from "./pool.ts";
import { type NodeMessage, startRecordedNode } from "./recorded-node.ts";
import type { RecordedJob, RecordedShare, Recording } from "./recording.ts";

/** `as recorded`: as in the recording, where the reference asks nothing of those shares. `subscribed`: with the target 0, to the same end. */
export type Carol = "as recorded" | "subscribed";

export const CAROL = "carol@example.com";

export interface Verdict {
  readonly job: number;
  readonly share: RecordedShare;
  readonly accepted: boolean;
  readonly error: StratumError | undefined;
}

export interface Played {
  readonly database: TestDatabase;
  readonly verdicts: Verdict[];
  readonly messages: readonly NodeMessage[];
  readonly calls: ReadonlyMap<string, number>;
  /** Jobs announced to each miner, and the first target it was given. */
  readonly heard: ReadonlyMap<
    string,
    { readonly jobs: string[][]; readonly firstTarget: string | undefined }
  >;
  readonly sealed: readonly SealedBlock[];
}

/** The caller drops the database. */
export async function play(recording: Recording, carol: Carol): Promise<Played> {
  const [firstJob] = recording.jobs;
  if (firstJob === undefined) throw new Error("nothing is recorded");
  const database = await createTestDatabase();
  await insertPrices(database.db, { ...pricesOf(recording), version: 5, notes: new Map() });
  const node = await startRecordedNode(recording.blocks, firstJob.jobid - 1);
  const pool = await startFlowPool(recording, database.db, node.url);
  const verdicts: Verdict[] = [];
  try {
    await jobToMine(pool, firstJob.jobid);
    const miners = await connectMiners(recording, pool, carol);
    for (const job of recording.jobs) {
      node.height = job.jobid - 1;
      await jobToMine(pool, job.jobid);
      for (const share of job.shares) verdicts.push(await send(pool, minerOf(miners, share), job, share));
    }
    node.height = recording.finalJob.jobid - 1;
    await jobToMine(pool, recording.finalJob.jobid);
    for (const miner of miners.values()) await miner.settle();
    const heard = [...miners].map(([worker, miner]) => {
      const firstTarget = miner.heard("mining.set_target")[0]?.[0];
      return [worker, { jobs: miner.heard("mining.notify"), firstTarget }] as const;
    });
    const { messages, calls } = node;
    return { database, verdicts, messages, calls, heard: new Map(heard), sealed: pool.sealed };
  } finally {
    await pool.stop();
    await node.close();
  }
}

/** As the poller writes them: cut to 8 decimals as doubles. */
function pricesOf({ prices }: Recording): { atMs: number; prices: Map<string, bigint> } {
  const units = Object.entries(prices).map(([asset, usd]): [string, bigint] => [
    asset,
    priceUnits(usd, 5) ?? 0n,
  ]);
  return { atMs: Date.now(), prices: new Map(units) };
}

async function jobToMine(pool: FlowPool, height: number): Promise<void> {
  await until(`job ${height}`, () => pool.edge.job?.height === height, { everyMs: 2 });
}

/** By worker, in the order in which they first appear. */
async function connectMiners(
  recording: Recording,
  pool: FlowPool,
  carol: Carol,
): Promise<Map<string, Miner>> {
  const miners = new Map<string, Miner>();
  for (const { user, miner: worker } of recording.jobs.flatMap((job) => job.shares)) {
    if (miners.has(worker)) continue;
    const subscribes = user !== CAROL || carol === "subscribed";
    miners.set(worker, await Miner.connect({ port: pool.port, user, worker, subscribes }));
    // By the operator's settarget: what the reference asks of a client that never subscribed.
    if (user === CAROL && subscribes) await sessionOf(pool, worker).pairs.assign(0n);
  }
  return miners;
}

function minerOf(miners: ReadonlyMap<string, Miner>, { miner: worker }: RecordedShare): Miner {
  const miner = miners.get(worker);
  if (miner === undefined) throw new Error(`${worker} is not connected`);
  return miner;
}

function sessionOf(pool: FlowPool, worker: string) {
  for (const session of pool.edge.stratum.sessions())
    if (session.login.current?.worker === worker) return session;
  throw new Error(`${worker} has no session`);
}

/**
 * The pool gives the miner the prefix of its next nonce by set_nonce, as an operator would (whoever has not subscribed gets none);
 * then the share goes out, alone, and its entry reaches factomd before the next one is sent.
 */
async function send(pool: FlowPool, miner: Miner, job: RecordedJob, share: RecordedShare): Promise<Verdict> {
  const prefix = Number.parseInt(share.nonce.slice(0, 8), 16);
  pool.prefixes.upcoming = prefix;
  if ((await sessionOf(pool, miner.worker).pairs.move()) !== undefined) {
    await miner.settle();
    if (miner.heard("mining.set_nonce").at(-1)?.[0] !== String(prefix))
      throw new Error(`${miner.worker} was not told its nonce`);
  }
  const { nonce, target } = share;
  const answer = await miner.submit({
    job: share.jobid ?? job.jobid,
    nonce,
    oprHash: job.oprhash,
    target,
  });
  await untilTrue(() => pool.edge.submitter.stats().pending === 0);
  return { job: job.jobid, share, accepted: answer.result === true, error: answer.error };
}
