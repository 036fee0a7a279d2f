import { defineConfig } from "vitest/config";

/** The edge's image, built from its own Dockerfile without a container engine and run: `npm run test:image`. Needs Debian's packages and root. */
export default defineConfig({
  test: {
    include: ["test/suites/image/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 900_000,
    bail: 1,
  },
});
