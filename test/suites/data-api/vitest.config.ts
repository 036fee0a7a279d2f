import { defineConfig } from "vitest/config";

/** The tests of everything that runs as a Lambda, and of payouts, over the RDS Data API instead of `pg`: `npm run test:data-api`. */
export default defineConfig({
  test: {
    include: [
      "test/shared/db/**/*.test.ts",
      "test/functions/**/*.test.ts",
      "test/suites/data-api/cli.test.ts",
      "test/infra/cli/payout/trust.test.ts",
      "test/infra/cli/payout/compare.test.ts",
    ],
    globalSetup: ["test/support/global-postgres.ts"],
    provide: { databaseDriver: "data-api" },
    maxWorkers: 2,
    // Every call is an HTTP request.
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
