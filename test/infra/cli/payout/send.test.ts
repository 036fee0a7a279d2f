/** `prosper payout send`: on record before it leaves, nothing but what was prepared and is owed, and nothing twice. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toHex } from "../../../../shared/bytes.ts";
import { listAdminLog } from "../../../../shared/db/admin-log.ts";
import { adjust } from "../../../../shared/db/payments.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import type { Factomd } from "../../../../shared/factom/client.ts";
import { keyPairFromSeed } from "../../../../shared/factom/ed25519.ts";
import { encodeEntry, entryHash } from "../../../../shared/factom/entry.ts";
import { faAddressOf, signPegBatch } from "../../../../shared/factom/fat2.ts";
import { addressOf } from "../../../support/accounts.ts";
import { owe, text } from "../../../support/books.ts";
import { pool } from "../../../support/payout/payout-steps.ts";
import { PayoutDesk } from "./payout-desk.ts";

let desk: PayoutDesk;
let db: Db;
beforeEach(async () => {
  desk = await PayoutDesk.open();
  db = desk.db;
});
afterEach(() => desk.close());

describe("payout send", () => {
  beforeEach(async () => {
    await owe(db, "ann", 5n);
    await owe(db, "bob", 7n);
    await desk.run("prepare");
    await desk.run("sign");
  });

  /** The signed file with something else in it. */
  const forge = (change: (file: ReturnType<PayoutDesk["signed"]>) => void): void => {
    const forged = desk.signed();
    change(forged);
    writeFileSync(desk.file("signed.json"), JSON.stringify(forged));
  };
  /** An entry signed by a key, paying an address. */
  const entryTo = (address: string, signer = pool) => {
    const raw = encodeEntry(
      signPegBatch(
        signer,
        [
          { address, amount: 5n },
          { address: addressOf("bob"), amount: 7n },
        ],
        desk.clock.wallMs() / 1000,
      ),
    );
    return { entryHash: entryHash(raw), raw: toHex(raw), count: 2 };
  };

  it("puts everything on record before the first byte leaves", async () => {
    const recorded: (string | null)[] = [];
    const watched: Factomd = {
      ...desk.node.factomd,
      async commitEntry(message) {
        recorded.push(
          await text(
            db,
            sql`SELECT state || ' ' || (SELECT count(*) FROM payout_entries WHERE state = 'intended') FROM payout_batches`,
          ),
        );
        return desk.node.factomd.commitEntry(message);
      },
    };

    await desk.run("send", { factomd: watched });

    expect(recorded).toEqual(["sending 1"]);
    expect((await listAdminLog(db, 1))[0]).toMatchObject({
      action: "send-payout",
      details: { total: "12", source: faAddressOf(pool) },
    });
  });

  it.each<[string, (file: ReturnType<PayoutDesk["signed"]>) => void, RegExp]>([
    [
      "pays somebody else",
      (forged) => Object.assign(forged, { entries: [entryTo(addressOf("thief"))] }),
      /do not pay what its lines list/,
    ],
    [
      "was signed by another key than it says",
      (forged) =>
        Object.assign(forged, {
          entries: [entryTo(addressOf("ann"), keyPairFromSeed(new Uint8Array(32).fill(9)))],
        }),
      /pays from FA/,
    ],
    [
      "has a byte flipped",
      (forged) => Object.assign(forged.entries[0], { raw: `${forged.entries[0].raw.slice(0, -2)}00` }),
      /is damaged/,
    ],
    [
      "has another salt",
      (forged) => Object.assign(forged, { saltSeconds: forged.saltSeconds + 1 }),
      /another salt/,
    ],
    [
      "lists more than its entries pay",
      (forged) => void forged.lines.push(forged.lines[0]),
      /do not pay what its lines list/,
    ],
    [
      "leaves an entry out",
      (forged) => Object.assign(forged, { entries: [] }),
      /do not pay what its lines list/,
    ],
    [
      "is a prepared one",
      (forged) => Object.assign(forged, { prosper: "payout" }),
      /expected a file of `prosper payout sign`/,
    ],
  ])("refuses a file that %s, and records nothing", async (_what, change, message) => {
    forge(change);

    await expect(desk.run("send")).rejects.toMatchObject({
      code: "payout-invalid",
      message: expect.stringMatching(message),
    });
    expect(desk.node.entries.size).toBe(0);
    expect(await text(db, sql`SELECT state FROM payout_batches`)).toBe("prepared");
  });

  it("refuses what is not owed any more, what another signature is on record for, and a source or payer without means", async () => {
    desk.node.credits = 0;
    await expect(desk.run("send")).rejects.toMatchObject({ code: "payout-credits" });
    desk.node.credits = 1_000;
    desk.funds = 11;
    await expect(desk.run("send")).rejects.toMatchObject({ code: "payout-funds" });
    desk.funds = 12;
    await adjust(db, { user: "ann", amount: -1n, reason: "mistake", madeBy: "test" });
    await expect(desk.run("send")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("ann is to get 0.00000005 PEG, but 0.00000004"),
    });
    await adjust(db, { user: "ann", amount: 1n, reason: "none", madeBy: "test" });
    expect(desk.node.entries.size).toBe(0);

    await desk.run("send");
    const other = keyPairFromSeed(new Uint8Array(32).fill(9));
    await desk.signInto("other.json", other);
    writeFileSync(desk.file("signed.json"), readFileSync(desk.file("other.json")));
    await expect(desk.run("send")).rejects.toMatchObject({
      code: "payout-refused",
      message: expect.stringContaining("by other entries"),
    });
    expect(desk.node.entries.size).toBe(1);
  });

  it("sends an entry anew that the node has lost, and nothing that it has", async () => {
    let commits = 0;
    const counting: Factomd = {
      ...desk.node.factomd,
      commitEntry(message) {
        commits += 1;
        return desk.node.factomd.commitEntry(message);
      },
    };
    const send = (): Promise<void> => desk.run("send", { factomd: counting });
    await send();
    await send();
    expect(commits).toBe(1);

    const [hash = ""] = desk.node.entries.keys();
    desk.node.entries.clear();
    await send();

    expect(commits).toBe(2);
    expect([...desk.node.entries.keys()]).toEqual([hash]);
  });
});
