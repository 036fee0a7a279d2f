import { defineConfig } from "vitest/config";

/** What takes longer than `npm test` may: whole syntheses under cdk-nag, real bundles, and functions started from them: `npm run test:aws`. */
export default defineConfig({
  test: {
    include: ["test/suites/aws/**/*.test.ts", "test/infra/aws/**/*.test.ts"],
    globalSetup: ["test/support/global-postgres.ts"],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
