import { defineConfig } from "vitest/config";

/** Tests over the real 1 GiB table in ~/.lxrhash: `npm run test:mainnet`. Where it is missing it is made first, which takes 9 to 15 minutes. */
export default defineConfig({
  test: {
    include: ["test/suites/mainnet/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 30 * 60_000,
    hookTimeout: 30 * 60_000,
  },
});
