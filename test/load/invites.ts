/** 200 invite codes, 64 racers for each at the same moment: exactly 200 users. `npm run test:load -- invites` */

import * as v from "valibot";
import { createInvite } from "../../functions/auth/bootstrap.ts";
import { register } from "../../functions/auth/credentials.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import { systemRandom } from "../../shared/clock.ts";
import { one, sql } from "../../shared/db/port.ts";
import { withDatabase } from "../support/load/database.ts";

const CODES = 200;
const RACERS = 64;
const ADDRESS = "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q";

await withDatabase(async (db) => {
  // The race is for the code: what a hash costs would only hold the racers apart.
  const cost = { memoryKib: 8, passes: 1 };
  const passwords = createPasswords({ cost, queueLimit: RACERS * CODES }, { random: systemRandom });
  const startMs = performance.now();
  let won = 0;
  for (let n = 0; n < CODES; n++) {
    const invite = await createInvite({ db, random: systemRandom });
    const results = await Promise.all(
      Array.from({ length: RACERS }, (_, racer) =>
        register(
          { db, passwords },
          { name: `racer-${n}-${racer}`, password: "a password", invite, address: ADDRESS },
          false,
        ),
      ),
    );
    won += results.filter(({ kind }) => kind === "registered").length;
  }
  const { users, claims } = await one(
    db,
    sql`SELECT (SELECT count(*)::int FROM users) AS users, (SELECT count(*)::int FROM invites WHERE claimed_by IS NOT NULL) AS claims`,
    v.object({ users: v.number(), claims: v.number() }),
  );
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    `${CODES} codes × ${RACERS} racers: ${won} told that they won, ${users} users, ${claims} claims, in ${seconds} s`,
  );
  process.exitCode = won === CODES && users === CODES && claims === CODES ? 0 : 1;
});
