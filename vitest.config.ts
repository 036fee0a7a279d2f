import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "test/mainnet/**",
      "test/slow/**",
      "test/start/**",
      "test/aws/**",
      "test/infra/aws/**",
      "test/infra/cli/data-api.test.ts",
      "test/image/**",
      "test/**/*-kill.test.ts",
      "test/e2e-aws/**",
      "test/chaos/**",
      "test/fuzz/**",
      "test/load/**",
      "test/clocks/**",
    ],
    globalSetup: ["test/helpers/global-postgres.ts"],
    maxWorkers: 2,
    // Far above what anything takes: a machine with other work on it must not fail a test that is right.
    testTimeout: 90_000,
    // In CI a test may be run twice: what then passes is reported as flaky, and does not hold up a change.
    retry: process.env["CI"] === "true" ? 1 : 0,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 15_000 } },
  },
});
