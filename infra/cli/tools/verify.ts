/** `prosper verify PROOF`: whether a worker's shares and work are in a block's published root. Needs no pool, no database and no network. */

import { open } from "node:fs/promises";
import * as v from "valibot";
import { fromHex } from "../../../shared/bytes.ts";
import type { Clock, Random } from "../../../shared/clock.ts";
import { CodedError, coerceError } from "../../../shared/errors.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { parseJson } from "../../../shared/json-source.ts";
import { type ProofFile, provingFile, type ReceiptFile } from "../../../shared/proofs/proof-file.ts";
import { MOST_BLOCKS, RootFinder, type RootFinding } from "../../../shared/proofs/root-chain.ts";
import { type Check, type Published, verifyProof, verifyReceipt } from "../../../shared/proofs/verify.ts";
import { checkOnChain, publishedCheck } from "../../../shared/proofs/verify-chain.ts";
import { checkPublished, type PublishedSums } from "../../../shared/proofs/verify-published.ts";
import { readBody } from "../../../shared/read-body.ts";
import { whyUnread } from "../../durable-file.ts";

export interface VerifyOptions {
  readonly file: string;
  /** The block's published root, from wherever the miner trusts. */
  readonly root?: string | undefined;
  /** The pool's public receipt key. */
  readonly key?: string | undefined;
  /** Address of the pool's page. Root, key and books are read from it. */
  readonly pool?: string | undefined;
  /** JSON-RPC address of a factomd, of whoever's: what the pool wrote to its chain is read from it. */
  readonly factomd?: string | undefined;
  readonly json?: boolean | undefined;
}

export interface VerifyModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: typeof fetch;
  /** A line for stdout. */
  readonly print: (line: string) => void;
  /** A line for stderr. */
  readonly warn: (line: string) => void;
}

/** A user's 1,000 workers with their receipts are 1 MB. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_ANSWER_BYTES = 1024 * 1024;
const TIMEOUT_MS = 10_000;
const HEX_64 = /^[0-9a-f]{64}$/;

/**
 * Prints each check and returns the exit code. It is 1 where a check fails and, for programs (`json`), also
 * where there is no published root to check against. Throws CodedErrors `proof-file` (cannot be read),
 * `verify-option`, `pool-away` (the pool did not say what it published), and those of the client of factomd.
 */
export async function verifyCommand(options: VerifyOptions, modules: VerifyModules): Promise<number> {
  const own = { root: hexOption("--root", options.root), key: hexOption("--key", options.key) };
  const read = await readProof(options.file);
  if (!read.ok) return conclude([{ ok: false, text: read.why }], options, modules);
  const { file } = read;
  const block = options.pool === undefined ? undefined : await askPool(options.pool, file.height, modules);
  const root = own.root ?? block?.root;
  const keys = own.key === undefined ? (block?.keys ?? []) : [own.key];
  const published: Published = {
    ...(root === undefined ? {} : { root }),
    keys,
  };
  const checks =
    file.format === "prosper-proof" ? verifyProof(file, published) : verifyReceipt(file, published);
  if (block !== undefined) checks.push(...checkPublished(file, block.sums));
  const onChain =
    options.factomd === undefined ? undefined : await askChain(options.factomd, file, keys, modules);
  if (onChain !== undefined) {
    checks.push(...checkOnChain(file, onChain));
    if (block !== undefined && onChain.first !== undefined)
      checks.push(publishedCheck(block.root, onChain.first));
  }
  if (root !== undefined || onChain?.first !== undefined) return conclude(checks, options, modules);
  const unpublished = `Checked against the file's own root ${file.root}. Compare it with what the pool publishes: --root HEX or --pool URL`;
  // A program reads no warning. So for a program, a root that nobody has published proves nothing.
  if (options.json === true) return conclude([...checks, { ok: false, text: unpublished }], options, modules);
  const code = conclude(checks, options, modules, "The file agrees with itself.");
  if (code === 0) modules.warn(unpublished);
  return code;
}

function conclude(
  checks: readonly Check[],
  options: VerifyOptions,
  { print }: VerifyModules,
  good = "Verified.",
): number {
  const failed = checks.filter(({ ok }) => !ok);
  if (options.json === true) print(JSON.stringify({ ok: failed.length === 0, checks }));
  else {
    for (const { ok, text } of checks) print(`${ok ? "ok    " : "WRONG "} ${text}`);
    print(failed.length === 0 ? good : `NOT VERIFIED: ${failed.length} of ${checks.length} checks failed.`);
  }
  return failed.length === 0 ? 0 : 1;
}

function hexOption(flag: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const hex = value.toLowerCase();
  if (HEX_64.test(hex)) return hex;
  throw new CodedError(
    "verify-option",
    `${flag}: expected 64 hex digits, got ${JSON.stringify(value.slice(0, 80))}`,
  );
}

type ReadProof =
  | { readonly ok: true; readonly file: ProofFile | ReceiptFile }
  | { readonly ok: false; readonly why: string };

async function readProof(path: string): Promise<ReadProof> {
  const text = await readBounded(path);
  const parsed = parseJson(text);
  if (parsed === undefined) return { ok: false, why: "the file is not JSON" };
  const checked = v.safeParse(provingFile, parsed);
  if (checked.success) return { ok: true, file: checked.output };
  const [issue] = checked.issues;
  return {
    ok: false,
    why: `the file is no proof or receipt of version 1: ${v.getDotPath(issue) ?? "format"}: ${issue.message}`,
  };
}

async function readBounded(path: string): Promise<string> {
  const refuse = (why: string, cause?: Error): CodedError =>
    new CodedError("proof-file", `${path}: ${why}`, cause === undefined ? {} : { cause });
  const file = await open(path, "r").catch((thrown: unknown) => {
    throw refuse(`cannot be read: ${whyUnread(thrown)}`, coerceError(thrown));
  });
  try {
    const { size } = await file.stat();
    if (size > MAX_FILE_BYTES) throw refuse(`expected ${MAX_FILE_BYTES} bytes at most, got ${size}`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

const decimal = v.nullable(v.string());
const publishedBlock = v.object({
  block: v.object({
    root: v.nullable(v.string()),
    shares: decimal,
    reward: decimal,
    carriedIn: decimal,
    fee: decimal,
    paid: decimal,
    carried: decimal,
  }),
  receiptKey: v.nullable(v.string()),
  /** A pool of an older version has none. */
  formerReceiptKeys: v.optional(v.array(v.string()), []),
});

interface PublishedBlock {
  readonly root: string;
  /** The first one signs today. */
  readonly keys: readonly string[];
  readonly sums: PublishedSums;
}

/** What the pool's page says about a block, bounded in time and size, without redirects. */
async function askPool(pool: string, height: number, modules: VerifyModules): Promise<PublishedBlock> {
  const base = URL.parse(pool);
  if (base === null || (base.protocol !== "http:" && base.protocol !== "https:"))
    throw new CodedError(
      "verify-option",
      `--pool: expected http://… or https://…, got ${JSON.stringify(pool.slice(0, 200))}`,
    );
  const url = new URL(`/api/blocks/${height}`, base);
  const away = (why: string): CodedError =>
    new CodedError("pool-away", `${url.href}: ${why}; give the root by --root instead`);
  const abort = new AbortController();
  const timer = modules.clock.after(TIMEOUT_MS, () => abort.abort());
  try {
    const response = await modules
      .fetch(url.href, { redirect: "manual", signal: abort.signal })
      .catch((thrown: unknown) => {
        throw away(abort.signal.aborted ? "no answer in time" : coerceError(thrown).message);
      });
    if (!response.ok) throw away(`answered with status ${response.status}`);
    const body = await readBody(response.body, { maxBytes: MAX_ANSWER_BYTES });
    if (body === undefined) throw away(`more than ${MAX_ANSWER_BYTES} bytes`);
    const parsed = v.safeParse(publishedBlock, parseJson(body.toString("utf8")));
    if (!parsed.success) throw away("the answer is not that of a pool of this version");
    const { block, receiptKey, formerReceiptKeys } = parsed.output;
    const { root, ...sums } = block;
    if (root === null) throw away("this block is not sealed");
    return { root, keys: receiptKey === null ? [] : [receiptKey, ...formerReceiptKeys], sums };
  } finally {
    timer.stop();
  }
}

/** What the chains of the pool's keys say of the block. The key must come from elsewhere than the file: with a key of one's own one writes a chain of one's own. */
function askChain(
  url: string,
  file: ProofFile | ReceiptFile,
  keys: readonly string[],
  { clock, random, fetch }: VerifyModules,
): Promise<RootFinding> {
  const address = URL.parse(url);
  if (address?.protocol !== "http:" && address?.protocol !== "https:")
    throw new CodedError(
      "verify-option",
      `--factomd: expected http://… or https://…, got ${JSON.stringify(url.slice(0, 200))}`,
    );
  if (keys.length === 0)
    throw new CodedError("verify-option", "--factomd needs the pool's receipt key: --key HEX or --pool URL");
  const factomd = createFactomd({ url, timeoutMs: TIMEOUT_MS }, { fetch, clock, random });
  const finder = new RootFinder(
    { keys: keys.map((key) => fromHex(key, "receipt key")), most: MOST_BLOCKS },
    factomd,
  );
  return finder.find(file.height);
}
