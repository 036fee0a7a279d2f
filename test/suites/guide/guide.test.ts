/**
 * The guide, followed on an empty server by its own commands (docs/operating.md): a pool is installed, pays its miners, is backed up, destroyed,
 * restored, proved, taken back to the last release and upgraded again.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { coerceError } from "../../../shared/errors.ts";
import { type GuideBlock, guideBlocks } from "../../support/guide.ts";
import { isRunnable, whyNotInstalled } from "../../support/optional-suite.ts";
import { readReleases, whyNoHistory } from "../../support/releases.ts";
import { until } from "../../support/until.ts";
import { makeRepository } from "./repository.ts";
import { Server, type Started, whyNoServer } from "./server.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** This checkout, as the server has it. */
const TODAY = "/srv/today";
const DOMAIN = "pool.example.com";
const BLOCK_SECONDS = 4;
const [release] = readReleases();

/** PostgreSQL's programs as Debian has them. */
const serverPrograms = (): string | undefined =>
  existsSync("/usr/lib/postgresql")
    ? readdirSync("/usr/lib/postgresql")
        .map((version) => `/usr/lib/postgresql/${version}/bin`)
        .find((folder) => existsSync(join(folder, "initdb")))
    : undefined;
const PROGRAMS = {
  "nginx-light": "/usr/sbin/nginx",
  prometheus: "/usr/bin/prometheus",
  openssl: "/usr/bin/openssl",
  "gettext-base": "/usr/bin/envsubst",
  curl: "/usr/bin/curl",
  iproute2: "/usr/sbin/ip",
  git: "/usr/bin/git",
};

function whyNot(): string | undefined {
  const missing = whyNotInstalled([...Object.keys(PROGRAMS), "postgresql"], () =>
    [...Object.values(PROGRAMS), serverPrograms() ?? "/nowhere"].every((path) => existsSync(path)),
  );
  if (missing !== undefined) return missing;
  return whyNoServer() ?? whyNoHistory(release);
}
const runnable = isRunnable("test:guide", whyNot());

/** Done by each suite that runs; here a server has no way out of it. */
const NOT_HERE = /^(?:apt-get|certbot) .*$/gm;
/** They ask a person; a program says --yes. */
const ASKING = /^(prosper (?:payout sign|payout send|restore|db admin) .*)$/gm;

/** What has been typed, as it stands on the page. */
const followed = new Set<string>();

/** The block of a heading that has the words, to be typed. */
function block(heading: string, words: string): { who: string; text: string } {
  const found = guideBlocks().filter((each) => each.heading === heading && each.text.includes(words));
  if (found[0] === undefined || found.length > 1)
    throw new Error(
      `docs/operating.md, "${heading}": expected one block with ${words}, found ${found.length}`,
    );
  const { who, text } = found[0];
  followed.add(text);
  return { who, text: text.replaceAll(NOT_HERE, ":").replaceAll(ASKING, "$1 --yes") };
}

const agreeing = v.object({ payout: v.object({ id: v.string(), digest: v.string() }) });
const audited = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    blocks: v.number(),
    conserved: v.literal(true),
    users: v.record(v.string(), v.object({ accepted: v.number(), owed: v.string(), paidOut: v.string() })),
  }),
);

describe.runIf(runnable)("the guide on an empty server", () => {
  let folder: string;
  let server: Server;
  let miner: Started;
  let fa: string;

  /** Types a block of the guide; `env`: what the reader was told to know. */
  async function follow(
    heading: string,
    words: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { who, text } = block(heading, words);
    const known = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
    return server.run(who, `${known.join("")}${text}`);
  }

  const audit = async () => v.parse(audited, await server.run("prosper", "prosper audit --json"));
  const accepted = async (): Promise<number> => (await audit()).users["you"]?.accepted ?? 0;
  /** So many blocks more than now have been shared out, and the pool is well. */
  async function untilMined(blocks: number): Promise<void> {
    const before = (await audit()).blocks;
    await until(`${blocks} blocks`, async () => (await audit()).blocks >= before + blocks, {
      withinMs: 150_000,
      everyMs: 2_000,
    });
  }
  /** By the pages' own address: through nginx, by a certificate that is believed. */
  async function untilReady(): Promise<void> {
    const ask = `curl -fsS --cacert /etc/prosper/tls/cert.pem https://${DOMAIN}/healthz`;
    await until("the pool behind nginx", async () => (await server.try("root", ask)).code === 0, {
      withinMs: 120_000,
      everyMs: 500,
    });
  }

  /** What a browser of the second administrator does: through nginx, by a cookie. */
  function onPage(method: string, path: string, body?: object): Promise<string> {
    const data = body === undefined ? "" : `-H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
    const jar = "-c /run/second -b /run/second --cacert /etc/prosper/tls/cert.pem";
    return server.run(
      "root",
      `curl -sS --fail-with-body ${jar} -X ${method} ${data} https://${DOMAIN}${path}`,
    );
  }

  /** The guide's line for a miner; it registers where it has an invite code. */
  function mine(invite: string | undefined): Started {
    const { who, text } = block("Start", "prosper miner");
    const env = [
      "NODE_EXTRA_CA_CERTS=/etc/prosper/tls/cert.pem",
      ...(invite === undefined
        ? []
        : ["PROSPER_PASSWORD=a-password-of-mine", `PROSPER_INVITE=${invite}`, `PROSPER_ADDRESS=${fa}`]),
    ];
    const line = invite === undefined ? text.replace(" --register", "") : text;
    return server.start(
      who,
      `echo $$ >miner.pid\n${env.join(" ")} exec ${line.trim()} --threads 1 --duty 0.3 --json`,
    );
  }
  /** How many shares it sent, and how many it was told are taken. */
  async function stopMining(): Promise<{ submitted: number; accepted: number }> {
    await server.run("own", "kill -INT $(cat miner.pid)");
    expect(await miner.ended, miner.out()).toBe(0);
    const last = (name: string): number =>
      Number([...miner.out().matchAll(new RegExp(`"${name}":(\\d+)`, "g"))].at(-1)?.[1]);
    return { submitted: last("submitted"), accepted: last("accepted") };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "prosper-guide-"));
    const repository = join(folder, "repository");
    mkdirSync(repository);
    makeRepository(repository, release);
    server = await Server.begin(folder, { [folder]: folder, [TODAY]: ROOT });
    const put = (path: string, file: string): Promise<string> =>
      server.run(
        "root",
        `cat >${path}; chmod 755 ${path}`,
        readFileSync(join(import.meta.dirname, file), "utf8"),
      );
    await put("/usr/local/bin/systemctl", "systemctl.sh");
    // What Debian's packages do when they are installed on a server with systemd: PostgreSQL with its own system of trust, and it runs.
    const bin = serverPrograms();
    await server.run(
      "root",
      `rm -rf /opt/prosper /etc/prosper /var/lib/prosper /var/cache/prosper /var/backups/prosper
      echo 127.0.0.1 ${DOMAIN} >>/etc/hosts
      git config --system --add safe.directory '*'
      useradd --create-home own; install -d -o own /home/own/bin; ln -s ${TODAY}/infra/launch/prosper.mjs /home/own/bin/prosper
      id -u postgres >/dev/null 2>&1 || useradd --system postgres
      install -d -o postgres /run/postgresql /srv/books; mkdir -p /var/run; [ -e /var/run/postgresql ] || ln -s /run/postgresql /var/run/postgresql`,
    );
    await server.run(
      "postgres",
      `${bin}/initdb -D /srv/books --auth-local=peer --auth-host=scram-sha-256 -N >/dev/null
      ${bin}/pg_ctl -D /srv/books -o "-k /run/postgresql" -l /srv/books/log -w start >/dev/null`,
    );
  });
  afterAll(async () => {
    await server?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it("installs the pool", async () => {
    fa = /^FA {2}(FA\w+)/m.exec(await follow("What you need first", "prosper keys"))?.[1] ?? "";
    const { who, text } = block("Install", "git clone");
    const [before = "", after = ""] = text.split(/^(?=prosper --version$)/m);
    await server.run(who, `export PROSPER_REPOSITORY=${folder}/repository\n${before}`);
    // Packages come from a registry, which this server cannot reach: they are those of this checkout.
    await server.run(
      "root",
      `mkdir /opt/prosper/node_modules; mount --bind ${TODAY}/node_modules /opt/prosper/node_modules`,
    );
    expect(await server.run(who, after)).toMatch(/^\d+\.\d+\.\d+\n$/);
    await follow("Install", "createuser");
  });

  it("configures it, on a network of its own", async () => {
    const [fs = "", es = ""] = (await server.run("own", "cat pool.keys")).split("\n");
    expect(fs).toMatch(/^Fs/);
    const node = server.start(
      "own",
      `exec prosper devnet --port 8088 --feed-port 8089 --block-seconds ${BLOCK_SECONDS} --rivals 5 --rival-hashes 3000 --ec ${await creditAddress()} --json`,
    );
    await until("the devnet", () => node.out().includes('"ready"'), { withinMs: 60_000 });

    await follow("Configure", "install -D");
    const file = ".prosper/prosper-pool.toml";
    const shipped = sections(await server.run("prosper", `cat ${file}`));
    const testing = readFileSync(join(ROOT, "docs/testing.md"), "utf8");
    const rehearsal = sections(/```toml\n([\s\S]*?)```/.exec(testing)?.[1] ?? "");
    const config = Object.fromEntries(
      [...new Set([...Object.keys(shipped), ...Object.keys(rehearsal)])].map((name) => [
        name,
        { ...shipped[name], ...rehearsal[name] },
      ]),
    );
    config["pool"] = { ...config["pool"], oprcoinbase: fa, esaddress: es, opridentity: "Guide" };
    config["pegnet"] = { ...config["pegnet"], blockperiod: `${BLOCK_SECONDS}s` };
    const byTwo = { ...config, pool: { ...config["pool"], twoadministrators: true } };
    await server.run("prosper", `cat >${file}; cp ${file} alone.toml`, stringify(config));
    await server.run("prosper", `cat >${file}`, stringify(byTwo));
    await follow("Configure", "db migrate");
  });

  async function creditAddress(): Promise<string> {
    const out = await server.run(
      "own",
      `cd ${TODAY}; node_modules/node-linux-*/bin/node --input-type=module -e '
        const { creditAddress } = await import("${TODAY}/infra/pool/key-addresses.ts");
        const { readFileSync } = await import("node:fs");
        console.log(creditAddress(readFileSync("/home/own/pool.keys", "utf8").split("\\n")[1]))'`,
    );
    return out.trim();
  }

  it("gives pages and miners a certificate, starts, and lets a miner in by TLS", async () => {
    await follow("Certificate", "nginx -t");
    await follow("Start", "enable --now");
    await untilReady();
    const invite = /: (\S+)\n/.exec(await follow("Start", "prosper db code"))?.[1] ?? "";
    miner = mine(invite);
    await untilMined(3);
    const page = await server.run(
      "root",
      `curl -fsS --cacert /etc/prosper/tls/cert.pem https://${DOMAIN}/ -D -`,
    );
    expect(page).toMatch(/^HTTP\/2 200[\s\S]*strict-transport-security[\s\S]*<title>/i);
    expect(
      (await server.try("root", `curl -fs --cacert /etc/prosper/tls/cert.pem https://${DOMAIN}/metrics`))
        .code,
    ).toBe(22);
    expect(await server.run("root", "curl -fsS http://127.0.0.1:7070/metrics")).toContain(
      "prosper_miners 1\n",
    );
  });

  it("takes a renewed certificate to both, by the hook that certbot calls", async () => {
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
    const renewed = await server.run(
      "root",
      "openssl x509 -noout -fingerprint -in /srv/renewed/fullchain.pem",
    );
    for (const port of [443, 1235])
      await until(`the new certificate on ${port}`, async () => (await shown(port)) === renewed, {
        withinMs: 90_000,
        everyMs: 1_000,
      });
  });

  it("watches it: nothing is red, and Prometheus reads its figures", async () => {
    const { who, text } = block("Watch", "prosper doctor");
    let said = "";
    // A machine with other work on it may be late with an answer.
    await until(
      "a doctor who finds nothing red",
      async () => {
        const { code, out } = await server.try(who, text);
        said = out;
        return code === 0;
      },
      { withinMs: 60_000, everyMs: 1_000 },
    ).catch((error: unknown) => {
      throw new Error(`${coerceError(error).message}; it says: ${said}`);
    });
    expect(said).toMatch(/ports +stratum over TLS port 1235 answers\n/);
    await follow("Watch", "promtool");
    await until(
      "a scrape",
      async () =>
        (
          await server.try("root", "curl -fsS 'http://127.0.0.1:9090/api/v1/query?query=prosper_job_height'")
        ).out.includes('"job":"prosper"'),
      { withinMs: 60_000, everyMs: 1_000 },
    );
  });

  it("pays its miners, once two have agreed, by a key that is elsewhere", async () => {
    const invite = /: (\S+)\n/.exec(await follow("Start", "prosper db code"))?.[1] ?? "";
    const account = { name: "second", password: "a-password-of-another" };
    await onPage("POST", "/api/register", { ...account, invite, address: fa });
    await follow("Payday", "prosper db admin");
    const prepared = await follow("Payday", "payout prepare");
    const key = /\b[0-9a-f]{64}\b/.exec(prepared)?.[0] ?? "";
    await server.run("own", "cat >pay.json", await server.run("prosper", "cat pay.json"));
    await follow("Payday", "payout sign", { POOL_KEY: key });
    await server.run("prosper", "cat >pay.signed.json", await server.run("own", "cat pay.signed.json"));
    const { who, text } = block("Payday", "payout send");
    const [send = "", confirm = "", books = ""] = text.split("\n");
    expect((await server.try(who, send)).errors).toContain(
      "so far command line: an administrator who has not agreed",
    );
    await onPage("POST", "/api/session", account);
    const { payout } = v.parse(agreeing, JSON.parse(await onPage("GET", "/api/admin/payday")));
    expect(prepared.replaceAll(" ", "")).toContain(payout.digest);
    await onPage("POST", "/api/admin/payday/approve", { id: payout.id });
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
    expect(BigInt((await audit()).users["you"]?.paidOut ?? 0)).toBeGreaterThan(0n);
    // The last release does not know the setting: an older one names it, and it is taken out.
    await server.run("prosper", "cp alone.toml .prosper/prosper-pool.toml");
  });

  it("is backed up, destroyed, restored and proved", async () => {
    await stopMining();
    await follow("Back up", "systemctl start prosper-backup");
    const before = await audit();
    await server.run("root", "systemctl stop prosper");
    await server.run("postgres", "dropdb prosper");
    await server.run("root", "rm -r /var/lib/prosper/.prosper/data");
    expect((await server.try("prosper", "prosper audit")).code).toBe(1);

    await server.run("root", "runuser -u postgres -- createdb --owner prosper prosper");
    await follow("Back up", "prosper restore");
    const restored = await audit();
    expect(restored.users["you"]?.paidOut).toBe(before.users["you"]?.paidOut);
    expect(restored.blocks).toBeGreaterThanOrEqual(3);
    await server.run("root", "systemctl start prosper");
    await untilReady();
    await server.run("root", "systemctl start prosper-prove");
    expect(await server.run("root", "cat /var/log/prosper-prove.log")).toContain("Proved: the backup of");
  });

  it("goes back to the last release and up again, with a miner that loses nothing", async () => {
    const counted = await accepted();
    miner = mine(undefined);
    await untilMined(2);
    for (const version of [`v${release.version}`, "today"]) {
      await follow("Upgrade, and back", "checkout --detach", { PROSPER_VERSION: version });
      expect(await server.run("root", "git -C /opt/prosper describe --tags")).toBe(`${version}\n`);
      await untilReady();
      await untilMined(2);
    }
    const { submitted, accepted: told } = await stopMining();
    expect(told).toBeGreaterThan(0);
    // A share whose answer was cut off is booked all the same, and its miner does not know.
    const booked = await until(
      "all of them in the books",
      async () => {
        const now = (await accepted()) - counted;
        return now >= told && now;
      },
      { withinMs: 60_000, everyMs: 1_000 },
    );
    expect(booked).toBeLessThanOrEqual(submitted);
    await server.run("prosper", "prosper audit --replay");
  });

  it("has run every block of the guide, but those for containers and for certbot", () => {
    const titles = (blocks: readonly GuideBlock[]): string[] =>
      blocks.map(({ heading, text }) => `${heading}: ${text.split("\n")[0]}`);
    const left = guideBlocks().filter(({ text }) => !followed.has(text));
    expect(titles(left).filter((title) => !/: (?:docker compose|certbot) /.test(title))).toEqual([]);
    expect(left).toHaveLength(2);
  });
});

function guideText(heading: string): string {
  return guideBlocks()
    .filter((each) => each.heading === heading)
    .map(({ text }) => text)
    .join("");
}

const value = v.union([v.string(), v.number(), v.boolean()]);

function sections(text: string): Record<string, Record<string, v.InferOutput<typeof value>>> {
  return v.parse(v.record(v.string(), v.record(v.string(), value)), parse(text));
}
