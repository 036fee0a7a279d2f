/** The recorded run of the reference's whole pool (test/support/vectors/e2e.json): every field is named here, so that none goes unseen. */

import { readFileSync } from "node:fs";
import * as v from "valibot";

const hexText = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2})*$/));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const integer = v.pipe(
  v.string(),
  v.regex(/^-?\d+$/),
  v.transform((text) => BigInt(text)),
);
const height = v.pipe(
  v.string(),
  v.regex(/^\d+$/),
  v.transform((text) => Number(text)),
);
const decimalText = v.pipe(v.string(), v.regex(/^\d+(?:\.\d+)?$/));
const target = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{16}$/),
  v.transform((hex) => BigInt(`0x${hex}`)),
);

const block = v.strictObject({
  height: v.number(),
  dblockKeyMR: hash,
  dblockRaw: hexText,
  eblockKeyMR: v.exactOptional(hash),
  eblockRaw: v.exactOptional(hexText),
  entryHashes: v.nullable(v.array(hash)),
  oprEntries: v.nullable(v.array(hexText)),
  gradedCount: v.number(),
  lastEntriesFromPool: v.number(),
  winnersAfter: v.nullable(v.array(v.string())),
});

const share = v.strictObject({
  user: v.string(),
  miner: v.string(),
  nonce: hexText,
  target,
  accepted: v.boolean(),
  note: v.exactOptional(v.picklist(["target + 1", "job id of the previous job"])),
  /** Sent in place of the job's own. */
  jobid: v.exactOptional(v.number()),
});

const job = v.strictObject({
  jobid: height,
  oprhash: hash,
  shares: v.array(share),
  submittedEntries: v.array(v.strictObject({ commit: hexText, entryhash: hash, reveal: hexText })),
});

/** All rows at the end. Targets and EMA columns are stored >> 1; hash rates depend on the clock. */
const db = v.strictObject({
  block_syncs: v.array(v.strictObject({ synced: height })),
  emas: v.array(
    v.strictObject({
      block_height: height,
      job_id: height,
      cutoff: height,
      n: height,
      ema_value: integer,
      minimum_target: integer,
      last_graded: integer,
      last_graded_index: height,
    }),
  ),
  entry_submissions: v.array(
    v.strictObject({
      id: height,
      job_id: height,
      opr_hash: hash,
      username: v.string(),
      miner_id: v.string(),
      nonce: hexText,
      target: integer,
      blocked: v.picklist(["0", "-1"]),
      entry_hash: hash,
      commit_tx_id: hash,
      deleted_at: v.null(),
    }),
  ),
  owed_payouts: v.array(
    v.strictObject({
      job_id: height,
      pool_reward: integer,
      pool_fee: integer,
      pool_fee_rate: decimalText,
      dust: integer,
      graded: height,
      winning: height,
      pool_difficuty: decimalText,
      p_diff: v.string(),
      total_hashrate: v.string(),
    }),
  ),
  pegnet_grades: v.array(
    v.strictObject({
      height,
      version: height,
      count: height,
      cutoff: height,
      eb_sequence: height,
      eblock_key_mr: hash,
      prev_key_mr: hash,
      short_hashes: v.pipe(
        v.string(),
        v.transform((list) => list.split(",")),
      ),
    }),
  ),
  pegnet_payouts: v.array(
    v.strictObject({
      id: height,
      height,
      position: height,
      entry_hash: hash,
      identity: v.string(),
      coinbase_address: v.string(),
      reward: integer,
    }),
  ),
  user_owed_payouts: v.array(
    v.strictObject({
      job_id: height,
      user_id: v.string(),
      payout: integer,
      proportion: decimalText,
      total_submissions: integer,
      user_difficuty: decimalText,
      hash_rate: v.string(),
    }),
  ),
});

const recording = v.strictObject({
  about: v.string(),
  source: v.string(),
  config: v.string(),
  esAddress: v.string(),
  coinbaseFs: v.string(),
  lxrBits: v.number(),
  prices: v.record(v.string(), v.number()),
  factomdCalls: v.record(v.string(), v.number()),
  cases: v.strictTuple([
    v.strictObject({
      kind: v.literal("e2e"),
      blocks: v.array(block),
      jobs: v.array(job),
      finalJob: v.strictObject({ jobid: height, oprhash: hash }),
      db,
    }),
  ]),
});

export type RecordedBlock = v.InferOutput<typeof block>;
export type RecordedShare = v.InferOutput<typeof share>;
export type RecordedJob = v.InferOutput<typeof job>;
export type RecordedRows = v.InferOutput<typeof db>;
export type Recording = Omit<v.InferOutput<typeof recording>, "cases"> &
  v.InferOutput<typeof recording>["cases"][0];

/** The head fields and the one case of the file. */
export function readRecording(): Recording {
  const text = readFileSync(new URL("../../support/vectors/e2e.json", import.meta.url), "utf8");
  const { cases, ...head } = v.parse(recording, JSON.parse(text));
  return { ...head, ...cases[0] };
}
