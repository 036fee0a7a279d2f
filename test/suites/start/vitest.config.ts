import { defineConfig } from "vitest/config";

/** The whole product as its users run it: real commands, real processes, real folders. `npm run test:start`, some minutes. */
export default defineConfig({
  test: {
    include: ["test/suites/start/**/*.test.ts"],
    // Each file runs a pool of its own: two at once would share two cores, and measure each other.
    maxWorkers: 1,
    testTimeout: 90_000,
    // In CI a test may be run twice: what then passes is reported as flaky, and does not hold up a change.
    retry: process.env["CI"] === "true" ? 1 : 0,
    hookTimeout: 60_000,
  },
});
