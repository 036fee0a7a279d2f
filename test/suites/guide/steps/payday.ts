/** The guide's "Payday", which takes two administrators: one types, the other agrees on the page. */

import * as v from "valibot";
import { expect } from "vitest";
import { until } from "../../../support/until.ts";
import { DOMAIN, type GuidedPool } from "../guided-pool.ts";
import { block } from "../page.ts";
import type { Server } from "../server.ts";

const agreeing = v.object({ payout: v.object({ id: v.string(), digest: v.string() }) });

export async function pay(pool: GuidedPool): Promise<void> {
  const { server } = pool;
  const invite = await pool.inviteCode();
  const account = { name: "second", password: "a-password-of-another" };
  await onPage(server, "POST", "/api/register", { ...account, invite, address: pool.fa });
  await pool.follow("Payday", "prosper db admin");
  const prepared = await pool.follow("Payday", "payout prepare");
  const key = /\b[0-9a-f]{64}\b/.exec(prepared)?.[0] ?? "";
  await server.run("own", "cat >pay.json", await server.run("prosper", "cat pay.json"));
  await pool.follow("Payday", "payout sign", { POOL_KEY: key });
  await server.run("prosper", "cat >pay.signed.json", await server.run("own", "cat pay.signed.json"));
  const { who, text } = block("Payday", "payout send");
  const [send = "", confirm = "", books = ""] = text.split("\n");
  expect((await server.try(who, send)).errors).toContain(
    "so far command line: an administrator who has not agreed",
  );
  await onPage(server, "POST", "/api/session", account);
  const { payout } = v.parse(agreeing, JSON.parse(await onPage(server, "GET", "/api/admin/payday")));
  expect(prepared.replaceAll(" ", "")).toContain(payout.digest);
  await onPage(server, "POST", "/api/admin/payday/approve", { id: payout.id });
  await server.run(who, send);
  // It exits with 2 while something is not in a block: run it again after the next one.
  await until(
    "the payout in a block",
    async () => {
      const { code, errors } = await server.try(who, confirm);
      expect([0, 2], errors).toContain(code);
      return code === 0;
    },
    { withinMs: 60_000, everyMs: 1_000 },
  );
  await server.run(who, books);
  expect(BigInt((await pool.audit()).users["you"]?.paidOut ?? 0)).toBeGreaterThan(0n);
  // The last release does not know the setting: an older one names it, and it is taken out.
  await server.run("prosper", "cp alone.toml .prosper/prosper-pool.toml");
}

/** What a browser of the second administrator does: through nginx, by a cookie. */
function onPage(server: Server, method: string, path: string, body?: object): Promise<string> {
  const data = body === undefined ? "" : `-H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  const jar = "-c /run/second -b /run/second --cacert /etc/prosper/tls/cert.pem";
  return server.run("root", `curl -sS --fail-with-body ${jar} -X ${method} ${data} https://${DOMAIN}${path}`);
}
