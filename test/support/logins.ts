/** Logins over an auth that a test scripts, under a clock that it moves. */

import {
  type Accounts,
  type AccountsOptions,
  createAccounts,
  type LoginThrottle,
} from "../../edge/logins/logins.ts";
import { systemRandom } from "../../shared/clock.ts";
import { insertUser } from "../../shared/db/accounts.ts";
import type { Db } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import type { Auth, LoginReply, LoginRequest } from "../../shared/messages/login.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";

/** With a user, `ann`, and an administrator, `admin-x7k2`. */
export async function loginDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  await insertUser(database.db, { name: "ann", password: null, payoutAddress: null });
  await insertUser(database.db, { name: "admin-x7k2", password: null, payoutAddress: null, isAdmin: true });
  return database;
}

/** An auth whose answer each test sets, and that counts what it is asked. */
interface ScriptedAuth extends Auth {
  asked: LoginRequest[];
  answer: (request: LoginRequest) => Promise<LoginReply>;
}

export const ok = (): Promise<LoginReply> => Promise.resolve({ kind: "ok", registered: false });

export interface LoginSetup {
  auth: ScriptedAuth;
  clock: ManualClock;
  accounts: Accounts;
}

/** `extra`: in the place of what is made for it. */
export function setUpLogins(
  db: Db,
  options: AccountsOptions = {},
  extra: { throttle?: LoginThrottle } = {},
): LoginSetup {
  const auth: ScriptedAuth = {
    asked: [],
    answer: ok,
    authorize(request) {
      auth.asked.push(request);
      return auth.answer(request);
    },
  };
  const clock = manualClock();
  const modules = { db, auth, clock, random: systemRandom, logger: SILENT, ...extra };
  return { auth, clock, accounts: createAccounts(options, modules) };
}

export function request(user: string, password: string, invite = "", payoutAddress = "") {
  return { user, worker: "rig", password, invite, payoutAddress, remoteAddress: "192.0.2.1", agent: "" };
}
