import { defineConfig } from "vitest/config";

/** What takes minutes: every mutation of the simulator. */
export default defineConfig({
  test: {
    include: ["test/suites/mutations/**/*.test.ts"],
    maxWorkers: 1,
    maxConcurrency: 2,
    testTimeout: 20 * 60_000,
  },
});
