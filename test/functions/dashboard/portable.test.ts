/** What browsers take in place of Node's hashes and signatures says the same. */

import { describe, expect, it } from "vitest";
import { verifySignature } from "../../../functions/dashboard/assets/portable/ed25519.ts";
import * as portableHex from "../../../functions/dashboard/assets/portable/hex.ts";
import { sha256, sha256Hex } from "../../../functions/dashboard/assets/portable/sha256.ts";
import { MOST_ROOTS, Remembered } from "../../../functions/dashboard/assets/verify/remembered.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { sha256Hex as nodeSha256Hex } from "../../../shared/sha256.ts";
import { hashVectors, signatureVectors } from "../../support/verify-vectors.ts";

describe("the browser's modules", () => {
  it("take and refuse the signatures that Node's take and refuse", () => {
    const vectors = signatureVectors();
    const wrong = vectors.filter(
      ({ key, message, signature, verdict }) =>
        verifySignature(fromHex(key), fromHex(message), fromHex(signature)) !== verdict,
    );

    expect(wrong).toEqual([]);
    const verdicts = Map.groupBy(vectors, ({ verdict }) => verdict);
    expect(verdicts.get(true)?.length).toBeGreaterThanOrEqual(25);
    expect(verdicts.get(false)?.map(({ name }) => name)).toContain("R with a part of order eight");
  });

  it("hash bytes and texts, and spell bytes, as Node's do", () => {
    for (const { message, sha256: expected } of hashVectors()) {
      expect(sha256Hex(fromHex(message))).toBe(expected);
      expect(toHex(sha256(fromHex(message)))).toBe(expected);
      expect(portableHex.toHex(fromHex(message))).toBe(message);
      expect(portableHex.fromHex(message.toUpperCase())).toEqual(fromHex(message));
    }
    expect(sha256Hex("grüße")).toBe(nodeSha256Hex("grüße"));
    for (const hex of ["0", "0g", "zz", "0x00"])
      expect(() => portableHex.fromHex(hex, "key")).toThrow("key: expected an even number of hex digits");
  });
});

describe("what was seen at earlier visits", () => {
  const storage = () => {
    const kept = new Map<string, string>();
    return {
      kept,
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, text: string) => void kept.set(name, text),
    };
  };
  const root = (height: number): string => height.toString(16).padStart(64, "0");

  it("keeps the first root of a height, and the newest heights", () => {
    const held = storage();
    const first = new Remembered(held);
    for (let height = 0; height < MOST_ROOTS + 10; height++) first.see(height, root(height), [root(7)]);
    first.see(100, root(1), [root(8)]);
    first.save();
    const later = new Remembered(held);

    expect(later.rootOf(100)).toBe(root(100));
    expect([later.rootOf(9), later.rootOf(10)]).toEqual([undefined, root(10)]);
    expect(later.keys).toEqual([root(7), root(8)]);
    expect([...held.kept.values()].join("").length).toBeLessThan(400_000);
  });

  it("is nothing where the browser keeps nothing, is full, or holds something else", () => {
    const held = storage();
    held.setItem("prosper-roots", '{"roots":{"1":"x"},"keys":[]}');
    expect(new Remembered(held).rootOf(1)).toBeUndefined();
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new Error("full");
      },
    };
    for (const one of [full, undefined]) {
      const remembered = new Remembered(one);
      remembered.see(1, root(1), []);
      remembered.save();
      expect(remembered.rootOf(1)).toBe(root(1));
    }
  });
});
