/** Block files for `prosper grade`: pegnet's test data (base64) or our own plain form (hex), checked by one schema each. */

import { readFile, stat } from "node:fs/promises";
import * as v from "valibot";
import { fromHex } from "../../../shared/bytes.ts";
import { CodedError, coerceError } from "../../../shared/errors.ts";
import { isJson } from "../../../shared/json-source.ts";
import { OPR_VERSIONS, type OprVersion } from "../../../shared/opr/assets.ts";
import type { OprEntry } from "../../../shared/opr/opr-entry.ts";
import { whyUnread } from "../../durable-file.ts";
import { lineOfPath, lineOfSyntaxError } from "../json-lines.ts";

/** A block as the file has it. */
export interface BlockFile {
  /** Undefined where the file does not name it: then the height decides. */
  readonly version: OprVersion | undefined;
  readonly height: number;
  readonly prevWinners: readonly string[] | null;
  /** The winners of the block that the file records, if it does. */
  readonly recordedWinners: readonly string[] | undefined;
  readonly entries: readonly OprEntry[];
}

/** A full mainnet block has about 500 entries and half a megabyte. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Factom's bound for the data of one entry, ExtIDs included. */
const MAX_DATA_BYTES = 10_240;

const height = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1));
const winners = v.array(v.string());
const previousWinners = v.optional(v.nullable(winners), null);

const hexBytes = v.pipe(
  v.string(),
  v.regex(/^(?:[0-9a-f]{2})*$/i, "expected an even number of hex digits"),
  v.maxLength(2 * MAX_DATA_BYTES),
  v.transform((text) => fromHex(text)),
);
const base64Bytes = v.pipe(
  v.string(),
  v.base64("expected base64"),
  v.maxLength(Math.ceil(MAX_DATA_BYTES / 3) * 4),
  v.transform((text) => new Uint8Array(Buffer.from(text, "base64"))),
);
const entryHash = v.pipe(
  hexBytes,
  v.check((bytes) => bytes.length === 32, "expected 64 hex digits"),
);

const plainBlock = v.pipe(
  v.object({
    version: v.optional(v.picklist(OPR_VERSIONS)),
    height,
    prevWinners: previousWinners,
    entries: v.array(v.object({ entryHash, extIds: v.array(hexBytes), content: hexBytes })),
  }),
  v.transform((file): BlockFile => ({ ...file, version: file.version, recordedWinners: undefined })),
);

const recordedBlock = v.pipe(
  v.object({
    Height: height,
    PreviousWinners: previousWinners,
    Winners: v.optional(v.nullable(winners)),
    Entries: v.array(v.object({ Hash: entryHash, ExtIDs: v.array(base64Bytes), Content: base64Bytes })),
  }),
  v.transform(
    (file): BlockFile => ({
      version: undefined,
      height: file.Height,
      prevWinners: file.PreviousWinners,
      recordedWinners: file.Winners ?? undefined,
      entries: file.Entries.map(({ Hash, ExtIDs, Content }) => ({
        entryHash: Hash,
        extIds: ExtIDs,
        content: Content,
      })),
    }),
  ),
);

/** Reads a block file of either form. Throws CodedError `block-file`, which names the file and, where it has one, the line and field. */
export async function readBlockFile(file: string): Promise<BlockFile> {
  const { size } = await stat(file).catch((thrown: unknown) =>
    refuse(`${file} cannot be read: ${whyUnread(thrown)}`),
  );
  if (size > MAX_FILE_BYTES)
    refuse(`${file}: expected a block file of at most ${MAX_FILE_BYTES} bytes, got ${size}`);
  const text = await readFile(file, "utf8").catch((thrown: unknown) =>
    refuse(`${file} cannot be read: ${whyUnread(thrown)}`),
  );
  return parseBlockFile(text, file);
}

/** Parses the text of a block file; `file` is its name in messages. Throws CodedError `block-file`. */
export function parseBlockFile(text: string, file: string): BlockFile {
  if (!isJson(text)) refuse(`${file}:${lineOfSyntaxError(text)}: expected JSON, got ${syntaxError(text)}`);
  const json: unknown = JSON.parse(text);
  const isRecorded = typeof json === "object" && json !== null && "Entries" in json;
  const parsed = v.safeParse(isRecorded ? recordedBlock : plainBlock, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const keys = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
  const field = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return refuse(
    `${file}:${lineOfPath(text, keys)}: ${field.replace(/^\./, "") || "the file"}: ${issue.message.slice(0, 300)}`,
  );
}

function syntaxError(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (thrown) {
    return `a text that is none (${coerceError(thrown).message.replaceAll("\n", " ").slice(0, 200)})`;
  }
}

function refuse(message: string): never {
  throw new CodedError("block-file", message);
}
