import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "test/suites/mainnet/**",
      "test/suites/mutations/**",
      "test/suites/start/**",
      "test/suites/aws/**",
      "test/infra/aws/**",
      "test/suites/data-api/cli.test.ts",
      "test/suites/image/**",
      "test/suites/kill/**",
      "test/suites/e2e-aws/**",
      "test/suites/chaos/**",
      "test/suites/fuzz/**",
      "test/load/**",
      "test/suites/clocks/**",
    ],
    globalSetup: ["test/support/global-postgres.ts"],
    maxWorkers: 2,
    // Far above what anything takes: a machine with other work on it must not fail a test that is right.
    testTimeout: 90_000,
    // In CI a test may be run twice: what then passes is reported as flaky, and does not hold up a change.
    retry: process.env["CI"] === "true" ? 1 : 0,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 15_000 } },
  },
});
