/** Every case of `payout_cli.json`: the same entries, commits and reveals, sent to a real HTTP server; and resuming. */

import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { payCommand } from "../../../../infra/cli/payout/pay.ts";
import { fromHex, toHex } from "../../../../shared/bytes.ts";
import { type Clock, systemClock, systemRandom } from "../../../../shared/clock.ts";
import { requireAddress } from "../../../../shared/factom/address.ts";
import { createFactomd, type Factomd } from "../../../../shared/factom/client.ts";
import { parseCommit, signEntry } from "../../../../shared/factom/commit.ts";
import { keyPairFromSeed } from "../../../../shared/factom/ed25519.ts";
import { entryHash } from "../../../../shared/factom/entry.ts";
import { formatPayoutLines, parsePayoutLines, planPayout } from "../../../../shared/factom/payout.ts";

const CASE = v.object({
  kind: v.literal("payoutCli"),
  note: v.string(),
  payJson: v.string(),
  source: v.string(),
  sourceFs: v.string(),
  ec: v.string(),
  ecEs: v.string(),
  exit: v.number(),
  stderr: v.string(),
  http: v.array(v.object({ server: v.string(), request: v.string(), reply: v.string() })),
  receipt: v.string(),
  commit: v.optional(v.string()),
  reveal: v.optional(v.string()),
  extids: v.optional(v.array(v.string())),
  content: v.optional(v.string()),
  entryhash: v.optional(v.string()),
});
const cases = v.parse(
  v.array(CASE),
  JSON.parse(readFileSync("test/support/vectors/payout_cli.json", "utf8")).cases,
);
const paid = cases.filter((one) => one.exit === 0);
const [first] = paid;
if (first === undefined) throw new Error("no case pays");

/** What each refused case ends with here. The reference's own message is in `stderr`. */
const REFUSED: Record<string, string> = {
  "negative amount": "payout-invalid",
  "bad payout address": "payout-invalid",
  "empty payout address": "payout-invalid",
  "empty list": "payout-invalid",
  null: "payout-invalid",
  "not json": "payout-invalid",
  "bad source address": "address-invalid",
  // Differs from prosper-pool: there is no walletd; the keys are given, and must belong to the addresses.
  "source not in the wallet": "payout-key",
  "bad EC address": "address-invalid",
  "receipt exists": "receipt-exists",
  "reveal refused": "factomd-refused",
};

let folder = "";
let close = (): void => undefined;
let calls: { method: string; hex: string }[] = [];
let balance = 1000;
let refuse: Record<string, object> = {};
const known = new Map<string, string>();
let factomd: Factomd;
const lines: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "payout-"));
  calls = [];
  balance = 1000;
  refuse = {};
  known.clear();
  lines.length = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => response.end(answer(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const options = { url: `http://127.0.0.1:${address.port}/v2`, timeoutMs: 2000 };
  factomd = createFactomd(options, { fetch, clock: systemClock, random: systemRandom });
});
afterEach(async () => {
  close();
  await rm(folder, { recursive: true });
});

/** A node that keeps revealed entries and answers as told. */
function answer(body: string): string {
  const { id, method, params } = JSON.parse(body);
  const reply = (part: object): string => JSON.stringify({ jsonrpc: "2.0", id, ...part });
  const refusal = refuse[method];
  if (method === "entry-credit-balance") return reply({ result: { balance } });
  if (method === "raw-data") {
    const data = known.get(params.hash);
    return reply(
      data === undefined ? { error: { code: -32008, message: "Object not found" } } : { result: { data } },
    );
  }
  if (method === "ack") {
    const status = known.has(params.hash) ? "DBlockConfirmed" : "Unknown";
    return reply({ result: { commitdata: { status }, entrydata: { status } } });
  }
  calls.push({ method, hex: params.message ?? params.entry });
  if (refusal) return reply({ error: refusal });
  if (method === "reveal-entry") known.set(entryHash(fromHex(params.entry)), params.entry);
  return reply({ result: { message: "ok", txid: "tx", entryhash: "hash" } });
}

const at = (seconds: number): Clock => ({ ...systemClock, wallMs: () => seconds * 1000 });

async function pay(
  one: (typeof cases)[number],
  clock: Clock,
  receiptFile = join(folder, "receipt.json"),
): Promise<string> {
  const payFile = join(folder, "pay.json");
  await writeFile(payFile, one.payJson);
  const options = {
    payFile,
    receiptFile,
    sourceSecret: one.sourceFs,
    creditSecret: one.ecEs,
    source: one.source,
    credit: one.ec,
    ...{ folder, byHand: true },
  };
  await payCommand(options, {
    ...{ factomd, clock, print: (line: string) => lines.push(line) },
    ask: async () => true,
    compare: async () => undefined,
  });
  return readFile(receiptFile, "utf8");
}

describe("payout_cli.json", () => {
  it("plans the same entry, commit and reveal, byte for byte, and the same receipt", () => {
    const recorded = cases.filter((one) => one.commit !== undefined);
    expect(recorded.map((one) => one.note)).toHaveLength(8);
    for (const one of recorded) {
      const signer = keyPairFromSeed(requireAddress("Fs", one.sourceFs));
      const payer = keyPairFromSeed(requireAddress("Es", one.ecEs));
      const commit = parseCommit(fromHex(one.commit ?? ""));
      if (!commit.ok) throw new Error("the vector's commit does not parse");
      // "commit refused" has no reveal: its salt is not recorded, so only the commit's form can be looked at.
      if (one.extids === undefined) {
        expect(commit.commit.credits).toBe(1);
        expect(toHex(commit.commit.publicKey)).toBe(toHex(payer.publicKey));
        continue;
      }
      const saltSeconds = Number(Buffer.from(one.extids[0] ?? "", "hex").toString());

      const plan = planPayout({ lines: parsePayoutLines(one.payJson), signer, saltSeconds });
      const [only, ...more] = plan.entries;
      const entry = only?.entry ?? { chainId: "", extIds: [], content: new Uint8Array() };
      const signed = signEntry({ entry, payer, timestampMs: commit.commit.timestampMs });

      expect(more).toEqual([]);
      expect(entry.extIds.map(toHex)).toEqual(one.extids);
      expect(new TextDecoder().decode(entry.content)).toBe(one.content);
      expect(only?.entryHash).toBe(one.entryhash);
      expect(toHex(signed.commit), one.note).toBe(one.commit);
      expect(toHex(signed.reveal)).toBe(one.reveal);
      if (one.exit === 0) expect(formatPayoutLines(plan.receipt)).toBe(one.receipt);
    }
  });

  it.each(paid)("pays and writes the receipt: $note", async (one) => {
    const salt = Number(Buffer.from(one.extids?.[0] ?? "", "hex").toString());

    const receipt = await pay(one, at(salt));

    expect(receipt).toBe(one.receipt);
    expect(calls.map((call) => call.method)).toEqual(["commit-entry", "reveal-entry"]);
    expect(calls[1]?.hex).toBe(one.reveal);
    expect(lines).toContain("Payment submitted to the network");
  });

  it("splits a file over 10 KiB, which the reference refuses, into entries that fit [P9]", async () => {
    const one = cases.find((found) => found.note.startsWith("60 payments"));
    if (one === undefined) throw new Error("the case is missing");

    const receipt = parsePayoutLines(await pay(one, systemClock));

    expect(one.stderr).toContain("Entry cannot be larger than 10KB");
    expect(calls.map((call) => call.method)).toEqual([
      "commit-entry",
      "reveal-entry",
      "commit-entry",
      "reveal-entry",
    ]);
    expect(new Set(receipt.map((line) => line.entryHash))).toEqual(new Set(known.keys()));
    expect(receipt.map(({ entryHash: _, ...line }) => line)).toEqual(
      parsePayoutLines(one.payJson).map(({ entryHash: _, ...line }) => line),
    );
  });

  it.each(cases.filter((one) => one.note in REFUSED))("refuses before it pays: $note", async (one) => {
    const isReveal = one.note === "reveal refused";
    if (isReveal) refuse["reveal-entry"] = { code: -32602, message: "Invalid params" };
    if (one.note === "receipt exists") await writeFile(join(folder, "receipt.json"), one.receipt);

    const result = pay(one, systemClock);

    await expect(result).rejects.toMatchObject({ name: "CodedError", code: REFUSED[one.note] });
    expect(one.exit).toBe(1);
    expect(calls.map((call) => call.method)).toEqual(isReveal ? ["commit-entry", "reveal-entry"] : []);
    expect(known.size).toBe(0);
  });

  it("goes on where the reference stops, when a commit is known already: it is paid, so the reveal follows", async () => {
    const one = cases.find((found) => found.note === "commit refused");
    if (one === undefined) throw new Error("the case is missing");
    refuse["commit-entry"] = { code: -32011, message: "Repeated Commit", data: "x" };

    const receipt = parsePayoutLines(await pay(one, systemClock));

    expect(one.stderr).toContain("Repeated Commit");
    expect([...known.keys()]).toEqual(receipt.map((line) => line.entryHash));
  });

  it("leaves no case out", () => {
    const differing = cases.filter((one) => /^60 payments|^commit refused/.test(one.note));
    expect(paid.length + Object.keys(REFUSED).length + differing.length).toBe(19);
    expect(cases).toHaveLength(19);
  });
});

describe("prosper payout pay", () => {
  it("resumes with the very same entry after a failure, so that nothing is paid twice", async () => {
    refuse["reveal-entry"] = { code: -32603, message: "Internal error" };
    await expect(pay(first, at(1_800_000_000))).rejects.toMatchObject({ code: "factomd-refused" });
    const attempted = calls[1]?.hex;
    refuse = {};

    const receipt = parsePayoutLines(await pay(first, at(1_800_000_900)));

    expect(calls.at(-1)).toEqual({ method: "reveal-entry", hex: attempted });
    expect(known.size).toBe(1);
    expect(receipt[0]?.entryHash).toBe([...known.keys()][0]);
  });

  it("sends nothing again when the entry is on the chain though its answer was lost", async () => {
    refuse["reveal-entry"] = { code: -32603, message: "Internal error" };
    await expect(pay(first, at(1_800_000_000))).rejects.toThrow();
    const raw = calls[1]?.hex ?? "";
    known.set(entryHash(fromHex(raw)), raw);
    calls = [];

    await pay(first, at(1_800_000_900));

    expect(calls).toEqual([]);
  });

  it("pays a file once, whatever the receipt is called", async () => {
    const receipt = await pay(first, at(1_800_000_000));
    calls = [];

    const again = await pay(first, at(1_800_100_000), join(folder, "second.json"));

    expect(again).toBe(receipt);
    expect(calls).toEqual([]);
  });

  it("refuses another file in the place of an unfinished one", async () => {
    refuse["commit-entry"] = { code: -32603, message: "Internal error" };
    await expect(pay(first, at(1_800_000_000))).rejects.toThrow();

    const changed = { ...first, payJson: first.payJson.replace("user00", "user99") };

    await expect(pay(changed, at(1_800_000_100))).rejects.toMatchObject({ code: "payout-unfinished" });
  });

  it("does not send an entry whose signature has run out", async () => {
    refuse["commit-entry"] = { code: -32603, message: "Internal error" };
    await expect(pay(first, at(1_800_000_000))).rejects.toThrow();
    refuse = {};
    calls = [];

    await expect(pay(first, at(1_800_000_000 + 12 * 3600))).rejects.toMatchObject({ code: "payout-expired" });
    expect(calls).toEqual([]);
  });

  it("refuses without entry credits, which the node itself would not say", async () => {
    balance = 0;

    await expect(pay(first, systemClock)).rejects.toMatchObject({ code: "payout-credits" });
    expect(calls).toEqual([]);
  });

  it("refuses a receipt in place of a payout file, and amounts that are no whole numbers", () => {
    const signer = keyPairFromSeed(new Uint8Array(32));

    expect(() => planPayout({ lines: parsePayoutLines(first.receipt), signer, saltSeconds: 1 })).toThrow(
      /paid by .* already/,
    );
    expect(() => parsePayoutLines('[{"PaymentAmount":1.5}]')).toThrow("payment 1: expected a whole number");
    expect(() => parsePayoutLines('[{"PaymentAmount":"1"}]')).toThrow("payment 1: expected a whole number");
    expect(() => parsePayoutLines('[{"UserID":1}]')).toThrow("payment 1: expected a text as UserID");
    expect(() => parsePayoutLines("{}")).toThrow("expected a JSON list");
  });
});
