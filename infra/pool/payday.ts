/**
 * Payday in the pool's own process: the steps of the command line (infra/cli/payout/), begun by an administrator on the page. What is signed is
 * signed elsewhere. Everything that must outlive this process is in the database, so that another one goes on.
 */

import type { Payday, PaydayWork, SignedPiece, Took } from "../../functions/api/payday.ts";
import type { Clock } from "../../shared/clock.ts";
import { counted } from "../../shared/counted.ts";
import { readApprovals } from "../../shared/db/payout-approvals.ts";
import {
  findBatch,
  listBatches,
  type PayoutBatch,
  preparedBatch,
  readLines,
  sendingBatches,
} from "../../shared/db/payout-batches.ts";
import type { Db } from "../../shared/db/port.ts";
import { readablePeg } from "../../shared/decimal.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { encodeAddress, requireAddress } from "../../shared/factom/address.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { type KeyPair, keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import type { Pegnetd } from "../../shared/factom/pegnetd.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import { requireAllBooked, requireNothingUnbooked } from "../cli/payout/compare.ts";
import { confirmCommand } from "../cli/payout/confirm.ts";
import { requireSigned } from "../cli/payout/files.ts";
import { preparePayout, replacedText } from "../cli/payout/prepare.ts";
import { intendAndSend, resumeSending, unapprovedText } from "../cli/payout/send.ts";

export interface PaydayOptions {
  /** 1e-8 PEG. */
  readonly minimum: bigint;
  /** How many people must agree to a payout. */
  readonly approvalsNeeded: number;
  /** FA addresses that may pay, in addition to those that have paid. */
  readonly sources: readonly string[];
  /** Its node deletes old blocks. */
  readonly isDevnet: boolean;
  /** Es… that pays for entries; "": none, so nothing can be sent from here. */
  readonly es: string;
  /** A payout is prepared when the last one was so long ago; 0: never by itself. */
  readonly prepareEveryMs: number;
  /** How often it is looked for what was sent. */
  readonly lookEveryMs: number;
}

export interface PaydayModules {
  readonly db: Db;
  readonly factomd: Factomd;
  readonly pegnetd?: Pegnetd;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LINES = 50;
const CREDITS_FRESH_MS = 30_000;

type Entry = SignedPiece["entry"];

export class PoolPayday implements Payday {
  readonly #options: PaydayOptions;
  readonly #modules: PaydayModules;
  readonly #payer: KeyPair | undefined;
  #doing: PaydayWork["doing"] = "nothing";
  #said: string[] = [];
  #failed: string | undefined;
  /** The entries that have come of one signed payout. */
  #taken: { readonly of: string; readonly entries: Entry[] } = { of: "", entries: [] };
  #credits: { readonly atMs: number; readonly balance: number } | undefined;

  constructor(options: PaydayOptions, modules: PaydayModules) {
    this.#options = options;
    this.#modules = modules;
    this.#payer = options.es === "" ? undefined : keyPairFromSeed(requireAddress("Es", options.es));
  }

  work(): PaydayWork {
    return { doing: this.#doing, said: [...this.#said], failed: this.#failed };
  }

  prepare(by: string): boolean {
    return this.#begin("preparing", () => this.#prepare(by));
  }

  confirm(): boolean {
    return this.#begin("confirming", async () => {
      for (const batch of await sendingBatches(this.#modules.db)) await this.#goOn(batch, this.#print);
    });
  }

  async take(piece: SignedPiece, by: string): Promise<Took> {
    const { id, source, no, entry } = piece;
    const batch = await findBatch(this.#modules.db, id);
    if (batch === undefined || batch.state === "done")
      return refused("no such payout waits to be sent: prepare again");
    const lines = await readLines(this.#modules.db, id);
    const of = `${id} ${source}`;
    if (no === 0) this.#taken = { of, entries: [] };
    if (this.#taken.of !== of || no !== this.#taken.entries.length)
      return refused(`expected entry ${this.#taken.of === of ? this.#taken.entries.length : 0}, got ${no}`);
    this.#taken.entries.push(entry);
    const { entries } = this.#taken;
    const count = entries.reduce((sum, one) => sum + one.count, 0);
    if (count < lines.length) return { kind: "more" };
    this.#taken = { of: "", entries: [] };
    try {
      requireSigned("the signed payout", { lines, saltSeconds: batch.saltSeconds, source, entries });
      await this.#requireApproved(batch);
      const payer = this.#requirePayer();
      const isBegun = this.#begin("sending", () => this.#send(batch, { source, entries, payer, by }));
      return isBegun ? { kind: "sending" } : refused("something else is being done: try again in a moment");
    } catch (error) {
      if (error instanceof CodedError) return refused(error.message);
      throw error;
    }
  }

  async credits(): Promise<{ address: string; balance: number } | undefined> {
    if (this.#payer === undefined) return undefined;
    const { clock, factomd } = this.#modules;
    const address = encodeAddress("EC", this.#payer.publicKey);
    if (this.#credits === undefined || clock.monotonicMs() - this.#credits.atMs > CREDITS_FRESH_MS) {
      const balance = await factomd.entryCreditBalance(address).catch(() => undefined);
      if (balance === undefined) return undefined;
      this.#credits = { atMs: clock.monotonicMs(), balance };
    }
    return { address, balance: this.#credits.balance };
  }

  /** Goes on with what was sent from the pages, also before this process began, and prepares by the schedule. Until `signal`. */
  run(signal: AbortSignal): Promise<void> {
    const { lookEveryMs: everyMs } = this.#options;
    const run = async (): Promise<void> => {
      if (this.#doing !== "nothing") return;
      for (const batch of await sendingBatches(this.#modules.db))
        if (batch.sentBy !== "") await this.#goOn(batch, () => undefined);
      if (await this.#isDue()) this.#begin("preparing", () => this.#prepare(undefined));
    };
    return runEvery({ name: "payday", everyMs, run }, { ...this.#modules, signal });
  }

  readonly #print = (line: string): void => {
    this.#said = [...this.#said, line].slice(-LINES);
  };

  #begin(doing: PaydayWork["doing"], work: () => Promise<void>): boolean {
    if (this.#doing !== "nothing") return false;
    this.#doing = doing;
    this.#said = [];
    this.#failed = undefined;
    void work()
      .catch((error: unknown) => {
        this.#failed = coerceError(error).message;
        this.#modules.logger.warn("payday stopped at this", { doing, error: this.#failed });
      })
      .finally(() => {
        this.#doing = "nothing";
      });
    return true;
  }

  /** `by` undefined: the schedule. */
  async #prepare(by: string | undefined): Promise<void> {
    const { minimum, approvalsNeeded } = this.#options;
    const prepared = await preparePayout(
      { minimum, by, approvalsNeeded },
      {
        // Who is left out the page shows by itself.
        ...{ ...this.#modules, print: this.#print, warn: () => undefined },
        compare: () => requireAllBooked(this.#compareOptions(), this.#comparing()),
      },
    );
    if (prepared === undefined) return this.#print("Nothing is to be paid");
    if (prepared.replaced !== undefined) this.#print(replacedText(prepared.replaced));
    const { id, total } = prepared.batch;
    this.#print(`Payout ${id}: ${readablePeg(total)} PEG to ${counted(prepared.lines.length, "user")}`);
    this.#modules.logger.info("a payout is prepared", { id, total, by: by ?? "schedule" });
  }

  async #send(
    batch: PayoutBatch,
    signed: {
      readonly source: string;
      readonly entries: readonly Entry[];
      readonly payer: KeyPair;
      readonly by: string;
    },
  ): Promise<void> {
    const { db } = this.#modules;
    const { source, entries, payer, by } = signed;
    const { digest, saltSeconds, id } = batch;
    const { approvalsNeeded } = this.#options;
    const lines = await readLines(db, id);
    const intent = {
      digest,
      saltSeconds,
      source,
      lines,
      entries,
      byHand: false,
      sentBy: by,
      approvalsNeeded,
    };
    await intendAndSend(intent, payer, {
      ...{ ...this.#modules, print: this.#print },
      compare: (from) => requireNothingUnbooked(this.#compareOptions(from), this.#comparing()),
    });
    this.#print(`Payout ${id} is sent, in ${counted(entries.length, "entry", "entries")}`);
    this.#modules.logger.info("a payout is sent", { id, by, entries: entries.length });
  }

  /** Sends what the chain does not have, and books what has paid. */
  async #goOn(batch: PayoutBatch, print: (line: string) => void): Promise<void> {
    if (this.#payer !== undefined)
      await resumeSending(batch, this.#payer, this.#modules).catch(this.#unlessExpired);
    await confirmCommand({ id: batch.id }, { ...this.#modules, print });
  }

  /** Too old to be sent: that is for the confirmation to tell. */
  readonly #unlessExpired = (error: unknown): void => {
    if (!(error instanceof CodedError) || error.code !== "payout-expired") throw error;
  };

  async #isDue(): Promise<boolean> {
    const { prepareEveryMs } = this.#options;
    const { db, clock } = this.#modules;
    if (prepareEveryMs === 0 || (await preparedBatch(db)) !== undefined) return false;
    const [newest] = await listBatches(db, 1);
    return newest === undefined || clock.wallMs() - newest.madeAtMs >= prepareEveryMs;
  }

  #compareOptions(source?: string): { sources: readonly string[]; mayForget: boolean } {
    const { sources, isDevnet: mayForget } = this.#options;
    return { sources: source === undefined ? sources : [...sources, source], mayForget };
  }

  #comparing(): Parameters<typeof requireAllBooked>[1] {
    return { ...this.#modules, print: this.#print };
  }

  /** Early, so that a person is told at once; what decides is what is on record when it is sent. */
  async #requireApproved(batch: PayoutBatch): Promise<void> {
    if (batch.state !== "prepared" && batch.state !== "replaced") return;
    const { needed, by } = await readApprovals(this.#modules.db, batch.id);
    const most = Math.max(needed, this.#options.approvalsNeeded);
    if (by.length < most) throw new CodedError("payout-refused", unapprovedText({ needed: most, by }));
  }

  #requirePayer(): KeyPair {
    if (this.#payer !== undefined) return this.#payer;
    throw new CodedError(
      "payout-key",
      "this pool has no key that pays for entries: set pool.esaddress, or send by `prosper payout send`",
    );
  }
}

function refused(why: string): Took {
  return { kind: "refused", why };
}
