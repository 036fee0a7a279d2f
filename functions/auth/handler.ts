/** The auth function: the same middy handler for a Lambda invoke and for the edge in the same process. */

import middy from "@middy/core";
import * as v from "valibot";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { type Auth, type LoginReply, type LoginRequest, loginRequest } from "../../shared/messages/login.ts";
import { LOCAL_CONTEXT } from "../local-context.ts";
import { type AuthorizeModules, type AuthorizeOptions, logInMiner } from "./miner-login.ts";

export interface AuthModules extends AuthorizeModules {
  readonly logger: Logger;
}

export type AuthHandler = middy.MiddyfiedHandler<unknown, LoginReply>;

/** Takes an authorize request as the event, returns its verdict; throws CodedError `auth-away` where there is none. */
export function createAuthHandler(options: AuthorizeOptions, modules: AuthModules): AuthHandler {
  return middy<unknown, LoginReply>((event: unknown) => logInMiner(options, modules, parse(event))).onError(
    (request) => {
      const error = coerceError(request.error);
      modules.logger.warn("no verdict on a login", { error: error.message });
      if (error instanceof CodedError && error.code.startsWith("auth-")) throw error;
      throw new CodedError("auth-away", `no verdict on this login: ${error.message}`, { cause: error });
    },
  );
}

function parse(event: unknown): LoginRequest {
  const parsed = v.safeParse(loginRequest, event);
  if (parsed.success) return parsed.output;
  // Names the field, never its value: it may be a password.
  const path = v.getDotPath(parsed.issues[0]) ?? "the request";
  throw new CodedError("auth-request", `authorize request: ${path} is missing or has the wrong form`);
}

/** The auth function as a port for an edge in the same process. */
export function createLocalAuth(handler: AuthHandler): Auth {
  return { authorize: (request) => handler(request, LOCAL_CONTEXT) };
}
