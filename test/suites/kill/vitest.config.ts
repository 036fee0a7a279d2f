import { defineConfig } from "vitest/config";

/** Payouts killed at every call they make: `npm run test:kill`, three minutes. */
export default defineConfig({
  test: {
    include: ["test/suites/kill/**/*.test.ts"],
    globalSetup: ["test/support/global-postgres.ts"],
    testTimeout: 180_000,
    hookTimeout: 90_000,
  },
});
