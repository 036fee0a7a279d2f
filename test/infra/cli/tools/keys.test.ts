/** Keys that are made on this machine: what is shown, what is kept, and that they belong together. */

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readKeyFile } from "../../../../infra/cli/payout/private-keys.ts";
import { keysCommand } from "../../../../infra/cli/tools/keys.ts";
import { creditAddress, factoidAddress } from "../../../../infra/pool/key-addresses.ts";
import { systemRandom } from "../../../../shared/clock.ts";

const folder = mkdtempSync(join(tmpdir(), "prosper-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function made(out?: string): Promise<string> {
  const lines: string[] = [];
  await keysCommand({ out }, { random: systemRandom, print: (line) => lines.push(line) });
  return lines.join("\n");
}

describe("prosper keys", () => {
  it("shows two pairs that belong together, others each time, and says what to keep", async () => {
    const text = await made();

    const [fa = "", fs = "", ec = "", es = ""] = ["FA", "Fs", "EC", "Es"].map(
      (kind) => new RegExp(`^${kind} {2}(${kind}\\w{50})`, "m").exec(text)?.[1],
    );
    expect([factoidAddress(fs), creditAddress(es)]).toEqual([fa, ec]);
    expect(text).toMatch(/Keep both Fs and Es .*a copy on paper/);
    expect(await made()).not.toContain(fs);
  });

  it("keeps the secret ones in a file of one's own, as --key-file takes it, and shows none", async () => {
    const out = join(folder, "pool.keys");

    const text = await made(out);

    const { fs = "", es = "" } = await readKeyFile(out);
    expect(text).toContain(factoidAddress(fs));
    expect(text).toContain(creditAddress(es));
    expect(text).not.toMatch(/\b(Fs|Es)\w{50}/);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const before = readFileSync(out, "utf8");
    await expect(made(out)).rejects.toThrow(/key file .* exists already: name a new file/);
    expect(readFileSync(out, "utf8")).toBe(before);
  });
});
