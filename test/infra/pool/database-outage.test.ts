import { expect, it } from "vitest";
import { watchDatabase } from "../../../infra/pool/database-outage.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";

const statement = { text: "SELECT 1", values: [] };

/** A database that fails as told, and what is logged. */
function watched() {
  const lines: string[] = [];
  const clock = manualClock();
  let failure: CodedError | undefined;
  const call = async <T>(result: T): Promise<T> => {
    if (failure !== undefined) throw failure;
    return result;
  };
  const db: Db = {
    query: () => call([]),
    execute: () => call(0),
    transaction: (work) => work(db),
    close: async () => undefined,
  };
  const at =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level}: ${message.split(":")[0]}`);
  const logger: Logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const fail = (sqlstate?: string): void => {
    failure =
      sqlstate === undefined
        ? undefined
        : new CodedError("db-away", "database: no answer", { data: { sqlstate } });
  };
  return { ...watchDatabase({ db, clock, logger }), lines, clock, fail };
}

it("tells a password that is refused from a server that is away", async () => {
  const { db, lines, fail } = watched();
  fail("28P01");
  await db.execute(statement).catch(() => undefined);

  expect(lines).toEqual(["error: the database refuses this user's password"]);
});

it("tells of an outage once, keeps what others say of it for debugging, and tells its end", async () => {
  const { db, logger, lines, clock, fail } = watched();
  fail("ECONNREFUSED");
  const problem = await db.execute(statement).catch((error: unknown) => error);
  await db.transaction((tx) => tx.execute(statement)).catch(() => undefined);
  logger.warn("sealing failed", { error: problem });
  logger.error("poll failed", { error: "database: no answer" });
  logger.warn("the node is slow", { seconds: 3 });
  clock.advance(5_000);
  fail();
  await db.execute(statement);
  logger.warn("sealing failed", { error: problem });
  expect(lines).toEqual([
    "error: the database is away",
    "debug: sealing failed",
    "debug: poll failed",
    "warn: the node is slow",
    "warn: the database is back",
    "warn: sealing failed",
  ]);
});

it("does not take a deadlock for an outage", async () => {
  const { db, logger, lines, fail } = watched();
  fail("40P01");
  const problem = await db.execute(statement).catch((error: unknown) => error);
  logger.warn("sealing failed", { error: problem });
  expect(lines).toEqual(["warn: sealing failed"]);
});

it("tells of a full disk once until a minute has passed without, though some statements pass", async () => {
  const { db, logger, lines, clock, fail } = watched();
  for (const wait of [0, 1_000, 61_000]) {
    clock.advance(wait);
    fail("53100");
    const problem = await db.execute(statement).catch((error: unknown) => error);
    logger.warn("prices were not kept", { error: problem });
    fail();
    await db.execute(statement);
  }
  expect(lines).toEqual([
    "error: the database is short of room",
    "debug: prices were not kept",
    "debug: prices were not kept",
    "error: the database is short of room",
    "debug: prices were not kept",
  ]);
});
