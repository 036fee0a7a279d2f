/** Payouts begun on the page, on a real database and a real devnet, ended at every call they make: another process goes on, and everybody is paid once. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendingBatches } from "../../../shared/db/payout-batches.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf } from "../../support/accounts.ts";
import { text } from "../../support/books.ts";
import { type KillPoint, killer } from "../../support/payout/kill.ts";
import { ended, openPayday, signedPieces, takeAll } from "../../support/payout/page.ts";
import { createPayoutWorld, type PayoutWorld } from "../../support/payout/payout-world.ts";

let world: PayoutWorld;
beforeAll(async () => {
  world = await createPayoutWorld();
});
afterAll(() => world.close());

class Killed extends Error {}

/** The pool's process. With a point it dies there: nothing it does afterwards arrives. */
function processOf(point?: KillPoint) {
  const deadly = killer(point, () => {
    throw new Killed();
  });
  const { db, factomd, pegnetd, clock } = world;
  const payday = openPayday({ db: deadly.db(db), factomd: deadly.factomd(factomd), pegnetd, clock });
  return { payday, calls: deadly.calls };
}

describe("a payout sent from the page", () => {
  it("pays everybody once when the process is killed at every call of the sending, and the next one goes on", async () => {
    const owed = new Map<string, bigint>();
    let kills = 0;
    for (const side of ["before", "after"] as const) {
      for (let call = 1; ; call++) {
        const name = `user-${String(owed.size).padStart(4, "0")}`;
        await world.owe(name, 1_000_007n);
        owed.set(name, 1_000_007n);
        const { payday } = processOf();
        expect(payday.prepare("boss")).toBe(true);
        expect(await ended(payday)).toBeUndefined();
        const pieces = await signedPieces(world.db);
        const dying = processOf({ call, side });
        const took = await takeAll(dying.payday, pieces).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
          return undefined;
        });
        await ended(dying.payday);
        const isKilled = dying.calls() >= call;
        kills += isKilled ? 1 : 0;
        // The next process: what is on record goes on by itself; what is not is handed over again.
        const next = processOf().payday;
        if ((await signedPieces(world.db)) !== undefined) await takeAll(next, pieces);
        expect(await ended(next)).toBeUndefined();
        expect(next.confirm()).toBe(true);
        expect(await ended(next)).toBeUndefined();
        if (!isKilled) {
          expect(took).toEqual({ kind: "sending" });
          break;
        }
      }
    }
    expect(kills).toBeGreaterThan(30);
    await world.block();
    const last = processOf().payday;
    const stopping = new AbortController();
    // Nobody presses a button: the pool looks by itself.
    const running = last.run(stopping.signal);
    for (let i = 0; i < 100 && (await sendingBatches(world.db)).length > 0; i++) {
      world.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    stopping.abort();
    world.clock.advance(1_000);
    await running;

    for (const [name, amount] of owed) expect(world.devnet.chain.balance(addressOf(name)), name).toBe(amount);
    const off = sql`SELECT count(*) FROM balances WHERE owed <> 0 OR paid_out <> adjusted`;
    expect(await text(world.db, off)).toBe("0");
    expect(await text(world.db, sql`SELECT count(*) FROM payments`)).toBe(String(owed.size));
    expect(await sendingBatches(world.db)).toEqual([]);
  });
});
