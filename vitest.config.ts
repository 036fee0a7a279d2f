import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/mainnet/**", "test/slow/**", "test/start/**", "test/aws/**", "test/e2e-aws/**"],
    globalSetup: ["test/helpers/global-postgres.ts"],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
