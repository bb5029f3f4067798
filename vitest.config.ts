import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A second, the default, is little on a machine that is busy.
    expect: { poll: { timeout: 10_000 } },
  },
});
