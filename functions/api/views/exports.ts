/** The shapes of what a user takes home as JSON; the CSV files have the same columns. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { workerState } from "../../../shared/db/worker-states.ts";
import {
  count,
  entryField,
  faField,
  hashes,
  hashrate,
  height,
  instant,
  peg,
  seconds,
  workerField,
} from "./fields.ts";

const next = about(
  v.nullable(seconds),
  "ask again with from= this for what is left; null: that was all",
  210_281,
);
const fileOf = <Row extends v.GenericSchema>(row: Row) =>
  v.strictObject({ rows: about(v.array(row), "newest first"), next });

export const blocksExportView = fileOf(
  v.strictObject({
    block: height,
    began: about(instant, "when its job began; UTC, ISO 8601"),
    state: about(v.picklist(["open", "closing", "sealed"]), "sealed: its books are final"),
    shares: about(count, "your credited shares"),
    refused: about(count, "your refused shares"),
    work: about(hashes, "your credited work, hashes"),
    poolWork: about(v.nullable(hashes), "of all users; null until sealed"),
    reward: about(v.nullable(peg), "null until sealed"),
  }),
);
export const earningsExportView = fileOf(
  v.strictObject({
    day: about(v.string(), "UTC, YYYY-MM-DD", "2026-11-29"),
    blocks: about(seconds, "sealed ones that began on it and paid you"),
    earned: about(peg, "in sealed blocks, 1e-8 PEG"),
    adjusted: about(peg, "corrections by the operator, 1e-8 PEG"),
    paid: about(peg, "paid out, 1e-8 PEG"),
  }),
);
export const paymentsExportView = fileOf(
  v.strictObject({
    at: instant,
    kind: about(v.picklist(["payment", "adjustment"]), "which of the two it is"),
    amount: peg,
    address: about(faField, "of a payment; empty: an adjustment"),
    entry: about(entryField, "hash of the entry that carries the payment; empty: an adjustment"),
    reason: about(v.string(), "of an adjustment; empty: a payment", "paid twice on 3 May"),
  }),
);
export const workersExportView = fileOf(
  v.strictObject({
    worker: workerField,
    kind: about(v.picklist(["own", "new", "rest"]), "as in /api/me/workers"),
    hidden: about(v.boolean(), "not listed until it works again"),
    state: about(workerState, "as in /api/me/workers"),
    hashrateShort: about(hashrate, "of the last ten minutes, hashes per second"),
    hashrateLong: about(hashrate, "of the last hour, hashes per second"),
    hashrateDay: about(hashrate, "of the last 24 hours, hashes per second"),
    shares: about(count, "credited in the last hour"),
    refused: about(count, "in the last hour"),
    lastShare: instant,
    lastBlock: height,
  }),
);
