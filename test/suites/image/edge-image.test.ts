import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureUser } from "../../../functions/auth/bootstrap.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { createPollHandler } from "../../../functions/poll/handler.ts";
import { createSourceCache } from "../../../functions/poll/source-cache.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { firstLine, type Program } from "../../../infra/emulator/process.ts";
import { freePort } from "../../../infra/free-port.ts";
import { ensureDevnetKeys } from "../../../infra/pool/devnet-pool.ts";
import { type Postgres, startPostgres } from "../../../infra/pool/embedded-postgres.ts";
import { creditAddress, factoidAddress } from "../../../infra/pool/key-addresses.ts";
import { pollOptions } from "../../../infra/pool/pool-settings.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { migrate } from "../../../shared/db/migrate.ts";
import type { Db } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { isRunnable } from "../../support/optional-suite.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { LedgerMiner, openKernel } from "../../support/processes/ledger-miner.ts";
import { PROJECT } from "../../support/processes/prosper.ts";
import { until } from "../../support/until.ts";
import { build, makeBase, run, start, whyNot } from "./engine.ts";

const BITS = 16;
const TAG = "localhost/prosper-edge:test";
const NAME = `prosper-edge-test-${process.pid}`;
const canRun = isRunnable("test:image", whyNot());

describe.skipIf(!canRun)("the edge's image", () => {
  const folder = temporaryFolder();
  let postgres: Postgres;
  let devnet: Program;
  let port: number;
  const began = performance.now();
  const say = (what: string): void =>
    void process.stdout.write(`   ${((performance.now() - began) / 1000).toFixed(1)} s  ${what}\n`);

  beforeAll(async () => {
    await makeBase(folder);
    say("base image made");
    await build(TAG, PROJECT, join(PROJECT, "edge/Dockerfile"), { LXR_BITS: `${BITS}` });
    say("edge/Dockerfile built");
  });

  afterAll(async () => {
    await run("podman", ["rm", "-f", "-t", "0", NAME]).catch(() => undefined);
    await devnet?.stop();
    await postgres?.stop();
  });

  it("runs as nobody in particular, knows its ports and its health check, and holds the table", async () => {
    const [image] = v.parse(
      v.tuple([
        v.object({
          Size: v.number(),
          Config: v.object({
            User: v.string(),
            ExposedPorts: v.record(v.string(), v.unknown()),
            Entrypoint: v.array(v.string()),
            Volumes: v.record(v.string(), v.unknown()),
            StopSignal: v.optional(v.string()),
          }),
          Healthcheck: v.object({ Test: v.array(v.string()) }),
        }),
      ]),
      JSON.parse(await run("podman", ["image", "inspect", TAG])),
    );
    expect(image.Config.User).toBe("10001:10001");
    expect(Object.keys(image.Config.ExposedPorts)).toEqual(["3333/tcp", "3443/tcp", "7070/tcp"]);
    expect(image.Config.Entrypoint).toEqual([
      "node",
      "--max-semi-space-size=8",
      "/app/infra/container/main.ts",
    ]);
    expect(Object.keys(image.Config.Volumes)).toEqual(["/data"]);
    expect(image.Healthcheck.Test).toEqual(["CMD", "node", "/app/edge/image/health.ts", "7070", "/livez"]);
    say(`the image has ${Math.round(image.Size / 1e6)} MB with a table of ${BITS} bits`);
  });

  it("is the whole pool with a database's address alone: it takes a connection and a share", async () => {
    postgres = await startPostgres({ dir: join(folder, "postgres"), unsafeFast: true });
    const keys = await ensureDevnetKeys(folder, systemRandom);
    const ready = v.object({ event: v.literal("ready"), factomd: v.string(), prices: v.string() });
    const network = await firstLine(
      {
        name: "prosper devnet",
        command: process.execPath,
        args: [
          ...[join(PROJECT, "infra/cli/main.ts"), "devnet", "--json", "--bits", `${BITS}`],
          ...["--block-seconds", "10", "--ec", creditAddress(keys.es)],
        ],
        env: { PATH: process.env["PATH"] ?? "", HOME: homedir() },
      },
      (line) => {
        const parsed = line.startsWith("{") ? v.safeParse(ready, JSON.parse(line)) : undefined;
        return parsed?.success ? parsed.output : undefined;
      },
      60_000,
    );
    devnet = network.program;
    const db = openPg({ url: postgres.url });
    await migrate(db);
    await ensureUser(db, "miner", factoidAddress(keys.miner));
    await poll(db, network.value.prices);
    port = await freePort();
    const webPort = await freePort();
    await start(NAME, TAG, {
      DATABASE_URL: postgres.url,
      PROSPER_ES_ADDRESS: keys.es,
      PROSPER_CONFIG: stringify({
        app: { datadir: "/data", tabledir: "/table" },
        factom: { factomdlocation: network.value.factomd },
        pegnet: { blockperiod: "10s", startheight: 1000, activation: 0, lxrbits: BITS },
        pool: { oprcoinbase: factoidAddress(keys.fs), opridentity: "ImageTest" },
        stratum: { host: "127.0.0.1", stratumport: port },
        web: { host: "127.0.0.1", port: webPort },
        // Tests ask nobody on the net: the prices are there already.
        oracledatasources: { fixedusd: 0 },
      }),
    });
    const logs = (): Promise<string> => run("podman", ["logs", NAME]).catch((error: Error) => error.message);
    await until("a TCP connection", () => takesConnection(port), { withinMs: 60_000, everyMs: 200 }).catch(
      async (error: Error) => {
        throw new Error(`${error.message}\n${await logs()}`);
      },
    );
    say("the container takes connections");
    const check = ["exec", NAME, "node", "/app/edge/image/health.ts"];
    expect(await run("podman", [...check, `${port}`])).toBe("");
    await until(
      "liveness",
      () =>
        run("podman", [...check, `${webPort}`, "/livez"]).then(
          () => true,
          () => false,
        ),
      {
        withinMs: 20_000,
        everyMs: 500,
      },
    );
    await expect(run("podman", [...check, `${webPort}`, "/nothing"])).rejects.toThrow();
    await expect(run("podman", ["exec", NAME, "node", "/app/edge/image/health.ts", "1"])).rejects.toThrow();
    await expect(run("podman", ["exec", NAME, "touch", "/app/x"])).rejects.toThrow(/Read-only file system/);
    expect(await run("podman", ["exec", NAME, "id", "-u"])).toBe("10001");
    // A table of this size is WebAssembly's: the kernel for large ones must load, and koffi.
    const find = `import("/app/shared/hash/native-kernel.ts").then(async ({ findNative }) =>
      console.log(JSON.stringify(await findNative({ setting: process.env.PROSPER_NATIVE }))))`;
    expect(JSON.parse(await run("podman", ["exec", NAME, "node", "-e", find]))).toEqual({
      kind: "found",
      library: "/native/lxr.so",
    });
    await db.close();
    const miner = new LedgerMiner("miner", `127.0.0.1:${port}`, await openKernel(BITS));
    await miner.start();
    await until("an acknowledged share", () => miner.acknowledged > 0, { withinMs: 60_000 }).catch(
      async (error: Error) => {
        throw new Error(`${error.message}\n${await logs()}`);
      },
    );
    say(`${miner.acknowledged} shares are acknowledged`);
    await miner.stop();
  });

  it("hands over and ends by itself on SIGTERM", async () => {
    await run("podman", ["stop", "-t", "60", NAME]);
    const code = await run("podman", ["inspect", "--format", "{{.State.ExitCode}}", NAME]);
    expect(code).toBe("0");
    say("stopped cleanly");
  });
});

/** One poll of the devnet's feed, from outside of the container. */
async function poll(db: Db, feed: string): Promise<void> {
  const overrides = [
    { section: "oracledatasources", key: "fixedusd", value: 0, from: "test" },
    { section: "oracledatasources", key: "devnet", value: 1, from: "test" },
    { section: "pegnet", key: "activation", value: 0, from: "test" },
  ];
  const config = loadConfig("no-file", { required: false, overrides });
  const modules = { db, clock: systemClock, random: systemRandom, logger: SILENT, fetch };
  const handler = createPollHandler(pollOptions(config, { devnet: feed }), {
    ...modules,
    cache: createSourceCache(),
  });
  expect(await handler({}, LOCAL_CONTEXT)).toMatchObject({ kind: "priced" });
}

function takesConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
