import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build.ts"],
    pool: "forks",
    // More than the machine has: a third of the time each waits for something.
    maxWorkers: 3,
    // Many times what any of them takes: a machine may stand still for half a minute.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
