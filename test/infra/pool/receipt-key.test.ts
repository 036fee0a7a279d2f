import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureReceiptKey } from "../../../infra/pool/receipt-key.ts";
import { toHex } from "../../../shared/bytes.ts";
import { systemRandom } from "../../../shared/clock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-key-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the receipt key", () => {
  it("is made once, readable by its owner only, and stays", async () => {
    const path = join(folder, "pool", "receipt-key");
    const first = await ensureReceiptKey(join(folder, "pool"), systemRandom);
    const again = await ensureReceiptKey(join(folder, "pool"), systemRandom);

    expect(toHex(again.publicKey)).toBe(toHex(first.publicKey));
    expect(readFileSync(path, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it("is never made anew over a damaged one", async () => {
    writeFileSync(join(folder, "receipt-key"), "abc");

    await expect(ensureReceiptKey(folder, systemRandom)).rejects.toMatchObject({ code: "receipt-key" });
    expect(readFileSync(join(folder, "receipt-key"), "utf8")).toBe("abc");
  });
});
