/** The origin's secret and the receipts' key, changed while the pool runs. */

import * as v from "valibot";
import { expect } from "vitest";
import { lastSealedHeight } from "../../../../shared/db/seals.ts";
import { until } from "../../../support/until.ts";
import { type DeployedPool, ORIGIN_SECRET } from "../deployed-pool.ts";
import { WebClient } from "../web-client.ts";

export async function changeSecrets(pool: DeployedPool): Promise<void> {
  const { cloud, db, emulator, web } = pool;
  const statusBy = async (secret: string): Promise<number> => {
    const front = await pool.startFront(secret);
    const { status } = await new WebClient(front.url).send("GET", "/api/openapi.json");
    await front.stop();
    return status;
  };
  const height = await lastSealedHeight(db);
  const shown = v.object({ receiptKey: v.string(), formerReceiptKeys: v.array(v.string()) });
  const keys = async () => v.parse(shown, JSON.parse((await web.send("GET", `/api/blocks/${height}`)).body));
  const old = await keys();
  expect(old.formerReceiptKeys).toEqual([]);

  await emulator.json("secretsmanager.PutSecretValue", {
    SecretId: "prosper/local/origin",
    SecretString: "another-secret",
  });
  await until("the new secret", async () => (await statusBy("another-secret")) === 200, { everyMs: 500 });
  expect([await statusBy(ORIGIN_SECRET), await statusBy("a guess")]).toEqual([200, 403]);

  await emulator.json("secretsmanager.PutSecretValue", {
    SecretId: "prosper/local/receipts",
    SecretString: `another seed\n${cloud.keys.fs}`,
  });
  const changed = await until("the new key", async () => {
    const now = await keys();
    return now.receiptKey !== old.receiptKey && now;
  });
  expect(changed.formerReceiptKeys).toEqual([old.receiptKey]);
  pool.step("the origin's secret and the receipts' key were changed");
}
