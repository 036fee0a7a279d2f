import { afterAll, beforeAll } from "vitest";
import type { MiniStack } from "../../../infra/emulator/ministack.ts";
import { describeQueueContract } from "../../support/contracts/queue.ts";
import { startOwnMiniStack } from "./own-ministack.ts";
import { openSqsQueue } from "./sqs-queue.ts";

let emulator: MiniStack;
beforeAll(async () => {
  emulator = await startOwnMiniStack();
});
afterAll(() => emulator.stop());

describeQueueContract("SQS as MiniStack emulates it", (handler) => openSqsQueue(emulator.endpoint, handler));
