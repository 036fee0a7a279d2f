/** The commands over books of one sealed block and an open one: four users are owed PEG, two of them can be paid. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { applyMessage } from "../../../../functions/accounting/apply.ts";
import { createSealer } from "../../../../functions/accounting/sealer.ts";
import { auditCommand } from "../../../../infra/cli/books/audit.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { encodeAddress } from "../../../../shared/factom/address.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { addBlock, addJob, addUsers, deltaBody, endHolds } from "../../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";

/** A payout address of a test. */
export const address = (n: number): string => encodeAddress("FA", new Uint8Array(32).fill(n));

export class SealedBooks {
  readonly db: Db;
  /** What was printed. */
  readonly out: string[] = [];
  readonly warnings: string[] = [];
  readonly #database: TestDatabase;
  readonly #folder = mkdtempSync(join(tmpdir(), "prosper-books-"));

  static async open(): Promise<SealedBooks> {
    const database = await createTestDatabase();
    const { db } = database;
    await addUsers(db, "ann", "bob", "cid", "dan", "eve");
    await db.execute(sql`UPDATE users SET payout_address = CASE name WHEN 'ann' THEN ${address(1)} WHEN 'bob' THEN ${address(2)}
      WHEN 'dan' THEN 'FA-nonsense' END`);
    await endHolds(db);
    await addJob(db, 10, { feeRate: "0.05" });
    await addBlock(db, 10, 9_000_000_000_000_000_000n);
    const apply = (body: string): Promise<void> => applyMessage(body, { db, logger: SILENT });
    await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 3, "bob/b": 2, "cid/c": 1, "dan/d": 1 }));
    await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
    await addJob(db, 11);
    await apply(deltaBody({ job: 11, seq: 0 }, { "ann/a": 5 }));
    return new SealedBooks(database);
  }

  private constructor(database: TestDatabase) {
    this.#database = database;
    this.db = database.db;
  }

  /** What each command is given; nothing is compared with a chain. */
  modules() {
    return {
      db: this.db,
      compare: async () => undefined,
      print: (line: string) => this.out.push(line),
      warn: (line: string) => this.warnings.push(line),
    };
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  async auditJson(): Promise<{ code: number; audit: Record<string, unknown> }> {
    const printed: string[] = [];
    const code = await auditCommand(
      { json: true },
      { ...this.modules(), print: (line) => printed.push(line) },
    );
    expect(printed).toHaveLength(1);
    return { code, audit: JSON.parse(printed[0] ?? "") };
  }

  async close(): Promise<void> {
    rmSync(this.#folder, { recursive: true });
    await this.#database.drop();
  }
}
