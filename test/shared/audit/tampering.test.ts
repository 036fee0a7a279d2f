/** Books that were changed past the triggers: the replay finds each change, and says what and where. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replay, replayBooks } from "../../../shared/audit/replay.ts";
import type { Sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";
import { replayAfter } from "./replay-after.ts";
import { TAMPERINGS, type Tampering } from "./tamperings.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await bookEverything(database.db);
});
afterAll(() => database.drop());

describe("a replay finds and names", () => {
  it.each<Tampering>(TAMPERINGS)("%s changed behind the triggers' back", async (_, changes, named) => {
    const isView = changes.some(({ text: statement }) => statement.startsWith("CREATE"));
    const replay = isView ? await replayWithView(changes) : await replayAfter(database.db, ...changes);

    expect(replay.differences).toBeGreaterThan(0);
    expect(replay.audit.problems.join("\n")).toContain(named);
  });

  async function replayWithView(changes: Sql[]): Promise<Replay> {
    const other = await createTestDatabase();
    await bookEverything(other.db);
    for (const change of changes) await other.db.execute(change);
    const replay = await replayBooks(other.db, { named: 20 });
    await other.drop();
    return replay;
  }
});
