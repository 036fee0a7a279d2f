/** The auth function as a Lambda: invoked by edges. */

import { readEnvironment } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createAuthHandler } from "./handler.ts";
import { createLockout } from "./lockout.ts";
import { createPasswords } from "./password.ts";

const env = readEnvironment("auth");
const modules = lambdaModules(env);

export const handler = createAuthHandler(
  { openRegistration: env.REGISTRATION === "open" },
  { ...modules, passwords: createPasswords({}, modules), lockout: createLockout({}, modules) },
);
