/**
 * A standing attack on one owner's name, over the web and over stratum, from 256 addresses and from the owner's own, for 42 minutes of a hand-set
 * clock: how many guesses are looked at, how often the owner gets in from its places and its session, and what is left in the database.
 * Then 10,000 guesses at the passwords of ten users, and names tried out without a password. `npm run test:load -- guesses`
 */

import * as v from "valibot";
import { createAccounts } from "../../edge/logins/logins.ts";
import { createLoginThrottle } from "../../edge/logins/throttle.ts";
import { createAuthHandler, createLocalAuth } from "../../functions/auth/handler.ts";
import { createLockout } from "../../functions/auth/lockout.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import { createWebAccounts, type WebAccounts } from "../../functions/auth/web-accounts.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { insertUser } from "../../shared/db/accounts.ts";
import { type Db, one, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { withDatabase } from "../support/load/database.ts";

const USERS = 10;
const ADDRESSES = 50;
const EACH = 20;
const ROUNDS = 42;
const HOUR_MS = 3_600_000;
const RIGHT = "the right password";
const OWNER = "203.0.113.5";

let aheadMs = 0;
const clock = {
  ...systemClock,
  wallMs: () => Date.now() + aheadMs,
  monotonicMs: () => performance.now() + aheadMs,
};
// Cheap: what is measured is who is let in, not how long a hash takes.
const passwords = createPasswords(
  { cost: { memoryKib: 8, passes: 1 }, concurrency: 8, queueLimit: 10_000 },
  { random: systemRandom },
);

function poolOver(db: Db) {
  const modules = { db, clock, random: systemRandom, logger: SILENT, passwords };
  const lockout = createLockout({}, modules);
  const auth = createLocalAuth(createAuthHandler({ openRegistration: false }, { ...modules, lockout }));
  const throttle = createLoginThrottle({ exemptAddresses: [] }, { clock });
  const stratum = createAccounts({}, { ...modules, auth, throttle });
  return { web: createWebAccounts({ openRegistration: false }, modules), stratum };
}

type Pool = ReturnType<typeof poolOver>;

const login = (web: WebAccounts, user: string, password: string, remoteAddress: string, device = "") =>
  web.login(user, { password, code: "" }, { remoteAddress, device });
const mine = (pool: Pool, user: string, password: string, remoteAddress: string) =>
  pool.stratum.authorize({
    ...{ user, worker: "rig", password, invite: "", payoutAddress: "", remoteAddress, agent: "" },
  });

async function addUser(db: Db, name: string): Promise<void> {
  await insertUser(db, { name, password: await passwords.hash(RIGHT), payoutAddress: null });
}

/** The owner's logins under attack: from its address, by its device elsewhere, changes in its session; all should be 42. */
async function standingAttack(db: Db, pool: Pool): Promise<boolean> {
  await addUser(db, "owner");
  const first = await login(pool.web, "owner", RIGHT, OWNER);
  if (first.kind !== "ok") throw new Error(first.reason);
  const user = await pool.web.whoIs(first.token);
  if (user === undefined) throw new Error("no session");
  let { device } = first;
  const ok = { address: 0, device: 0, session: 0, stratum: 0 };
  const letInMs: number[] = [];
  let made = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < 24; i++) {
      const address = `10.66.${round}.${i}`;
      const web = await login(pool.web, "owner", `guess ${i}`, address);
      const rig = await mine(pool, "owner", `guess ${i}`, address);
      made += 2;
      for (const { kind } of [web, rig]) if (kind === "refused") letInMs.push(clock.wallMs());
      // The owner's device travels: where it is, somebody guesses as well.
      await login(pool.web, "owner", `guess ${i}`, `10.67.${round}.1`);
    }
    aheadMs += 60_000;
    if ((await login(pool.web, "owner", RIGHT, OWNER)).kind === "ok") ok.address += 1;
    const travelling = await login(pool.web, "owner", RIGHT, `10.67.${round}.1`, device);
    if (travelling.kind === "ok") ({ device } = travelling);
    if (travelling.kind === "ok") ok.device += 1;
    const proof = { password: RIGHT, code: "" };
    const changed = await pool.web.changeAddress({ user, token: first.token }, ADDRESS, proof);
    if (changed.kind === "ok") ok.session += 1;
    if ((await mine(pool, "owner", RIGHT, OWNER)).kind === "ok") ok.stratum += 1;
  }
  const most = Math.max(
    ...letInMs.map((from) => letInMs.filter((ms) => ms >= from && ms < from + HOUR_MS).length),
  );
  console.log(
    `standing attack: ${made} guesses over web and stratum in ${ROUNDS} minutes, ${letInMs.length} looked at, most in an hour ${most} (limit 10)`,
  );
  console.log(
    `the owner with the right password, of ${ROUNDS}: web from its address ${ok.address}, by its device elsewhere ${ok.device}, changes in its session ${ok.session}, stratum from its address ${ok.stratum}`,
  );
  return most <= 10 && Object.values(ok).every((times) => times === ROUNDS);
}

async function tenThousand(db: Db, pool: Pool): Promise<boolean> {
  for (let user = 0; user < USERS; user++) await addUser(db, `user${user}`);
  const kinds = new Map<string, number>();
  const guess = async (user: number, address: number, n: number): Promise<void> => {
    // The first ones are wrong; the right one comes when a guesser would be lucky.
    const password = n === EACH - 1 ? RIGHT : `guess ${n}`;
    const { kind } = await login(pool.web, `user${user}`, password, `10.0.0.${address}`);
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
  aheadMs += 16 * 60_000;
  const { kind } = await login(pool.web, "user0", RIGHT, "10.0.0.0");
  console.log(`one of the users itself after the lock: ${kind}`);
  return kinds.get("ok") === undefined && kind === "ok";
}

/** Names tried out over stratum from one address as fast as they are answered, for a minute of the hand-set clock. */
async function tryNames(pool: Pool): Promise<boolean> {
  const kinds = new Map<string, number>();
  const startMs = performance.now();
  for (let i = 0; i < 90_000; i++) {
    const { kind } = await mine(pool, `admin-${i.toString(36)}`, "", "10.1.0.1");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    `90,000 names without a password from one address in ${seconds.toFixed(1)} s: ${kinds.get("refused") ?? 0} verdicts, ${kinds.get("unavailable") ?? 0} closed without one`,
  );
  return (kinds.get("refused") ?? 0) <= 25;
}

const ADDRESS = "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q";

await withDatabase(async (db) => {
  const pool = poolOver(db);
  const isFair = await standingAttack(db, pool);
  const isSafe = await tenThousand(db, pool);
  const isHidden = await tryNames(pool);
  const rows = await one(
    db,
    sql`SELECT (SELECT count(*) FROM login_guesses)::int AS counters, (SELECT count(*) FROM users)::int AS users,
      (SELECT count(*) FROM login_places)::int AS places`,
    v.object({ counters: v.number(), users: v.number(), places: v.number() }),
  );
  console.log(
    `left in the database: ${rows.counters} counters for ${rows.users} names (and one for all that do not exist), ${rows.places} places`,
  );
  process.exitCode = isFair && isSafe && isHidden && rows.counters <= rows.users + 1 ? 0 : 1;
});
