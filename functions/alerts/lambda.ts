/** The alerts function as a Lambda: run by a schedule, in no network of the pool's, so that what it dials is the internet alone. */

import type { Context } from "aws-lambda";
import { KeptSecret } from "../../shared/aws/kept-secret.ts";
import { readSecret } from "../../shared/aws/secret.ts";
import { coerceError } from "../../shared/errors.ts";
import { awsOptions, readEnvironment } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createChannels } from "./channels/channels.ts";
import { type AlertsReport, createAlertsHandler, SEND_MS } from "./handler.ts";
import { parseMailServer } from "./mail-server.ts";

const env = readEnvironment("alerts");
const modules = lambdaModules(env);
/** With a last batch of destinations that do not answer it ends well before the function does (infra/aws/control-stack.ts). */
const RUN_MS = 20_000;
/** Another mail server is in use within this time. */
const SECRET_MS = 10 * 60_000;

const name = env.MAIL_SECRET_NAME;
const mailServer = new KeptSecret(
  {
    name,
    read: async () => (name === "" ? "" : parseMailServer(name, await readSecret(awsOptions(env), name))),
    ...{ maxAgeMs: SECRET_MS, againMs: SECRET_MS },
  },
  modules,
);
let made: { readonly smtp: string; readonly deliver: ReturnType<typeof createAlertsHandler> } | undefined;

/** By the mail server of now. Where it is not known, mail fails and waits, and all else is sent. */
async function currentHandler(): Promise<ReturnType<typeof createAlertsHandler>> {
  const smtp = await mailServer.get().catch((thrown: unknown) => {
    modules.logger.error("The mail server is not known: alerts by e-mail wait", {
      error: coerceError(thrown).message,
    });
    return "";
  });
  if (made?.smtp !== smtp) {
    const channels = createChannels({
      ...{ smtp, from: env.MAIL_FROM, telegram: env.TELEGRAM_URL },
      ...{ allowPrivate: env.ALLOW_PRIVATE === "yes", timeoutMs: SEND_MS },
    });
    const options = { poolName: env.POOL_NAME, runMs: RUN_MS };
    made = { smtp, deliver: createAlertsHandler(options, { ...modules, channels }) };
  }
  return made.deliver;
}

export async function handler(event: unknown, context: Context): Promise<AlertsReport> {
  const deliver = await currentHandler();
  const report = await deliver(event, context);
  modules.count({ AlertRuns: 1 });
  return report;
}
