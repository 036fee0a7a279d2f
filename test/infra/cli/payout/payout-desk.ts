/** The payout commands in one folder, over a database of their own, and a node and a pegnetd that answer as told. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { signCommand } from "../../../../infra/cli/payout/sign.ts";
import type { Db } from "../../../../shared/db/port.ts";
import type { KeyPair } from "../../../../shared/factom/ed25519.ts";
import type { TransactionStatus } from "../../../../shared/factom/pegnetd.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import {
  newFolder,
  POOL_KEY,
  pool,
  runStep,
  type Step,
  type StepModules,
} from "../../../support/payout/payout-steps.ts";
import { standInNode } from "../../../support/payout/stand-in-node.ts";

export class PayoutDesk {
  readonly db: Db;
  readonly clock = manualClock();
  readonly node = standInNode();
  /** What pegnetd says of every transaction. */
  fate: TransactionStatus = { kind: "executed", height: 7 };
  /** What pegnetd says that the source has. */
  funds = 1e18;
  /** What was printed. */
  readonly lines: string[] = [];
  readonly folder: string;
  readonly #folders: string[] = [];
  readonly #database: TestDatabase;

  static async open(): Promise<PayoutDesk> {
    return new PayoutDesk(await createTestDatabase());
  }

  private constructor(database: TestDatabase) {
    this.#database = database;
    this.db = database.db;
    this.folder = this.newFolder();
  }

  modules(): StepModules {
    const pegnetd = { transaction: async () => this.fate, roughPegBalance: async () => this.funds };
    return { db: this.db, factomd: this.node.factomd, pegnetd, clock: this.clock };
  }

  /** One command, in this folder unless told. */
  run(step: Step, change: Partial<StepModules> & { folder?: string } = {}): Promise<void> {
    const { folder = this.folder, ...modules } = change;
    return runStep(step, folder, { ...this.modules(), ...modules }, this.lines);
  }

  /** Signs the prepared list into another file than the step does; nobody is asked. */
  async signInto(name: string, signer: KeyPair = pool): Promise<void> {
    await signCommand(
      {
        ...{ file: this.file("pay.json"), signedFile: this.file(name), signer },
        ...{ folder: this.file("memory"), poolKey: POOL_KEY },
      },
      { print: () => undefined, ask: async () => true },
    );
  }

  /** Another one, for a list beside the first; removed in the end. */
  newFolder(): string {
    const folder = newFolder();
    this.#folders.push(folder);
    return folder;
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** The signed file as it lies there. */
  signed() {
    return JSON.parse(readFileSync(this.file("signed.json"), "utf8"));
  }

  async close(): Promise<void> {
    for (const folder of this.#folders) rmSync(folder, { recursive: true });
    await this.#database.drop();
  }
}
