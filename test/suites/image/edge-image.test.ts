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
import { readHeader } from "../../support/library-header.ts";
import { isRunnable } from "../../support/optional-suite.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { LedgerMiner, openKernel } from "../../support/processes/ledger-miner.ts";
import { PROJECT } from "../../support/processes/prosper.ts";
import { until } from "../../support/until.ts";
import {
  build,
  filesOf,
  HERE,
  type ImageFile,
  makeBases,
  readFromImage,
  run,
  start,
  whyNot,
} from "./engine.ts";

const BITS = 16;
const TAG = "localhost/prosper-edge:test";
const FOREIGN_TAG = "localhost/prosper-edge:test-arm64";
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
    await makeBases(folder);
    say("base images made");
    await build(TAG, HERE, join(PROJECT, "edge/Dockerfile"), { LXR_BITS: `${BITS}` });
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
    // A table of this size is WebAssembly's: the kernel for large ones must load, and koffi. The image has no compiler.
    const find = `import("/app/shared/hash/native-kernel.ts").then(async ({ findNative }) =>
      console.log(JSON.stringify(await findNative())))`;
    expect(JSON.parse(await run("podman", ["exec", NAME, "node", "-e", find]))).toEqual({
      kind: "found",
      library: `/app/shared/hash/kernel/prebuilt/lxr-linux-${HERE}.so`,
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

/** As AWS wants it: an edge there has an arm64 processor, whatever the machine is that deploys. */
describe.skipIf(!canRun || HERE === "arm64")("the edge's image for arm64, built on x64", () => {
  let files: ReadonlyMap<string, ImageFile>;

  beforeAll(async () => {
    await build(FOREIGN_TAG, "arm64", join(PROJECT, "edge/Dockerfile"), { LXR_BITS: `${BITS}` });
    files = await filesOf(FOREIGN_TAG);
  });

  it("says that it is for arm64, and is set up as the other", async () => {
    const of = async (tag: string) =>
      v.parse(
        v.tuple([v.looseObject({ Architecture: v.string(), Config: v.looseObject({ User: v.string() }) })]),
        JSON.parse(await run("podman", ["image", "inspect", tag])),
      )[0];
    const [foreign, own] = [await of(FOREIGN_TAG), await of(TAG)];

    expect([foreign.Architecture, own.Architecture]).toEqual(["arm64", "amd64"]);
    const { Env, ...config } = own.Config;
    expect(foreign.Config).toMatchObject(config);
    expect(foreign.Config["Env"]).toEqual(expect.arrayContaining(["NODE_ENV=production", "HOME=/data"]));
  });

  it("holds programs and libraries for arm64 only", async () => {
    const libraries = [...files].flatMap(([path, { type }]) =>
      type === "f" && path.startsWith("/app/") && /\.(node|so|dylib|dll)$/.test(path) ? [path] : [],
    );
    expect(libraries.toSorted(byText)).toEqual([
      expect.stringMatching(/^\/app\/node_modules\/@koromix\/koffi-linux-arm64\//),
      expect.stringMatching(/^\/app\/node_modules\/@koromix\/koffi-linux-arm64\//),
      "/app/shared/hash/kernel/prebuilt/lxr-linux-arm64.so",
    ]);
    for (const path of [...libraries, "/usr/local/bin/node"])
      expect(readHeader(await readFromImage(FOREIGN_TAG, path)).arch, path).toBe("arm64");
  });

  it("belongs to root but for the folder of the edge, whom it knows by name", async () => {
    expect(files.get("/data")).toEqual({ type: "d", mode: "0700", owner: "10001:10001" });
    const others = [...files].filter(([path, { owner }]) => path.startsWith("/app") && owner !== "0:0");
    expect(others).toEqual([]);
    expect(files.get("/")).toMatchObject({ owner: "0:0" });
    expect(files.get("/table")).toMatchObject({ type: "d", owner: "0:0" });
    const writable = [...files].filter(
      ([path, { type, mode }]) =>
        path.startsWith("/app") && type !== "l" && (Number.parseInt(mode, 8) & 0o002) !== 0,
    );
    expect(writable).toEqual([]);
    const passwd = (await readFromImage(FOREIGN_TAG, "/etc/passwd")).toString();
    expect(passwd).toContain("edge:x:10001:10001::/data:/usr/sbin/nologin");
    expect((await readFromImage(FOREIGN_TAG, "/etc/group")).toString()).toContain("edge:x:10001:");
  });

  it("has the same files as the other but for what is made for a processor", async () => {
    const named = (all: ReadonlyMap<string, ImageFile>): string[] =>
      [...all.keys()]
        .filter((path) => /^\/(app|table|data)(\/|$)/.test(path))
        .map((path) => path.replaceAll(/arm64|x64/g, "CPU"))
        .sort(byText);

    expect(named(files)).toEqual(named(await filesOf(TAG)));
  });
});

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

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
