import { defineConfig } from "vitest/config";

/** The pool on an emulator of AWS, deployed by `cdk deploy`, mined and broken: `npm run test:e2e:aws`, some four minutes. */
export default defineConfig({
  test: {
    include: ["test/suites/e2e-aws/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // Each step builds on the one before.
    bail: 1,
  },
});
