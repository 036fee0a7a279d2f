/**
 * 10,000 guesses at the passwords of ten users from fifty addresses, the right one among the later of each: none gets in, and few are looked at.
 * Then one user after the lock is over. `npm run load -- guesses`
 */

import { createPasswords } from "../../functions/auth/password.ts";
import { createWebAccounts } from "../../functions/auth/web-accounts.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { insertUser } from "../../shared/db/accounts.ts";
import { withDatabase } from "./database.ts";

const USERS = 10;
const ADDRESSES = 50;
const EACH = 20;

await withDatabase(async (db) => {
  const passwords = createPasswords({}, { random: systemRandom });
  const right = (user: number): string => `right password ${user}`;
  for (let user = 0; user < USERS; user++)
    await insertUser(db, {
      name: `user${user}`,
      password: await passwords.hash(right(user)),
      payoutAddress: null,
    });
  let aheadMs = 0;
  const clock = { ...systemClock, wallMs: () => Date.now() + aheadMs };
  const accounts = createWebAccounts(
    { openRegistration: false },
    { db, passwords, clock, random: systemRandom },
  );
  const kinds = new Map<string, number>();
  const guess = async (user: number, address: number, n: number): Promise<void> => {
    // The first ones are wrong; the right one comes when a guesser would be lucky.
    const password = n === EACH - 1 ? right(user) : `guess ${n}`;
    const { kind } = await accounts.login(`user${user}`, {
      password,
      code: "",
      remoteAddress: `10.0.0.${address}`,
    });
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  };
  const startMs = performance.now();
  for (let n = 0; n < EACH; n++)
    for (let user = 0; user < USERS; user++)
      for (let from = 0; from < ADDRESSES; from += 10)
        await Promise.all(Array.from({ length: 10 }, (_, i) => guess(user, from + i, n)));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const total = USERS * ADDRESSES * EACH;
  console.log(`${total} guesses in ${seconds} s: ${JSON.stringify(Object.fromEntries(kinds))}`);
  aheadMs = 16 * 60_000;
  const { kind } = await accounts.login("user0", { password: right(0), code: "", remoteAddress: "10.0.0.0" });
  console.log(`the user itself after the longest lock: ${kind}`);
  process.exitCode = kinds.get("ok") === undefined && kind === "ok" ? 0 : 1;
});
