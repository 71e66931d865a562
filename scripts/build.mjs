// Bundles src/ to dist/: the library, from which a program loads what it needs; the command line, which is one file (src/platform/compiled-code.ts
// says why) and a small one to load it; and what a worker thread runs, one file too, so that a thread starts at once.
import { createHash } from "node:crypto";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
rmSync("dist", { recursive: true, force: true });
const options = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  packages: "bundle",
  external: ["@photostructure/sqlite", "@duckdb/node-api"],
  define: { __EXPVER_VERSION__: JSON.stringify(version) },
  legalComments: "linked",
  logLevel: "warning",
};
const modules = {
  ...options,
  format: "esm",
  // Bundled CommonJS packages call require() for node built-ins.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
};
await build({ ...modules, entryPoints: { index: "src/index.ts" }, outdir: "dist", splitting: true });
await build({
  ...options,
  entryPoints: ["src/program.ts"],
  outfile: "dist/program.cjs",
  format: "cjs",
  // What is loaded on use becomes require().
  supported: { "dynamic-import": false },
  // One byte for each character, and fewer of them: read faster. Names stay, for the sake of traces.
  charset: "ascii",
  minifyWhitespace: true,
  minifySyntax: true,
  banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
  define: { ...options.define, "import.meta.url": "__url", "import.meta.dirname": "__dirname" },
});
const digest = createHash("sha256").update(readFileSync("dist/program.cjs")).digest("hex").slice(0, 32);
await build({
  ...modules,
  entryPoints: ["src/main.ts"],
  outfile: "dist/main.js",
  define: { ...options.define, __EXPVER_BUILD__: JSON.stringify(digest) },
});
await build({ ...options, entryPoints: ["src/platform/worker.ts"], outfile: "dist/worker.cjs", format: "cjs" });
chmodSync("dist/main.js", 0o755);
