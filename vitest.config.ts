import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build.ts"],
    pool: "forks",
    maxWorkers: 2,
    // Many times what any of them takes: a machine may stand still for half a minute.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
