import type { SQSEvent, SQSRecord } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BooksEvent } from "../../../functions/accounting/events.ts";
import { createAccountingHandler } from "../../../functions/accounting/handler.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { systemClock } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, addUsers, closeBody, deltaBody, sharesOf } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  await addUsers(db, "ann");
});
afterAll(() => database.drop());

const eventOf = (bodies: string[]): SQSEvent => {
  const records = bodies.map((body, i) => ({ messageId: `m${i}`, body }));
  // The handler reads nothing else of a record.
  return { Records: records as SQSRecord[] };
};

describe("the accounting function", () => {
  it("reports the messages that failed in a batch, applies all others, then seals", async () => {
    const events: BooksEvent[] = [];
    const modules = {
      db,
      logger: SILENT,
      clock: systemClock,
      onEvent: (event: BooksEvent) => events.push(event),
    };
    const sealer = createSealer({ deadlineMs: 60_000 }, modules);
    const handler = createAccountingHandler({ ...modules, sealer });
    await addJob(db, 10);
    await addBlock(db, 10, 1000n);
    const bodies = [
      deltaBody({ job: 10, seq: 0 }, { "ann/a": 1 }),
      "poison",
      deltaBody({ job: 10, seq: 1 }, { "ann/a": 1 }),
      deltaBody({ job: 99, seq: 1 }, { "ann/a": 1 }),
      deltaBody({ job: 10, seq: 1 }, { "ann/a": 1 }),
      closeBody({ job: 10 }, 1),
    ];

    const response = await handler(eventOf(bodies), LOCAL_CONTEXT);

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: "m1" }, { itemIdentifier: "m3" }] });
    expect(await sharesOf(db, 10, "ann")).toBe(2);
    const rejected = events.filter((event) => event.kind === "rejected").map((event) => event.code);
    expect(rejected).toEqual(["summary-malformed", "summary-unknown-job"]);
    expect(events.at(-3)).toMatchObject({ kind: "sealed", block: { height: 10, paid: 950n } });
  });

  it("rejects as a whole when the database is away, so that no message is blamed", async () => {
    const away = openPg({ url: "postgres://nobody@127.0.0.1:1/none", timeoutMs: 1000 });
    const modules = { db: away, logger: SILENT, clock: systemClock };
    const handler = createAccountingHandler({ ...modules, sealer: createSealer({ deadlineMs: 1 }, modules) });

    const answer = handler(
      eventOf([deltaBody({ job: 10, seq: 7 }, { "ann/a": 1 }), "poison"]),
      LOCAL_CONTEXT,
    );

    await expect(answer).rejects.toMatchObject({ code: "db-away" });
    await away.close();
  });

  describe("with a place for dead letters", () => {
    const dead: string[] = [];
    const events: BooksEvent[] = [];
    const setAside = async (body: string): Promise<void> => void dead.push(body);
    const handlerOver = (on: Db, aside = setAside) => {
      dead.length = 0;
      events.length = 0;
      const modules = {
        db: on,
        logger: SILENT,
        clock: systemClock,
        onEvent: (event: BooksEvent) => events.push(event),
      };
      const sealer = createSealer({ deadlineMs: 60_000 }, modules);
      return createAccountingHandler({ ...modules, sealer, setAside: aside });
    };
    /** The n-th receive of each. */
    const received = (bodies: string[], times: number): SQSEvent => {
      const { Records } = eventOf(bodies);
      const attributes = { ApproximateReceiveCount: `${times}` } as SQSRecord["attributes"];
      return { Records: Records.map((record) => ({ ...record, attributes })) };
    };
    const unknownJob = deltaBody({ job: 98, seq: 1 }, { "ann/a": 1 });

    it("sets poison aside at the first receive, and another message that fails at the fifth", async () => {
      const handler = handlerOver(db);

      expect(await handler(received(["poison", unknownJob], 1), LOCAL_CONTEXT)).toEqual({
        batchItemFailures: [{ itemIdentifier: "m1" }],
      });
      expect(dead).toEqual(["poison"]);
      expect(await handler(received([unknownJob], 5), LOCAL_CONTEXT)).toEqual({ batchItemFailures: [] });
      expect(dead).toEqual(["poison", unknownJob]);
      const rejected = events.flatMap((event) => (event.kind === "rejected" ? [event.code] : []));
      expect(rejected.sort()).toEqual(["summary-malformed", "summary-unknown-job", "summary-unknown-job"]);
    });

    it("sets nothing aside while the database is away, though an hour brings a message twenty times", async () => {
      const away = openPg({ url: "postgres://nobody@127.0.0.1:1/none", timeoutMs: 1000 });
      const handler = handlerOver(away);
      const good = deltaBody({ job: 10, seq: 70 }, { "ann/a": 1 });

      for (const times of [1, 5, 20])
        await expect(handler(received([good], times), LOCAL_CONTEXT)).rejects.toMatchObject({
          code: "db-away",
        });

      expect(dead).toEqual([]);
      await away.close();
    });

    it("sets poison aside at once though the database is away, and blames none of the messages beside it", async () => {
      const away = openPg({ url: "postgres://nobody@127.0.0.1:1/none", timeoutMs: 1000 });
      const handler = handlerOver(away);
      const good = deltaBody({ job: 10, seq: 71 }, { "ann/a": 1 });

      expect(await handler(received([good, "poison", good], 20), LOCAL_CONTEXT)).toEqual({
        batchItemFailures: [{ itemIdentifier: "m0" }, { itemIdentifier: "m2" }],
      });

      expect(dead).toEqual(["poison"]);
      expect(events.flatMap((event) => (event.kind === "rejected" ? [event.code] : []))).toEqual([
        "summary-malformed",
      ]);
      await away.close();
    });

    it("leaves poison to the queue where the dead letters cannot be reached", async () => {
      const handler = handlerOver(db, () => Promise.reject(new CodedError("aws-away", "no answer")));

      expect(await handler(received(["poison"], 1), LOCAL_CONTEXT)).toEqual({
        batchItemFailures: [{ itemIdentifier: "m0" }],
      });
    });
  });

  it("fails no message when only the sealing fails", async () => {
    await addJob(db, 11);
    const sealer = { run: () => Promise.reject(new CodedError("seal-mismatch", "a bug")) };
    const handler = createAccountingHandler({ db, logger: SILENT, sealer });

    const response = await handler(eventOf([deltaBody({ job: 11, seq: 0 }, { "ann/a": 1 })]), LOCAL_CONTEXT);

    expect(response).toEqual({ batchItemFailures: [] });
    expect(await sharesOf(db, 11, "ann")).toBe(1);
  });
});
