import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { afterEach, describe, expect, it } from "vitest";
import { createSqsSender, type SqsSender, type SqsSenderOptions } from "../../../edge/aws/sqs-sender.ts";

const batchRequest = v.object({
  QueueUrl: v.string(),
  Entries: v.array(v.object({ Id: v.string(), MessageBody: v.string() })),
});
type BatchRequest = v.InferOutput<typeof batchRequest>;

const QUEUE_URL = "http://elsewhere.invalid:4566/000000000000/summaries";

describe("the SQS sender", () => {
  let service: Server;
  let sender: SqsSender;
  let batches: string[][];
  let urls: string[];
  afterEach(async () => {
    sender.close();
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
  });

  /** `fails` names the entries that SQS does not take; `status` other than 200 fails the whole request. */
  async function open(
    options: Partial<SqsSenderOptions> = {},
    service_: {
      fails?: (body: string) => boolean;
      status?: number;
      hold?: Promise<void>;
      silent?: boolean;
    } = {},
  ): Promise<void> {
    batches = [];
    urls = [];
    service = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const batch = v.parse(batchRequest, JSON.parse(Buffer.concat(chunks).toString()));
      urls.push(batch.QueueUrl);
      batches.push(batch.Entries.map((entry) => entry.MessageBody));
      await service_.hold;
      if (service_.silent) return;
      const { status = 200 } = service_;
      response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
      response.end(
        JSON.stringify(status === 200 ? resultOf(batch, service_.fails ?? (() => false)) : { message: "no" }),
      );
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    // A listening TCP server has an address of its own.
    const { port } = service.address() as AddressInfo;
    sender = createSqsSender({
      ...{ queueUrl: QUEUE_URL, region: "us-east-1", endpoint: `http://127.0.0.1:${port}` },
      ...{ credentials: { accessKeyId: "a", secretAccessKey: "b" } },
      ...options,
    });
  }

  it("sends one message at once, to its endpoint and not to the queue's URL", async () => {
    await open();

    await sender.send("{}");

    expect(batches).toEqual([["{}"]]);
    expect(urls).toEqual([QUEUE_URL]);
  });

  it("puts what is sent together into requests of ten", async () => {
    await open();
    const bodies = Array.from({ length: 25 }, (_, i) => `m${i}`);

    await Promise.all(bodies.map((body) => sender.send(body)));

    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
    expect(batches.flat()).toEqual(bodies);
  });

  it("puts at most 256 KB into a request", async () => {
    await open({ concurrency: 1 });
    const body = "x".repeat(48 * 1024);

    await Promise.all(Array.from({ length: 7 }, () => sender.send(body)));

    expect(batches.map((batch) => batch.length)).toEqual([5, 2]);
  });

  it("tells each message's own fate", async () => {
    await open({}, { fails: (body) => body === "bad" });

    const outcomes = await Promise.allSettled(["good", "bad", "fine"].map((body) => sender.send(body)));

    expect(outcomes).toMatchObject([
      { status: "fulfilled" },
      {
        status: "rejected",
        reason: { code: "queue-away", message: expect.stringContaining("InternalError") },
      },
      { status: "fulfilled" },
    ]);
  });

  it.each([
    ["refuses", { status: 403 }],
    ["is silent", { silent: true }],
  ])("says queue-away when SQS %s", async (_, how) => {
    await open({ timeoutMs: 60 }, how);

    await expect(sender.send("{}")).rejects.toMatchObject({ code: "queue-away" });
  });

  it("refuses a message that SQS cannot take, more than it may hold, and everything once it is closed", async () => {
    const held = Promise.withResolvers<void>();
    await open({ concurrency: 1, capacity: 1 }, { hold: held.promise });
    const first = sender.send("first");
    await expect.poll(() => batches.length).toBe(1);
    const waiting = sender.send("waiting");

    await expect(sender.send("x".repeat(256 * 1024 + 1))).rejects.toMatchObject({ code: "queue-away" });
    await expect(sender.send("one too many")).rejects.toMatchObject({ code: "queue-away" });
    held.resolve();
    await Promise.all([first, waiting]);
    sender.close();
    await expect(sender.send("late")).rejects.toMatchObject({ code: "queue-away" });
    expect(batches.flat()).toEqual(["first", "waiting"]);
  });
});

function resultOf(batch: BatchRequest, fails: (body: string) => boolean): object {
  const failed = batch.Entries.filter((entry) => fails(entry.MessageBody));
  return {
    Successful: batch.Entries.filter((entry) => !failed.includes(entry)).map(({ Id, MessageBody }) => ({
      Id,
      MessageId: Id,
      MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex"),
    })),
    Failed: failed.map(({ Id }) => ({ Id, Code: "InternalError", SenderFault: false })),
  };
}
