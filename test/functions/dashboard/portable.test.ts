/** What browsers take in place of Node's hashes and signatures says the same. */

import { describe, expect, it } from "vitest";
import { verifySignature } from "../../../functions/dashboard/assets/portable/ed25519.ts";
import * as portableHex from "../../../functions/dashboard/assets/portable/hex.ts";
import { readBody } from "../../../functions/dashboard/assets/portable/read-body.ts";
import { sha256, sha256Hex } from "../../../functions/dashboard/assets/portable/sha256.ts";
import { sha512 } from "../../../functions/dashboard/assets/portable/sha512.ts";
import { nodeUrl, whyNoAnswer } from "../../../functions/dashboard/assets/verify/node-address.ts";
import { MOST_ROOTS, Remembered } from "../../../functions/dashboard/assets/verify/remembered.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { sha256Hex as nodeSha256Hex } from "../../../shared/sha256.ts";
import { sha512 as nodeSha512 } from "../../../shared/sha512.ts";
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
      expect(toHex(sha512(fromHex(message)))).toBe(toHex(nodeSha512(fromHex(message))));
      expect(portableHex.toHex(fromHex(message))).toBe(message);
      expect(portableHex.fromHex(message.toUpperCase())).toEqual(fromHex(message));
    }
    expect(sha256Hex("grüße")).toBe(nodeSha256Hex("grüße"));
    for (const hex of ["0", "0g", "zz", "0x00"])
      expect(() => portableHex.fromHex(hex, "key")).toThrow("key: expected an even number of hex digits");
  });

  it("read a body up to its bound", async () => {
    const body = (): ReadableStream<Uint8Array> | null => new Response("abcdef").body;
    expect(await readBody(body(), { maxBytes: 6 })).toEqual(new TextEncoder().encode("abcdef"));
    expect(await readBody(body(), { maxBytes: 5 })).toBeUndefined();
    expect(await readBody(null, { maxBytes: 5 })).toEqual(new Uint8Array());
  });
});

describe("a node that a page asks", () => {
  it("has an address with or without its path, and no password in it", () => {
    expect(nodeUrl(" http://localhost:8088 ")).toBe("http://localhost:8088/v2");
    expect(nodeUrl("https://node.example/factomd/v2")).toBe("https://node.example/factomd/v2");
    for (const wrong of ["", "localhost:8088", "ftp://node", "http://"])
      expect(() => nodeUrl(wrong), wrong).toThrow("a node's address is like");
    expect(() => nodeUrl("http://ann:secret@node/")).toThrow("no node that wants a name and a password");
  });

  it("is not asked over plain http by a page over https, but on the visitor's own machine", () => {
    const page = "https://pool.example/me/verify";
    expect(whyNoAnswer("http://node.example/v2", page)).toContain("asks no node over plain http");
    for (const node of ["http://localhost:8088/v2", "http://127.0.0.1:8088/v2", "https://node.example/v2"])
      expect(whyNoAnswer(node, page), node).toContain("CorsDomains");
    expect(whyNoAnswer("http://node.example/v2", "http://pool.example/")).toContain("CorsDomains");
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
