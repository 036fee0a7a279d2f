import { expect } from "vitest";
import { type Replay, replayBooks } from "../../../shared/audit/replay.ts";
import { type Db, type Sql, sql } from "../../../shared/db/port.ts";

class Undo extends Error {}

/** The replay of books changed as a superuser with the triggers off; they are as before afterwards. */
export async function replayAfter(db: Db, ...changes: readonly Sql[]): Promise<Replay> {
  const found: Replay[] = [];
  const tampered = db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    for (const change of changes) expect(await tx.execute(change)).toBeGreaterThan(0);
    // Inside this very transaction: nobody else sees the change.
    const inner: Db = { ...tx, transaction: (work) => work({ ...tx, execute: async () => 0 }) };
    found.push(await replayBooks(inner, { named: 20 }));
    throw new Undo();
  });
  await expect(tampered).rejects.toThrow(Undo);
  const [replay] = found;
  if (replay === undefined) throw new Error("no replay");
  return replay;
}
