/** What every queue between edges and accounting must do, in process or SQS: at least once, in any order, dead letters. */

import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { afterEach, describe, expect, it } from "vitest";
import type { QueueSender } from "../../../shared/queue.ts";

export type SqsHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** A queue that delivers to the handler it was opened with; it gives a message up after 5 receives, waiting little between them. */
export interface QueueUnderTest {
  readonly sender: QueueSender;
  /** Bodies of the dead letters. */
  deadLetters(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** An emulated queue makes failing messages wait for a second. */
const PATIENCE = { timeout: 30_000 };

export function describeQueueContract(
  name: string,
  openQueue: (handler: SqsHandler) => Promise<QueueUnderTest>,
): void {
  describe(name, () => {
    let queue: QueueUnderTest | undefined;
    afterEach(() => queue?.close());

    /** Bodies received, in order; `fails` tells which records fail, by body and receive count. */
    async function open(fails: (body: string, receives: number) => boolean): Promise<string[]> {
      const received: string[] = [];
      queue = await openQueue(async (event) => {
        const failures = event.Records.filter((record) => {
          received.push(record.body);
          return fails(record.body, Number(record.attributes.ApproximateReceiveCount));
        });
        return { batchItemFailures: failures.map((record) => ({ itemIdentifier: record.messageId })) };
      });
      return received;
    }

    it("delivers each message byte for byte, a full-size one too", async () => {
      const bodies = ["{}", ' {"a": "é\\u0000"}\n', "x".repeat(48 * 1024)];
      const received = await open(() => false);

      for (const body of bodies) await queue?.sender.send(body);

      await expect.poll(() => new Set(received), PATIENCE).toEqual(new Set(bodies));
    });

    it("delivers a failing message again until it passes, and only that one must come again", async () => {
      const received = await open((body, receives) => body === "slow" && receives < 4);

      await Promise.all(["a", "slow", "b"].map((body) => queue?.sender.send(body)));

      await expect.poll(() => received.filter((body) => body === "slow").length, PATIENCE).toBe(4);
      expect(new Set(received)).toEqual(new Set(["a", "slow", "b"]));
      expect(await queue?.deadLetters()).toEqual([]);
    });

    it("loses nothing when many send at once and one in three receives fails", async () => {
      let calls = 0;
      const passed = new Set<string>();
      await open((body) => {
        const isFailing = calls++ % 3 === 0;
        if (!isFailing) passed.add(body);
        return isFailing;
      });
      const bodies = Array.from({ length: 300 }, (_, i) => `message ${i}`);

      await Promise.all(bodies.map((body) => queue?.sender.send(body)));

      await expect
        .poll(async () => passed.size + ((await queue?.deadLetters())?.length ?? 0), PATIENCE)
        .toBe(300);
      for (const dead of (await queue?.deadLetters()) ?? []) expect(passed.has(dead)).toBe(false);
    });

    it("gives a poison message up after 5 receives, keeps it, and holds nothing else up", async () => {
      const received = await open((body) => body === "poison");

      await Promise.all(["poison", "a", "b"].map((body) => queue?.sender.send(body)));

      await expect.poll(async () => queue?.deadLetters(), PATIENCE).toEqual(["poison"]);
      expect(received.filter((body) => body === "poison")).toHaveLength(5);
      expect(received).toEqual(expect.arrayContaining(["a", "b"]));
    });

    it("delivers a whole batch again when the handler itself fails", async () => {
      let failures = 3;
      const passed = new Set<string>();
      queue = await openQueue(async (event) => {
        if (failures-- > 0) throw new Error("the function crashed");
        for (const record of event.Records) passed.add(record.body);
        return { batchItemFailures: [] };
      });

      await Promise.all(["a", "b", "c"].map((body) => queue?.sender.send(body)));

      await expect.poll(() => passed.size, PATIENCE).toBe(3);
    });
  });
}
