// Bundles src/ to dist/ with code splitting, so that a command loads only what it needs.
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: { main: "src/main.ts", index: "src/index.ts" },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "bundle",
  external: ["@photostructure/sqlite", "@duckdb/node-api"],
  banner: {
    // Bundled CommonJS packages call require() for node built-ins.
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  define: { __EXPVER_VERSION__: JSON.stringify(version) },
  legalComments: "linked",
  logLevel: "warning",
});
// What a worker thread runs: one file, and no module of the others, so that a thread starts at once.
await build({
  entryPoints: ["src/platform/worker.ts"],
  outfile: "dist/worker.cjs",
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20.19",
  logLevel: "warning",
});
chmodSync("dist/main.js", 0o755);
