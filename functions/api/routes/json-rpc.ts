/** JSON-RPC 2.0 at /api/v1 with the reference's three methods, parameters and field names (prosper-pool web/api.go). */

import * as v from "valibot";
import { fromHex } from "../../../shared/bytes.ts";
import {
  countRewards,
  countSubmissions,
  LISTING_ROWS,
  listRewards,
  listSubmissions,
  REWARD_COLUMN_NAMES,
  type RewardListing,
  SUBMISSION_COLUMN_NAMES,
  type SubmissionListing,
} from "../../../shared/db/listings.ts";
import type { Db } from "../../../shared/db/port.ts";
import { parseJson } from "../../../shared/json-source.ts";
import { cached } from "../http/cache.ts";
import { type WireValue, wireJson } from "../http/wire-json.ts";
import type { ApiModules } from "../options.ts";

/** Answers one request body; undefined for notifications, which get no answer. */
export type JsonRpc = (body: string) => Promise<string | undefined>;

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const NO_METHOD = -32601;
const BAD_PARAMS = -32602;
const NOT_HERE = -32000;

/** Requests in one batch, at most. */
const BATCH = 20;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
const TOTALS_TTL_MS = 5000;
/** Pool difficulty 1 is 65,536 hashes. */
const HASHES_PER_DIFFICULTY = 65_536;
const PDIFF = "ffff000000000000";
const NO_ENTRY = "0".repeat(64);

interface RpcError {
  readonly code: number;
  readonly message: string;
}
type Outcome = { readonly result: WireValue } | { readonly error: RpcError };
type Method = (params: unknown) => Promise<Outcome>;

const rpcRequest = v.object({
  jsonrpc: v.literal("2.0"),
  method: v.string(),
  params: v.optional(v.unknown()),
  id: v.optional(v.nullable(v.union([v.string(), v.number()]))),
});

export function createJsonRpc(modules: ApiModules): JsonRpc {
  const methods = createMethods(modules);
  return async (body) => {
    const parsed = parseJson(body);
    if (parsed === undefined) return wireJson(reply(null, fail(PARSE_ERROR, "the body is not JSON")));
    if (!Array.isArray(parsed)) {
      const single = await answer(methods, parsed);
      return single === undefined ? undefined : wireJson(single);
    }
    if (parsed.length === 0 || parsed.length > BATCH)
      return wireJson(reply(null, fail(INVALID_REQUEST, `a batch has 1 to ${BATCH} requests`)));
    const answers = await Promise.all(parsed.map((item) => answer(methods, item)));
    const sent = answers.filter((item) => item !== undefined);
    return sent.length === 0 ? undefined : wireJson(sent);
  };
}

async function answer(
  methods: ReadonlyMap<string, Method>,
  request: unknown,
): Promise<WireValue | undefined> {
  const parsed = v.safeParse(rpcRequest, request);
  if (!parsed.success)
    return reply(null, fail(INVALID_REQUEST, 'expected {"jsonrpc":"2.0","method":…,"params":…,"id":…}'));
  const { method: name, params, id } = parsed.output;
  const method = methods.get(name);
  const known = [...methods.keys()].join(", ");
  const outcome =
    method === undefined ? fail(NO_METHOD, `no such method; there are ${known}`) : await method(params);
  return id === undefined ? undefined : reply(id, outcome);
}

function reply(id: string | number | null, outcome: Outcome): WireValue {
  const body: WireValue =
    "error" in outcome
      ? { error: { code: outcome.error.code, message: outcome.error.message, data: null } }
      : { result: outcome.result };
  return { jsonrpc: "2.0", ...body, id };
}

const fail = (code: number, message: string): Outcome => ({ error: { code, message } });

function createMethods(modules: ApiModules): ReadonlyMap<string, Method> {
  const { db, clock, live } = modules;
  const rewardTotal = cached(clock, TOTALS_TTL_MS, () => countRewards(db));
  const submissionTotal = cached(clock, TOTALS_TTL_MS, () => countSubmissions(db));
  return new Map<string, Method>([
    ["api.Rewards", (params) => withParams(rewardParams, params, (page) => rewards(db, rewardTotal, page))],
    [
      "api.EntrySubmissions",
      (params) => withParams(submissionParams, params, (page) => submissions(db, submissionTotal, page)),
    ],
    [
      "api.SubmitSync",
      async () => {
        const status = live?.submitSync?.();
        if (status === undefined) return fail(NOT_HERE, "no minute keeper runs beside this API");
        return {
          result: {
            submitting: status.submitting,
            submitheight: status.submitHeight,
            syncing: status.syncing,
            lastnonzero: status.lastNonZeroHeight,
          },
        };
      },
    ],
  ]);
}

const whole = (what: string) => v.pipe(v.number(what), v.integer(what), v.minValue(0, what));
const page = {
  /** 0 is "not given", as in the reference. Differs from prosper-pool: a negative limit is refused (there: no limit at all). */
  limit: v.pipe(
    v.optional(whole(`limit: expected 1 to ${MAX_LIMIT}`), 0),
    v.transform((limit) => Math.min(limit === 0 ? DEFAULT_LIMIT : limit, MAX_LIMIT)),
  ),
  offset: v.optional(
    v.pipe(
      whole(`offset: expected 0 to ${LISTING_ROWS}`),
      v.maxValue(LISTING_ROWS, `offset: expected 0 to ${LISTING_ROWS}`),
    ),
    0,
  ),
  order: v.pipe(
    v.optional(v.string("order: expected asc or desc"), ""),
    v.toLowerCase(),
    v.picklist(["", "asc", "desc"], "order: expected asc or desc"),
    v.transform((order) => (order === "asc" ? "asc" : "desc")),
  ),
};

/** Differs from prosper-pool: any word of letters went into the statement there; here only columns that exist. */
const column = <Name extends string>(names: readonly [Name, ...Name[]], fallback: Name) =>
  v.pipe(
    v.optional(v.picklist(["", ...names], `column: expected one of ${names.join(", ")}`), ""),
    v.transform((name) => (name === "" ? fallback : name)),
  );

const rewardParams = v.object({ ...page, column: column(REWARD_COLUMN_NAMES, "job_id") });
const submissionParams = v.object({
  ...page,
  column: column(SUBMISSION_COLUMN_NAMES, "job_id"),
  jobid: v.optional(v.pipe(whole("jobid: expected a block height"), v.maxValue(0x7fff_ffff)), 0),
});

/** Parameters come by name, or as the one element of a list. */
async function withParams<Schema extends v.GenericSchema>(
  schema: Schema,
  params: unknown,
  run: (parsed: v.InferOutput<Schema>) => Promise<WireValue>,
): Promise<Outcome> {
  if (Array.isArray(params) && params.length > 1) return fail(BAD_PARAMS, "expected parameters by name");
  const named = Array.isArray(params) ? params[0] : params;
  const parsed = v.safeParse(schema, named ?? {});
  if (!parsed.success) return fail(BAD_PARAMS, parsed.issues[0].message);
  return { result: await run(parsed.output) };
}

async function rewards(
  db: Db,
  total: () => Promise<number>,
  params: v.InferOutput<typeof rewardParams>,
): Promise<WireValue> {
  const [rows, totalrecords] = await Promise.all([listRewards(db, params), total()]);
  return { data: rows.map(rewardOf), info: { records: rows.length, totalrecords } };
}

/** Differs from prosper-pool: `dust` is what was carried to the next block; every unit is accounted for. */
function rewardOf(row: RewardListing): WireValue {
  return {
    jobid: row.height,
    poolreward: row.reward,
    winningoprs: row.winning,
    gradedoprs: row.graded,
    poolfeerate: row.feeRate.replace(/\.?0+$/, "") || "0",
    poolfee: row.fee,
    dust: row.carried,
    pooldifficulty: Number(row.hashes) / HASHES_PER_DIFFICULTY,
    pdiff: PDIFF,
    totalhashrate: row.rate,
  };
}

async function submissions(
  db: Db,
  total: () => Promise<number>,
  params: v.InferOutput<typeof submissionParams>,
): Promise<WireValue> {
  const height = params.jobid === 0 ? undefined : params.jobid;
  const [rows, totalrecords] = await Promise.all([listSubmissions(db, params, height), total()]);
  return { data: rows.map(submissionOf), info: { records: rows.length, totalrecords } };
}

/** A blocked submission has no entry on chain: its hash is all zeros, as in the reference. Bytes are sent as base64, as Go writes them. */
function submissionOf(row: SubmissionListing): WireValue {
  return {
    jobid: row.height,
    oprhash: base64(row.oprHash),
    nonce: base64(row.nonce),
    target: row.target,
    entryhash: row.blocked ? NO_ENTRY : row.entryHash,
    committxid: "",
    blocked: row.blocked ? 1 : 0,
  };
}

function base64(hex: string): string {
  return Buffer.from(fromHex(hex)).toString("base64");
}
