import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

type Settings = NonNullable<TestProjectInlineConfiguration["test"]>;

/** Made for a whole run: a PostgreSQL in which each test file makes databases of its own. */
const POSTGRES = ["test/support/global-postgres.ts"];
const MINUTE = 60_000;

/**
 * What `npm test` does not run. Each is a project by the name of its npm script: `npm run test:aws` is `vitest run --project test:aws`. They set
 * times far above what anything takes: a machine with other work on it must not fail a test that is right. No test is tried twice.
 */
const SUITES: Record<string, Settings> = {
  /** The product as its users run it: real commands, processes and folders. Each file runs a pool of its own: two at once would measure each other. */
  "test:start": {
    include: [...suite("start"), "test/infra/pool/embedded-postgres.test.ts"],
    maxWorkers: 1,
    testTimeout: 90_000,
    hookTimeout: MINUTE,
  },
  /** What is done seldom and takes its time: backups, the doctor's examinations, migrations of minutes, pages built again, clocks watched, what each route reads of many rows. */
  "test:upkeep": {
    include: [
      "test/functions/api/large-pool.test.ts",
      "test/infra/{backup,doctor}/**/*.test.ts",
      "test/infra/dashboard/open.test.ts",
      "test/shared/db/long-migration.test.ts",
      "test/shared/clock-watch.test.ts",
    ],
    globalSetup: POSTGRES,
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
  /** Many cases of what `npm test` has some of, every command as a process of its own, and what takes its time by the clock. */
  "test:deep": {
    include: [
      "test/bench/main.test.ts",
      "test/bench/generator/generator.test.ts",
      "test/edge/chain/slow-node.test.ts",
      "test/edge/miner/prefixes.test.ts",
      "test/infra/ci-run.test.ts",
      "test/infra/cli/{manual,which-pool}.test.ts",
      "test/infra/cli/network/miner-benchmark.test.ts",
      "test/infra/pool/{cluster-template,self-watch,single-parts}.test.ts",
      "test/shared/audit/prove.test.ts",
      "test/shared/earnings/coverage.test.ts",
      "test/shared/proofs/{many-forgeries,root-chain}.test.ts",
      "test/suites/simulate/schedule.test.ts",
      "test/support/model/model.test.ts",
    ],
    globalSetup: POSTGRES,
    maxWorkers: 2,
    testTimeout: 3 * MINUTE,
    hookTimeout: 90_000,
  },
  /** Payouts step by step on a devnet, and killed at every call they make. */
  "test:payouts": {
    include: [...suite("payouts"), "test/infra/cli/payout/**/*.test.ts"],
    globalSetup: POSTGRES,
    testTimeout: 3 * MINUTE,
    hookTimeout: 90_000,
  },
  /** The last release's own tests over the tables of today. */
  "test:release": {
    include: suite("release"),
    globalSetup: POSTGRES,
    maxWorkers: 1,
    testTimeout: 10 * MINUTE,
    hookTimeout: MINUTE,
  },
  /** The OpenAPI document: a client generated from it, and schemathesis. */
  "test:api": {
    include: suite("api"),
    globalSetup: POSTGRES,
    maxWorkers: 1,
    testTimeout: 2 * MINUTE,
    // Python's packages may have to be installed.
    hookTimeout: 5 * MINUTE,
  },
  /** Bundles and functions started from them, one edge of many, the queue's contract on an emulated SQS, every stage synthesised under cdk-nag. */
  "test:aws": {
    include: [...suite("aws"), "test/infra/aws/**/*.test.ts", "test/infra/pool/fleet-edge.test.ts"],
    globalSetup: POSTGRES,
    maxWorkers: 2,
    testTimeout: 2 * MINUTE,
    hookTimeout: 2 * MINUTE,
  },
  /** The pool deployed to an emulator of AWS by `cdk deploy`, mined and broken; each step builds on the one before. */
  "test:e2e:aws": {
    include: suite("e2e-aws"),
    maxWorkers: 1,
    testTimeout: 3 * MINUTE,
    hookTimeout: 5 * MINUTE,
    bail: 1,
  },
  /** The operator's guide: its commands on a server of their own, and what is shipped for it by the programs that read it. */
  "test:guide": {
    include: suite("guide"),
    maxWorkers: 1,
    testTimeout: 5 * MINUTE,
    // Packages may have to be installed.
    hookTimeout: 5 * MINUTE,
    bail: 1,
  },
  /** The edge's image, built from its own Dockerfile without a container engine and run. */
  "test:image": {
    include: suite("image"),
    maxWorkers: 1,
    testTimeout: 2 * MINUTE,
    hookTimeout: 15 * MINUTE,
    bail: 1,
  },
  /** The native kernels of a release, made for every platform by zig, and run where this machine or an emulator can. */
  "test:kernels": {
    include: suite("kernels"),
    maxWorkers: 1,
    testTimeout: 5 * MINUTE,
    hookTimeout: 10 * MINUTE,
  },
  /** The dashboard's own code in a real browser, against the real web of a pool. */
  "test:browser": {
    include: suite("browser"),
    globalSetup: POSTGRES,
    maxWorkers: 2,
    testTimeout: 6 * MINUTE,
    // A browser may have to be installed.
    hookTimeout: 5 * MINUTE,
  },
  /** Every mutation of the simulator, and those that the strategies must see. */
  "test:mutations": {
    include: suite("mutations"),
    maxWorkers: 1,
    maxConcurrency: 2,
    testTimeout: 20 * MINUTE,
  },
  /** Real processes under a shifted clock; the machine's own is never touched. */
  "test:clocks": {
    include: suite("clocks"),
    maxWorkers: 1,
    testTimeout: 4 * MINUTE,
    hookTimeout: 5 * MINUTE,
  },
  /** Over the real 1 GiB table in ~/.lxrhash. Where it is missing it is made first. */
  "test:mainnet": {
    include: suite("mainnet"),
    maxWorkers: 1,
    testTimeout: 30 * MINUTE,
    hookTimeout: 30 * MINUTE,
  },
};
/** Runs what `npm test` runs too, of everything that is a Lambda or pays: over the RDS Data API, where each call is an HTTP request. */
const DATA_API: Settings = {
  include: [
    ...suite("data-api"),
    "test/shared/db/**/*.test.ts",
    "test/functions/**/*.test.ts",
    "test/infra/cli/payout/{compare,trust}.test.ts",
    "test/infra/cli/books/import.test.ts",
  ],
  globalSetup: POSTGRES,
  provide: { databaseDriver: "data-api" },
  maxWorkers: 2,
  testTimeout: 5 * MINUTE,
  hookTimeout: MINUTE,
};
/** Long, and the same over either driver: price services that stall, days of workers minute by minute, a block with as many names as a user can have, the Go pool's books. */
const BY_DATA_API_ONLY = [
  "test/functions/api/workers.test.ts",
  "test/functions/poll/hostile.test.ts",
  "test/infra/cli/books/import.test.ts",
  "test/shared/db/worker-states.test.ts",
];
/** `npm test`: every test file that no suite has. */
const QUICK: Settings = {
  include: ["test/**/*.test.ts"],
  exclude: [
    ...Object.values(SUITES).flatMap(({ include = [] }) => include),
    ...suite("data-api"),
    ...BY_DATA_API_ONLY,
  ],
  globalSetup: POSTGRES,
  // They wait for PostgreSQL, sockets and processes half of their time.
  maxWorkers: 3,
  testTimeout: 90_000,
  hookTimeout: 90_000,
};
/** The library's own second is too short wherever a machine is busy. */
const POLL = { poll: { timeout: 15_000 } };

export default defineConfig({
  test: {
    projects: Object.entries({ test: QUICK, ...SUITES, "test:data-api": DATA_API }).map(
      ([name, settings]) => ({
        test: { name, expect: POLL, ...settings },
      }),
    ),
  },
});

function suite(folder: string): string[] {
  return [`test/suites/${folder}/**/*.test.ts`];
}
