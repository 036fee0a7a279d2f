import { describe, expect, it } from "vitest";
import { canSignReceipts } from "../../../../functions/api/figures/receipt-check.ts";
import { onlyReceiptKey, receiptKeysOf } from "../../../../functions/api/figures/receipt-keys.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { formatReceipt } from "../../../../shared/proofs/proof-format.ts";
import { signReceipt } from "../../../../shared/proofs/receipt.ts";
import { verifyReceipt } from "../../../../shared/proofs/verify.ts";

const publicKeyOf = (secret: string): string => {
  const keys = receiptKeysOf(secret);
  if (keys === undefined) throw new Error("no key");
  return toHex(keys.signing.publicKey);
};
const RECEIPT = {
  ...{ pool: "Test", height: 7, user: "ann", worker: "rig", shares: 1n, work: 2n, amount: 3n },
  root: "ab".repeat(32),
};

describe("the keys of receipts", () => {
  it("are one for each line of the secret, and the first one signs", () => {
    const keys = receiptKeysOf("new\nold\n\n  older \n", "old\nmuch older");

    expect(keys && toHex(keys.signing.publicKey)).toBe(publicKeyOf("new"));
    expect(keys?.former).toEqual(["old", "older", "much older"].map(publicKeyOf));
    expect(receiptKeysOf("new")).toMatchObject({ former: [] });
    expect(receiptKeysOf("", " \n")).toBeUndefined();
  });

  it("keep an older receipt valid by the keys that are published, as long as its secret is kept", () => {
    const old = receiptKeysOf("old");
    if (old === undefined) throw new Error("no key");
    const receipt = formatReceipt(signReceipt(RECEIPT, old.signing));
    const published = (...texts: string[]): string[] => {
      const keys = receiptKeysOf(...texts);
      return keys === undefined ? [] : [toHex(keys.signing.publicKey), ...keys.former];
    };
    const isGood = (keys: string[]): boolean => verifyReceipt(receipt, { keys }).every(({ ok }) => ok);

    expect(isGood(published("old"))).toBe(true);
    // Also where somebody forgot to keep the line: the secret's version before has it.
    expect(isGood(published("new", "old"))).toBe(true);
    expect(isGood(published("newer\nold", "new"))).toBe(true);
    expect(isGood(published("newer", "new"))).toBe(false);
  });

  it("are shown to sign before a miner asks", async () => {
    const keys = receiptKeysOf("new");
    if (keys === undefined) throw new Error("no key");
    await expect(canSignReceipts(onlyReceiptKey(keys.signing))).resolves.toBeUndefined();
    await expect(canSignReceipts(async () => undefined)).rejects.toMatchObject({ code: "receipt-key" });
    const broken = { ...keys.signing, sign: () => new Uint8Array(64) };
    await expect(canSignReceipts(onlyReceiptKey(broken))).rejects.toMatchObject({ code: "receipt-key" });
  });
});
