/** Accounts: one made on the page, the others by their miners over stratum. */

import { expect } from "vitest";
import { createInvite } from "../../../../functions/auth/bootstrap.ts";
import { systemRandom } from "../../../../shared/clock.ts";
import { PAYOUT_ADDRESS } from "../../../support/accounts.ts";
import { LedgerMiner, openKernel } from "../../../support/processes/ledger-miner.ts";
import { type DeployedPool, LXR_BITS } from "../deployed-pool.ts";

const MINERS = 20;
export const WEB_USER = "web-user";
export const PASSWORD = "correct horse battery";

export async function registerByApi(pool: DeployedPool): Promise<void> {
  const { db, web } = pool;
  const invite = await createInvite({ db, random: systemRandom });
  const body = { name: WEB_USER, password: PASSWORD, invite, address: PAYOUT_ADDRESS };
  expect(await web.send("POST", "/api/register", body)).toMatchObject({ status: 200 });
  const again = await web.send("POST", "/api/register", { ...body, name: `${WEB_USER}-2` });
  expect(again.status).toBe(422);
  pool.step("a user registered by the api function");
}

export async function registerByStratum(pool: DeployedPool): Promise<void> {
  const { db, miners } = pool;
  const kernel = await openKernel(LXR_BITS);
  for (let i = 0; i < MINERS; i++) {
    const address = pool.edge(i % 2).stratum;
    // The first mines for the user of the web, without a password.
    const registration = {
      password: PASSWORD,
      invite: await createInvite({ db, random: systemRandom }),
      address: PAYOUT_ADDRESS,
    };
    miners.push(
      i === 0
        ? new LedgerMiner(WEB_USER, address, kernel)
        : new LedgerMiner(`miner-${i}`, address, kernel, registration),
    );
  }
  const stranger = new LedgerMiner(WEB_USER, pool.edge(1).stratum, kernel, {
    password: "wrong",
    invite: "",
    address: "",
  });
  await expect(stranger.start()).rejects.toThrow("cannot log in");
  for (const miner of miners) await miner.start();
  expect(miners.every((miner) => miner.registered)).toBe(true);
  pool.step(`${MINERS} miners logged in, ${MINERS - 1} of them registered by the auth function`);
}
