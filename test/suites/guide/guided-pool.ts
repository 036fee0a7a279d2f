/** The pool that the guide makes on an empty server, as its operator, its miner and a visitor of its pages have it. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { expect } from "vitest";
import { until } from "../../support/until.ts";
import { block } from "./page.ts";
import { release, serverPrograms } from "./programs.ts";
import { makeRepository } from "./repository.ts";
import { Server, type Started } from "./server.ts";

export const ROOT = join(import.meta.dirname, "../../..");
/** This checkout, as the server has it. */
export const TODAY = "/srv/today";
export const DOMAIN = "pool.example.com";

const audited = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    blocks: v.number(),
    conserved: v.literal(true),
    users: v.record(v.string(), v.object({ accepted: v.number(), owed: v.string(), paidOut: v.string() })),
  }),
);

/** Server and folder are there from the first step on. */
export class GuidedPool {
  folder!: string;
  server!: Server;
  /** The operator's address, once it has keys: its miner is paid to it too. */
  fa = "";
  #miner: Started | undefined;

  /** Makes the server, with what is on every one before the guide's first line. */
  async begin(): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), "prosper-guide-"));
    const repository = join(this.folder, "repository");
    mkdirSync(repository);
    makeRepository(repository, release);
    this.server = await Server.begin(this.folder, { [this.folder]: this.folder, [TODAY]: ROOT });
    await this.server.run(
      "root",
      "cat >/usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl",
      readFileSync(join(import.meta.dirname, "systemctl.sh"), "utf8"),
    );
    // What Debian's packages do when they are installed on a server with systemd: PostgreSQL with its own system of trust, and it runs.
    const bin = serverPrograms();
    await this.server.run(
      "root",
      `rm -rf /opt/prosper /etc/prosper /var/lib/prosper /var/cache/prosper /var/backups/prosper
      echo 127.0.0.1 ${DOMAIN} >>/etc/hosts
      git config --system --add safe.directory '*'
      useradd --create-home own; install -d -o own /home/own/bin; ln -s ${TODAY}/infra/launch/prosper.mjs /home/own/bin/prosper
      id -u postgres >/dev/null 2>&1 || useradd --system postgres
      install -d -o postgres /run/postgresql /srv/books; mkdir -p /var/run; [ -e /var/run/postgresql ] || ln -s /run/postgresql /var/run/postgresql`,
    );
    await this.server.run(
      "postgres",
      `${bin}/initdb -D /srv/books --auth-local=peer --auth-host=scram-sha-256 -N >/dev/null
      ${bin}/pg_ctl -D /srv/books -o "-k /run/postgresql" -l /srv/books/log -w start >/dev/null`,
    );
  }

  /** The server may be missing where it could not begin. */
  async end(): Promise<void> {
    await this.server?.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Types a block of the guide; `env`: what the reader was told to know. */
  async follow(heading: string, words: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { who, text } = block(heading, words);
    const known = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
    return this.server.run(who, `${known.join("")}${text}`);
  }

  async audit(): Promise<v.InferOutput<typeof audited>> {
    return v.parse(audited, await this.server.run("prosper", "prosper audit --json"));
  }

  /** The miner's shares in the books. */
  async accepted(): Promise<number> {
    return (await this.audit()).users["you"]?.accepted ?? 0;
  }

  /** So many blocks more than now have been shared out, and the pool is well. */
  async untilMined(blocks: number): Promise<void> {
    const before = (await this.audit()).blocks;
    await until(`${blocks} blocks`, async () => (await this.audit()).blocks >= before + blocks, {
      withinMs: 150_000,
      everyMs: 2_000,
    });
  }

  /** By the pages' own address: through nginx, by a certificate that is believed. */
  async untilReady(): Promise<void> {
    const ask = `curl -fsS --cacert /etc/prosper/tls/cert.pem https://${DOMAIN}/healthz`;
    await until("the pool behind nginx", async () => (await this.server.try("root", ask)).code === 0, {
      withinMs: 120_000,
      everyMs: 500,
    });
  }

  /** An invite code, as the guide has it made. */
  async inviteCode(): Promise<string> {
    return /: (\S+)\n/.exec(await this.follow("Start", "prosper db code"))?.[1] ?? "";
  }

  /** The guide's line for a miner; it registers where it has an invite code. */
  startMining(invite?: string): void {
    const { who, text } = block("Start", "prosper miner");
    const env = [
      "NODE_EXTRA_CA_CERTS=/etc/prosper/tls/cert.pem",
      ...(invite === undefined
        ? []
        : ["PROSPER_PASSWORD=a-password-of-mine", `PROSPER_INVITE=${invite}`, `PROSPER_ADDRESS=${this.fa}`]),
    ];
    const line = invite === undefined ? text.replace(" --register", "") : text;
    this.#miner = this.server.start(
      who,
      `echo $$ >miner.pid\n${env.join(" ")} exec ${line.trim()} --threads 1 --duty 0.3 --json`,
    );
  }

  /** How many shares it sent, and how many it was told are taken. */
  async stopMining(): Promise<{ submitted: number; accepted: number }> {
    const miner = this.#miner;
    if (miner === undefined) throw new Error("no miner was started");
    await this.server.run("own", "kill -INT $(cat miner.pid)");
    expect(await miner.ended, miner.out()).toBe(0);
    const last = (name: string): number =>
      Number([...miner.out().matchAll(new RegExp(`"${name}":(\\d+)`, "g"))].at(-1)?.[1]);
    return { submitted: last("submitted"), accepted: last("accepted") };
  }
}
