/** `prosper hash`: LXR hashes of hex lines, from stdin to stdout, to check a miner or another implementation against. */

import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { coerceError } from "../../../shared/errors.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { MAX_INPUT_BYTES } from "../../../shared/hash/kernel/layout.ts";
import { MAINNET_BITS } from "../../../shared/hash/lxr.ts";

export interface HashOptions {
  /** Table size, 30 unless given. */
  readonly bits?: number | undefined;
  /** `{"input":…,"hash":…}` for each line, in place of the hash alone. */
  readonly json?: boolean | undefined;
}

export interface HashModules {
  readonly stdin: Readable;
  /** Left open at the end. */
  readonly stdout: Writable;
  readonly stderr: { write(text: string): unknown };
  /** Makes or finds the table of this size; the command closes the hasher. */
  readonly openHasher: (bits: number) => Promise<Hasher>;
  readonly signal?: AbortSignal | undefined;
}

/** A line that is no input. The message names the line. */
class BadLine extends Error {}

/**
 * Writes one line of hex for each line read, in order, as soon as the lines of one read are hashed. An empty
 * line is the empty input. Resolves to the exit code. 0: done, also when the reader of the output stops early
 * (`| head`). 1: a bad line was found; stderr has one error, and the hashes of the lines before it are
 * written. 130: aborted. Rejects with the errors of `openHasher` and of the streams.
 */
export async function hashCommand(options: HashOptions, modules: HashModules): Promise<number> {
  const { stdin, stdout, stderr, openHasher, signal } = modules;
  const hasher = await openHasher(options.bits ?? MAINNET_BITS);
  try {
    await pipeline(
      stdin,
      (chunks: AsyncIterable<Uint8Array | string>) => hashLines(chunks, hasher, options.json === true),
      stdout,
      {
        end: false,
        ...(signal && { signal }),
      },
    );
    return 0;
  } catch (thrown) {
    const error = coerceError(thrown);
    if (error instanceof BadLine) {
      stderr.write(`${error.message}\n`);
      return 1;
    }
    if (signal?.aborted) return 130;
    if ("code" in error && error.code === "EPIPE") return 0;
    throw error;
  } finally {
    await hasher.close();
  }
}

async function* hashLines(
  chunks: AsyncIterable<Uint8Array | string>,
  hasher: Hasher,
  isJson: boolean,
): AsyncGenerator<string, void, undefined> {
  let rest = "";
  let lineNumber = 0;
  for await (const chunk of chunks) {
    const lines = (rest + (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1"))).split(
      "\n",
    );
    rest = lines.pop() ?? "";
    yield* hashAll(lines, lineNumber, hasher, isJson);
    lineNumber += lines.length;
    if (rest.length > 2 * MAX_INPUT_BYTES + 1) throw tooLong(lineNumber + 1);
  }
  if (rest !== "") yield* hashAll([rest], lineNumber, hasher, isJson);
}

/** Hashes the lines up to the first bad one, then throws for that. */
async function* hashAll(
  lines: readonly string[],
  linesBefore: number,
  hasher: Hasher,
  isJson: boolean,
): AsyncGenerator<string, void, undefined> {
  const inputs: Uint8Array[] = [];
  let bad: BadLine | undefined;
  for (const line of lines) {
    const input = parseLine(line, linesBefore + inputs.length + 1);
    if (input instanceof BadLine) {
      bad = input;
      break;
    }
    inputs.push(input);
  }
  const hashes = await hasher.hash(inputs);
  if (hashes.length > 0)
    yield hashes.map((hash, i) => `${hashText(inputs[i], toHex(hash), isJson)}\n`).join("");
  if (bad) throw bad;
}

function hashText(input: Uint8Array | undefined, hash: string, isJson: boolean): string {
  return isJson ? JSON.stringify({ input: toHex(input ?? new Uint8Array()), hash }) : hash;
}

function parseLine(line: string, number: number): Uint8Array | BadLine {
  const hex = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (hex.length > 2 * MAX_INPUT_BYTES) return tooLong(number);
  try {
    return fromHex(hex, `line ${number}`);
  } catch (thrown) {
    return new BadLine(coerceError(thrown).message);
  }
}

function tooLong(number: number): BadLine {
  return new BadLine(`line ${number}: expected at most ${2 * MAX_INPUT_BYTES} hex digits, got more`);
}
