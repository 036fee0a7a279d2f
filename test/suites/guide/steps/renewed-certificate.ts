/** A certificate renewed, as certbot would do it. */

import { until } from "../../../support/until.ts";
import { DOMAIN, type GuidedPool } from "../guided-pool.ts";
import { block, guideText } from "../page.ts";

export async function renewCertificate({ server }: GuidedPool): Promise<void> {
  const { text } = block("Certificate", "nginx -t");
  const made = /^openssl .*$/m.exec(text)?.[0] ?? "";
  await server.run(
    "root",
    `DOMAIN=${DOMAIN}; install -d /srv/renewed
      ${made
        .replace("-days 7", "-days 90")
        .replace(/\/etc\/prosper\/tls\/key\.pem/, "/srv/renewed/privkey.pem")
        .replace(/\/etc\/prosper\/tls\/cert\.pem/, "/srv/renewed/fullchain.pem")}
      hook=$(printf '%s' '${/--deploy-hook (\S+)/.exec(guideText("Certificate"))?.[1] ?? ""}')
      RENEWED_LINEAGE=/srv/renewed $hook`,
  );
  const shown = (port: number): Promise<string> =>
    server.run(
      "root",
      `openssl s_client -connect ${DOMAIN}:${port} -servername ${DOMAIN} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint`,
    );
  const renewed = await server.run("root", "openssl x509 -noout -fingerprint -in /srv/renewed/fullchain.pem");
  for (const port of [443, 1235])
    await until(`the new certificate on ${port}`, async () => (await shown(port)) === renewed, {
      withinMs: 90_000,
      everyMs: 1_000,
    });
}
