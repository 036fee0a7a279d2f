/** The shapes of what a user takes home as JSON; the CSV files have the same columns. */

import * as v from "valibot";
import { workerState } from "../../../shared/db/worker-states.ts";
import { about, count, hashes, hashrate, height, instant, peg, seconds } from "./fields.ts";

const next = about(v.nullable(seconds), "ask again with from= this for what is left; null: that was all");
const fileOf = <Row extends v.GenericSchema>(row: Row) => v.strictObject({ rows: v.array(row), next });

export const blocksExportView = fileOf(
  v.strictObject({
    block: height,
    began: instant,
    state: v.picklist(["open", "closing", "sealed"]),
    shares: count,
    refused: count,
    work: hashes,
    poolWork: about(v.nullable(hashes), "of all users; null until sealed"),
    reward: about(v.nullable(peg), "null until sealed"),
  }),
);
export const earningsExportView = fileOf(
  v.strictObject({
    day: about(v.string(), "UTC, YYYY-MM-DD"),
    blocks: about(seconds, "sealed ones that began on it and paid you"),
    earned: peg,
    adjusted: peg,
    paid: peg,
  }),
);
export const paymentsExportView = fileOf(
  v.strictObject({
    at: instant,
    kind: v.picklist(["payment", "adjustment"]),
    amount: peg,
    address: about(v.string(), "of a payment"),
    entry: about(v.string(), "hash of the entry that carries the payment"),
    reason: about(v.string(), "of an adjustment"),
  }),
);
export const workersExportView = fileOf(
  v.strictObject({
    worker: v.string(),
    kind: v.picklist(["own", "new", "rest"]),
    hidden: v.boolean(),
    state: workerState,
    hashrateShort: hashrate,
    hashrateLong: hashrate,
    hashrateDay: hashrate,
    shares: count,
    refused: count,
    lastShare: instant,
    lastBlock: height,
  }),
);
