/** What Lambda is given: messages of the queue, invocations, CloudFormation's request, its own variables, a stage's context. */

import type { SQSEvent } from "aws-lambda";
import { applyMessage } from "../../../../functions/accounting/apply.ts";
import { createAccountingHandler } from "../../../../functions/accounting/handler.ts";
import { createAuthHandler } from "../../../../functions/auth/handler.ts";
import { createLockout } from "../../../../functions/auth/lockout.ts";
import { ENVIRONMENTS, type FunctionName, readEnvironment } from "../../../../functions/environment.ts";
import { LOCAL_CONTEXT } from "../../../../functions/local-context.ts";
import { createMigrateHandler } from "../../../../functions/migrate/handler.ts";
import { CONTEXT_KEYS, readContext, stageOf } from "../../../../infra/aws/stage-context.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { cheapPasswords } from "../../../support/accounts.ts";
import { closeBody, deltaBody } from "../../../support/books.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import { ModelServer } from "../../../support/model/server.ts";
import { modelDb } from "../../../support/model/statements.ts";
import type { Chance } from "../../../support/random.ts";
import { jsonOf, type Target, textOf, variablesOf } from "./target.ts";

const BODIES = [
  deltaBody({ job: 1000, seq: 3 }, { "ann/rig": 2, "bob/": 1 }),
  closeBody({ job: 1000 }, 4),
  deltaBody({ job: 1000, seq: 4 }, { "ann/rig": 2 }).replace(
    '"rejected":1',
    '"rejected":1,"judged":"96","sent":1',
  ),
] as const;

export function lambdaTargets(chance: Chance): Target[] {
  const server = new ModelServer({ nowMs: () => 0, pause: async () => undefined });
  const db = modelDb(server);
  const modules = { db, logger: SILENT, clock: manualClock(), random: chance.bytes() };
  const accounting = createAccountingHandler({ ...modules, sealer: { run: async () => [] } });
  const auth = createAuthHandler(
    { openRegistration: true },
    { ...modules, passwords: cheapPasswords(), lockout: createLockout({}, modules) },
  );
  const migrate = createMigrateHandler({
    ...modules,
    awake: async () => undefined,
    migrate: async () => [],
    fetch: async () => new Response(""),
  });
  return [
    {
      name: "summary message",
      seeds: BODIES,
      parse: (input) => applyMessage(textOf(input), { db, logger: SILENT }),
    },
    {
      name: "SQS event",
      seeds: BODIES,
      // The good message beside it must pass, whatever the other one is.
      async parse(input) {
        const { batchItemFailures } = await accounting(eventOf([BODIES[1], textOf(input)]), LOCAL_CONTEXT);
        const failed = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
        if (failed.some((id) => id !== "1"))
          throw new Error(`another message than the odd one failed: ${failed.join(", ")}`);
      },
    },
    {
      name: "auth request",
      seeds: [
        '{"v":1,"kind":"authorize","user":"ann","password":"a long password","invite":"","address":"","from":"127.0.0.1","exempt":false}',
      ],
      parse: (input) => auth(jsonOf(input), LOCAL_CONTEXT),
    },
    {
      name: "CloudFormation request",
      seeds: [
        '{"RequestType":"Delete","ResponseURL":"http://127.0.0.1:1/","StackId":"s","RequestId":"r","LogicalResourceId":"l"}',
      ],
      parse: (input) => migrate(jsonOf(input)),
    },
    {
      name: "Lambda environment",
      seeds: [JSON.stringify(VARIABLES)],
      parse: (input) => readEnvironment(chance.pick(FUNCTIONS), variablesOf(input)),
    },
    {
      name: "stage context",
      seeds: [
        '{"stage":"dev","factomd":"http://127.0.0.1:8088/v2","coinbase":"FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q","tasks":"2"}',
      ],
      parse(input) {
        const given = new Map(Object.entries(Object(jsonOf(input))));
        if (!CONTEXT_KEYS.some((key) => given.has(key))) return undefined;
        const context = readContext((key) => given.get(key));
        return stageOf(context.stage === "prod" ? "prod" : "dev", context);
      },
    },
  ];
}

const FUNCTIONS = Object.keys(ENVIRONMENTS).filter((name): name is FunctionName => name in ENVIRONMENTS);

/** Of all functions together. */
const VARIABLES = {
  ...{ DATABASE_CLUSTER_ARN: "arn:c", DATABASE_SECRET_ARN: "arn:s", DATABASE_NAME: "prosper" },
  ...{
    LOG_LEVEL: "info",
    SEAL_DEADLINE_SECONDS: "1800",
    DEAD_LETTERS_URL: "http://127.0.0.1:1/0/dead",
    REGISTRATION: "invite",
    BLOCK_SECONDS: "600",
  },
  ...{ ACTIVATION: "-1", START_HEIGHT: "206422", STALE_SECONDS: "1800", POOL_NAME: "Prosper" },
  ...{ VERSION: "1", STRATUM_HOST: "", STRATUM_PORT: "3333", LXR_BITS: "30", ORIGIN_SECRET_NAME: "" },
  PRICES: '{"priorities":{},"overrides":{},"urls":{},"fixed":{"XBT":"1.5"},"rule":"priority"}',
};

function eventOf(bodies: readonly string[]): SQSEvent {
  return {
    Records: bodies.map((body, id) => ({
      ...{ messageId: `${id}`, receiptHandle: "r", body, messageAttributes: {}, md5OfBody: "" },
      ...{ eventSource: "aws:sqs", eventSourceARN: "arn:q", awsRegion: "us-east-1" },
      attributes: {
        ...{ ApproximateReceiveCount: "1", SentTimestamp: "0" },
        ...{ SenderId: "", ApproximateFirstReceiveTimestamp: "0" },
      },
    })),
  };
}
