/** The accounting function as a Lambda: fed by the summaries queue. */

import { readEnvironment, workerLimits } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createAccountingHandler } from "./handler.ts";
import { countBooks } from "./metrics.ts";
import { createSealer } from "./sealer.ts";
import { deadLetterSender } from "./set-aside.ts";

const env = readEnvironment("accounting");
const modules = lambdaModules(env);
const onEvent = countBooks(modules.count);
const limits = { workerLimits: workerLimits(env) };
const sealer = createSealer(
  { deadlineMs: env.SEAL_DEADLINE_SECONDS * 1000 },
  { ...modules, ...limits, onEvent },
);

const setAside = deadLetterSender(env.DEAD_LETTERS_URL, env.AWS_REGION);

export const handler = createAccountingHandler({ ...modules, ...limits, onEvent, sealer, setAside });
