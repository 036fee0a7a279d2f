/** The guide's "What you need first", "Install" and "Configure", with a Factom network of the server's own. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import * as v from "valibot";
import { expect } from "vitest";
import { until } from "../../../support/until.ts";
import { type GuidedPool, ROOT, TODAY } from "../guided-pool.ts";
import { block } from "../page.ts";
import type { Server } from "../server.ts";

const BLOCK_SECONDS = 4;

export async function install(pool: GuidedPool): Promise<void> {
  const { server } = pool;
  pool.fa = /^FA {2}(FA\w+)/m.exec(await pool.follow("What you need first", "prosper keys"))?.[1] ?? "";
  const { who, text } = block("Install", "git clone");
  const [before = "", after = ""] = text.split(/^(?=prosper --version$)/m);
  await server.run(who, `export PROSPER_REPOSITORY=${pool.folder}/repository\n${before}`);
  // Packages come from a registry, which this server cannot reach: they are those of this checkout.
  await server.run(
    "root",
    `mkdir /opt/prosper/node_modules; mount --bind ${TODAY}/node_modules /opt/prosper/node_modules`,
  );
  expect(await server.run(who, after)).toMatch(/^\d+\.\d+\.\d+\n$/);
  await pool.follow("Install", "createuser");
}

/** The operator's file is the shipped one, with the rehearsal's settings of docs/testing.md and the keys of this pool. */
export async function configure(pool: GuidedPool): Promise<void> {
  const { server } = pool;
  const [fs = "", es = ""] = (await server.run("own", "cat pool.keys")).split("\n");
  expect(fs).toMatch(/^Fs/);
  const node = server.start(
    "own",
    `exec prosper devnet --port 8088 --feed-port 8089 --block-seconds ${BLOCK_SECONDS} --rivals 5 --rival-hashes 3000 --ec ${await creditAddress(server)} --json`,
  );
  await until("the devnet", () => node.out().includes('"ready"'), { withinMs: 60_000 });

  await pool.follow("Configure", "install -D");
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
  config["pool"] = { ...config["pool"], oprcoinbase: pool.fa, esaddress: es, opridentity: "Guide" };
  config["pegnet"] = { ...config["pegnet"], blockperiod: `${BLOCK_SECONDS}s` };
  const byTwo = { ...config, pool: { ...config["pool"], twoadministrators: true } };
  await server.run("prosper", `cat >${file}; cp ${file} alone.toml`, stringify(config));
  await server.run("prosper", `cat >${file}`, stringify(byTwo));
  await pool.follow("Configure", "db migrate");
}

async function creditAddress(server: Server): Promise<string> {
  const out = await server.run(
    "own",
    `cd ${TODAY}; node_modules/node-linux-*/bin/node --input-type=module -e '
        const { creditAddress } = await import("${TODAY}/infra/pool/key-addresses.ts");
        const { readFileSync } = await import("node:fs");
        console.log(creditAddress(readFileSync("/home/own/pool.keys", "utf8").split("\\n")[1]))'`,
  );
  return out.trim();
}

const value = v.union([v.string(), v.number(), v.boolean()]);

function sections(text: string): Record<string, Record<string, v.InferOutput<typeof value>>> {
  return v.parse(v.record(v.string(), v.record(v.string(), value)), parse(text));
}
