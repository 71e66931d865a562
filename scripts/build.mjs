// Bundles src/ to dist/: the library, from which a program loads what it needs; the command line, which is one file (src/platform/compiled-code.ts
// says why) and a small one to load it; and what a worker thread runs, one file too, so that a thread starts at once.
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
rmSync("dist", { recursive: true, force: true });
// DuckDB's JavaScript, many small files, becomes one that is loaded when data is merged; only its native library is a package of its own.
const duckDbBeside = {
  name: "duckdb-beside",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@duckdb\/node-api$/ }, ({ kind }) => (kind === "entry-point" ? null : { path: "./duckdb.cjs", external: true })),
};
const options = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  packages: "bundle",
  external: ["@photostructure/sqlite", "@duckdb/node-bindings"],
  plugins: [duckDbBeside],
  define: { __EXPVER_VERSION__: JSON.stringify(version) },
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
};
const modules = {
  ...options,
  format: "esm",
  // Bundled CommonJS packages call require() for node built-ins.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
};
const library = await build({ ...modules, entryPoints: { index: "src/index.ts" }, outdir: "dist", splitting: true });
const commonJs = {
  ...options,
  format: "cjs",
  // One byte for each character, and fewer of them: read faster. Names stay, for the sake of traces.
  charset: "ascii",
  minifyWhitespace: true,
  minifySyntax: true,
};
const duckDb = await build({ ...commonJs, entryPoints: ["@duckdb/node-api"], outfile: "dist/duckdb.cjs" });
// The program loads it as it is loaded itself: with what V8 made of it the last time.
const duckDbCompiled = {
  name: "duckdb-compiled",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@duckdb\/node-api$/ }, () => ({ path: "duckdb", namespace: "compiled" }));
    const contents = `import { loadBundle } from "./src/platform/compiled-code.ts";
      module.exports = loadBundle(__dirname + "/duckdb.cjs", "${digestOf("dist/duckdb.cjs")}", "duckdb");`;
    onLoad({ filter: /./, namespace: "compiled" }, () => ({ contents, resolveDir: "." }));
  },
};
const program = await build({
  ...commonJs,
  plugins: [duckDbCompiled],
  entryPoints: ["src/program.ts"],
  outfile: "dist/program.cjs",
  // What is loaded on use becomes require().
  supported: { "dynamic-import": false },
  banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
  define: { ...options.define, "import.meta.url": "__url", "import.meta.dirname": "__dirname" },
});
// CommonJS, for which Node has less to load than for a module.
await build({
  ...options,
  entryPoints: ["src/main.ts"],
  outfile: "dist/main.cjs",
  format: "cjs",
  define: { ...options.define, "import.meta.dirname": "__dirname", __EXPVER_BUILD__: JSON.stringify(digestOf("dist/program.cjs")) },
});
await build({ ...options, entryPoints: ["src/platform/worker.ts"], outfile: "dist/worker.cjs", format: "cjs" });
chmodSync("dist/main.cjs", 0o755);

const inputs = [library, program, duckDb].flatMap(({ metafile }) => Object.keys(metafile.inputs));
const packages = new Set(inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
writeFileSync("dist/LICENSES.txt", [...packages].sort().map(licence).join("\n\n"));

/** What tells one build of a bundle from another. */
function digestOf(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 32);
}

/** What a bundled package asks to go with its copies. */
function licence(name) {
  const folder = join("node_modules", name);
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined) throw new Error(`${name} is bundled and has no licence file`);
  const { version: of } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `${name} ${of}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}
