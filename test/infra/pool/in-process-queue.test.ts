import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  createLocalQueue,
  type LocalQueue,
  type LocalQueueOptions,
} from "../../../infra/pool/in-process-queue.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import { describeQueueContract, type SqsHandler } from "../../support/contracts/queue.ts";
import { manualClock } from "../../support/manual-clock.ts";

const modules = { clock: systemClock, random: systemRandom, logger: SILENT };

describeQueueContract("the queue in one process", async (handler) => {
  const queue = createLocalQueue({ retryMs: { first: 1, longest: 4 } }, { ...modules, handler });
  return {
    sender: queue,
    deadLetters: async () => queue.deadLetters().map((letter) => letter.body),
    close: async () => void (await queue.stop(1000)),
  };
});

describe("the queue in one process, beyond the contract,", () => {
  let queue: LocalQueue;
  let handed: { bodies: string[]; answer: (failed: boolean) => void; crash: () => void }[];
  const clock = manualClock();
  afterEach(() => queue.stop(0));

  /** Every event waits in `handed` until the test answers it. */
  function open(options: LocalQueueOptions): void {
    handed = [];
    const handler: SqsHandler = (event) =>
      new Promise((resolve, reject) => {
        const failures = event.Records.map((record) => ({ itemIdentifier: record.messageId }));
        handed.push({
          bodies: event.Records.map((record) => record.body),
          answer: (failed) => resolve({ batchItemFailures: failed ? failures : [] }),
          crash: () => reject(new Error("database away")),
        });
      });
    queue = createLocalQueue({ concurrency: 1, ...options }, { ...modules, clock, handler });
  }
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("refuses when it is full and takes more once a message is done", async () => {
    open({ capacity: 2, capacityBytes: 10 });
    await queue.send("12345");
    await expect(queue.send("123456")).rejects.toMatchObject({ code: "queue-away" });
    await queue.send("1");
    await expect(queue.send("1")).rejects.toMatchObject({ code: "queue-away" });

    handed[0]?.answer(false);
    await settle();

    await queue.send("1234567");
    expect(queue.stats()).toEqual({ held: 2, heldBytes: 8, deadLetters: 0 });
  });

  it("delivers a message once more beside when the handler takes too long, and is done with the first success", async () => {
    open({ visibilityMs: 1000, concurrency: 2 });
    await queue.send("a");
    clock.advance(1000);
    handed[0]?.answer(false);
    await settle();
    handed[1]?.answer(true);
    await settle();

    expect(handed.map((event) => event.bodies)).toEqual([["a"], ["a"]]);
    expect(queue.stats()).toEqual({ held: 0, heldBytes: 0, deadLetters: 0 });
  });

  it("waits twice as long before each retry", async () => {
    open({ retryMs: { first: 100, longest: 250 } });
    await queue.send("a");
    const waits: number[] = [];
    for (let round = 0; round < 4; round++) {
      handed.at(-1)?.answer(true);
      await settle();
      const before = handed.length;
      let waited = 0;
      while (handed.length === before && waited < 10_000) {
        clock.advance(10);
        waited += 10;
      }
      waits.push(waited);
    }

    expect(waits).toEqual([100, 200, 250, 250]);
  });

  it("makes no dead letter of an outage, however long", async () => {
    open({ maxReceives: 2 });
    await queue.send("a");
    for (let round = 0; round < 20; round++) {
      handed.at(-1)?.crash();
      await settle();
      clock.advance(5000);
    }
    handed.at(-1)?.answer(false);
    await settle();

    expect(handed).toHaveLength(21);
    expect(queue.stats()).toEqual({ held: 0, heldBytes: 0, deadLetters: 0 });
  });

  it("stops with what it could not deliver counted, and takes nothing afterwards", async () => {
    open({ batchSize: 1 });
    for (const body of ["a", "b", "c"]) await queue.send(body);
    const stopping = queue.stop(500);
    await expect(queue.send("d")).rejects.toMatchObject({ code: "queue-away" });
    handed[0]?.answer(false);
    await settle();
    clock.advance(500);

    expect(await stopping).toBe(2);
  });

  it("appends dead letters to its file", async () => {
    const dir = mkdtempSync(join(tmpdir(), "prosper-queue-"));
    const deadLetterFile = join(dir, "dead.jsonl");
    open({ maxReceives: 1, deadLetterFile });
    await queue.send("poison");
    handed[0]?.answer(true);

    await expect.poll(() => read(deadLetterFile)).toContain('"body":"poison","receives":1');
    rmSync(dir, { recursive: true });
  });

  it("keeps every whole dead letter on a line of its own, though a full disk tore one", async () => {
    const dir = mkdtempSync(join(tmpdir(), "prosper-queue-"));
    const deadLetterFile = join(dir, "dead.jsonl");
    writeFileSync(deadLetterFile, '{"messageId":"half of o');
    open({ maxReceives: 1, deadLetterFile });
    await queue.send("poison");
    handed[0]?.answer(true);
    await settle();

    const whole = read(deadLetterFile).split("\n").filter(isJson);
    expect(whole.map((line): unknown => JSON.parse(line).body)).toEqual(["poison"]);
    rmSync(dir, { recursive: true });
  });
});

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
