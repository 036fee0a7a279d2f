import { Readable, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { hashCommand } from "../../../../infra/cli/tools/hash.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { LxrPool } from "../../../../shared/hash/pool.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { makeTable, VECTORS } from "../../../support/hash/tables.ts";

const table = makeTable(10);
const vectors = VECTORS.cases.find(({ bits }) => bits === 10)?.inputs ?? [];
const EMPTY = vectors.find(({ input }) => input.length === 0)?.hash;

/** Runs the command over what `chunks` says, and collects what it says. */
async function run(chunks: readonly (string | Buffer)[], signal?: AbortSignal) {
  const opened: { bits: number; pool: LxrPool }[] = [];
  let out = "";
  let err = "";
  const stdout = new Writable({
    highWaterMark: 16,
    write(chunk, _, done) {
      out += chunk;
      setImmediate(done);
    },
  });
  const code = await hashCommand(
    { bits: 10 },
    {
      stdin: Readable.from(chunks, { objectMode: false }),
      stdout,
      stderr: { write: (text) => (err += text) },
      openHasher: async (bits) => {
        const pool = new LxrPool({ table, threads: 2 }, { logger: SILENT });
        opened.push({ bits, pool });
        return pool;
      },
      signal,
    },
  );
  return { code, out, err, opened, isOpen: !stdout.writableEnded };
}

describe("prosper hash", () => {
  it("gives the reference's hash of every line, in order, and closes the hasher but not stdout", async () => {
    const { code, out, err, opened, isOpen } = await run([
      vectors.map(({ input }) => `${toHex(input)}\n`).join(""),
    ]);

    expect({ code, err, isOpen }).toEqual({ code: 0, err: "", isOpen: true });
    expect(out).toBe(vectors.map(({ hash }) => `${hash}\n`).join(""));
    expect(vectors).toHaveLength(30);
    expect(opened.map(({ bits, pool }) => [bits, pool.canAcceptWork()])).toEqual([[10, false]]);
  });

  it("reads lines cut anywhere, with CRLF, in upper case, and without a newline at the end", async () => {
    const text = vectors.map(({ input }) => toHex(input).toUpperCase()).join("\r\n");
    const cut = Array.from({ length: Math.ceil(text.length / 7) }, (_, i) => text.slice(7 * i, 7 * i + 7));

    const { code, out } = await run(cut);

    expect(code).toBe(0);
    expect(out).toBe(vectors.map(({ hash }) => `${hash}\n`).join(""));
  });

  it("takes an empty line for the empty input, and no input for no lines", async () => {
    expect(await run(["\n\n"])).toMatchObject({ code: 0, out: `${EMPTY}\n${EMPTY}\n` });
    expect(await run([])).toMatchObject({ code: 0, out: "", err: "" });
  });

  it.each([
    ["no hex", "zz"],
    ["half a byte", "abc"],
    ["a prefix", "0xab"],
    ["a space", "ab "],
  ])("stops at a line of %s with one error that names it, after the hashes before it", async (_, bad) => {
    const { code, out, err } = await run(["\n", `\n${bad}\n\nalso bad\n`]);

    expect(code).toBe(1);
    expect(out).toBe(`${EMPTY}\n${EMPTY}\n`);
    expect(err).toBe(`line 3: expected an even number of hex digits, got ${JSON.stringify(bad)}\n`);
  });

  it("refuses a line that never ends, before it fills the memory", async () => {
    let read = 0;
    const endless = (function* () {
      for (;;) {
        read += 50_000;
        yield "a".repeat(50_000);
      }
    })();
    let err = "";

    const code = await hashCommand(
      { bits: 10 },
      {
        stdin: Readable.from(endless, { objectMode: false }),
        stdout: new Writable(),
        stderr: { write: (text) => (err += text) },
        openHasher: async () => new LxrPool({ table, threads: 0 }, { logger: SILENT }),
      },
    );

    expect(code).toBe(1);
    expect(err).toBe("line 1: expected at most 131072 hex digits, got more\n");
    expect(read).toBeLessThan(1_000_000);
  });

  it("ends quietly when its reader has seen enough", async () => {
    const stdout = new Writable({
      write(_, __, done) {
        done(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
      },
    });

    const code = await hashCommand(
      { bits: 10 },
      {
        stdin: Readable.from(["\n"], { objectMode: false }),
        stdout,
        stderr: { write: (text) => expect(text).toBe("") },
        openHasher: async () => new LxrPool({ table, threads: 0 }, { logger: SILENT }),
      },
    );

    expect(code).toBe(0);
  });

  it("ends with 130 when aborted", async () => {
    expect(await run(["\n"], AbortSignal.abort())).toMatchObject({ code: 130, err: "" });
  });
});
