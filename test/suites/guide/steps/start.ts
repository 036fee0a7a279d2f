/** The guide's "Certificate" and "Start": pages and miners by TLS. */

import { expect } from "vitest";
import { DOMAIN, type GuidedPool } from "../guided-pool.ts";

export async function startByTls(pool: GuidedPool): Promise<void> {
  const { server } = pool;
  await pool.follow("Certificate", "nginx -t");
  await pool.follow("Start", "enable --now");
  await pool.untilReady();
  pool.startMining(await pool.inviteCode());
  await pool.untilMined(3);
  const page = await server.run(
    "root",
    `curl -fsS --cacert /etc/prosper/tls/cert.pem https://${DOMAIN}/ -D -`,
  );
  expect(page).toMatch(/^HTTP\/2 200[\s\S]*strict-transport-security[\s\S]*<title>/i);
  expect(
    (await server.try("root", `curl -fs --cacert /etc/prosper/tls/cert.pem https://${DOMAIN}/metrics`)).code,
  ).toBe(22);
  expect(await server.run("root", "curl -fsS http://127.0.0.1:7070/metrics")).toContain("prosper_miners 1\n");
}
