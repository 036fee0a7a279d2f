import { defineConfig } from "vitest/config";

/** Real pool processes under a shifted clock (libfaketime; the machine's own is never touched): `npm run test:clocks`. Needs Debian and root. */
export default defineConfig({
  test: {
    include: ["test/suites/clocks/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
});
