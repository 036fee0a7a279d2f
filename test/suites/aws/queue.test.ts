import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type MiniStack, startMiniStack } from "../../../infra/emulator/ministack.ts";
import { systemClock } from "../../../shared/clock.ts";
import { describeQueueContract } from "../../support/contracts/queue.ts";
import { openSqsQueue } from "./sqs-queue.ts";

let emulator: MiniStack;
beforeAll(async () => {
  emulator = await startMiniStack(
    {
      installDir: join(homedir(), ".cache", "prosper"),
      path: process.env["PATH"] ?? "",
      home: homedir(),
      pipEnv: Object.fromEntries(
        Object.entries(process.env).flatMap(([name, value]) =>
          /^(PIP_|SSL_|HTTPS?_PROXY)/i.test(name) && value !== undefined ? [[name, value]] : [],
        ),
      ),
    },
    { clock: systemClock },
  );
});
afterAll(() => emulator.stop());

describeQueueContract("SQS as MiniStack emulates it", (handler) => openSqsQueue(emulator.endpoint, handler));
