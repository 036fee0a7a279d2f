import { defineConfig } from "vitest/config";

/** Payouts killed at every call they make: `npm run test:kill`, three minutes. */
export default defineConfig({
  test: {
    include: ["test/**/*-kill.test.ts"],
    globalSetup: ["test/helpers/global-postgres.ts"],
    testTimeout: 180_000,
    hookTimeout: 90_000,
  },
});
