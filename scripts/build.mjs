// Bundles src/ to dist/: the library, from which a program loads what it needs; the command line, which is one file of many parts
// (src/platform/compiled-code.ts says why) and a small one to load it; and what a worker thread runs, one file too, so that a thread starts at once.
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build, transform } from "esbuild";

const ENTRY = "entry";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
rmSync("dist", { recursive: true, force: true });
const options = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  packages: "bundle",
  external: ["@photostructure/sqlite", "@duckdb/node-bindings"],
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
const compact = {
  // One byte for each character, and fewer of them: read faster. Names stay, for the sake of traces.
  charset: "ascii",
  minifyWhitespace: true,
  minifySyntax: true,
};
// DuckDB's JavaScript, many small files, becomes one that is loaded when data is merged; only its native library is a package of its own.
const duckDb = await bundleOf(
  { stdin: { contents: 'export { DuckDBInstance } from "@duckdb/node-api";', resolveDir: "." } },
  "dist/duckdb.cjs",
);
const duckDbCompiled = {
  name: "duckdb-compiled",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@duckdb\/node-api$/ }, () => ({ path: "duckdb", namespace: "compiled" }));
    const contents = `import { loadBundle } from "./src/platform/compiled-code.ts";
      export const { DuckDBInstance } = loadBundle(__dirname + "/duckdb.cjs", ${JSON.stringify(duckDb.parts)}, "duckdb");`;
    onLoad({ filter: /./, namespace: "compiled" }, () => ({ contents, resolveDir: "." }));
  },
};
// The parser would load what starts programs, for sub-commands that are programs of their own; we have none.
const parserAlone = {
  name: "parser-alone",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes("node_modules/commander/") ? { path: "none", namespace: "none" } : undefined,
    );
    onLoad({ filter: /./, namespace: "none" }, () => ({ contents: "" }));
  },
};
const program = await bundleOf({ plugins: [duckDbCompiled, parserAlone], entryPoints: ["src/program.ts"] }, "dist/program.cjs");
// CommonJS, for which Node has less to load than for a module.
await build({
  ...options,
  entryPoints: ["src/main.ts"],
  outfile: "dist/main.cjs",
  format: "cjs",
  define: { ...options.define, "import.meta.dirname": "__dirname", __EXPVER_PROGRAM__: JSON.stringify(program.parts) },
});
await build({ ...options, entryPoints: ["src/platform/threads/worker.ts"], outfile: "dist/worker.cjs", format: "cjs" });
chmodSync("dist/main.cjs", 0o755);

const inputs = [library, program, duckDb].flatMap(({ metafile }) => Object.keys(metafile.inputs));
const packages = new Set(inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
writeFileSync("dist/LICENSES.txt", [...packages].sort().map(licence).join("\n\n"));

/**
 * One file of parts that are read when they are used (src/platform/compiled-code.ts). esbuild cuts no CommonJS, so it cuts modules, each of
 * which becomes CommonJS then. Answers how the file is cut, and what went into it.
 */
async function bundleOf(chosen, path) {
  const { outputFiles, metafile } = await build({
    ...options,
    ...chosen,
    ...compact,
    format: "esm",
    splitting: true,
    write: false,
    outdir: "dist",
    entryNames: ENTRY,
  });
  const files = outputFiles.filter((file) => file.path.endsWith(".js"));
  const names = files.map((file) => basename(file.path));
  const begin = names.indexOf(`${ENTRY}.js`);
  const order = [begin, ...names.keys()].filter((index, at) => at === 0 || index !== begin);
  const numbers = new Map(order.map((index, number) => [names[index], number]));
  const parts = await Promise.all(order.map(async (index) => functionOf(await commonJsOf(files[index].text), numbers)));
  // "ascii" reaches no regular expression: there a character has to be written as an escape.
  const [strange] = /.{0,60}[^\0-\xff].{0,60}/.exec(parts.join("")) ?? [];
  if (strange !== undefined) throw new Error(`${path} is written with one byte for each character, which does not hold: ${strange}`);
  writeFileSync(path, parts.join(""), "latin1");
  const legal = outputFiles.filter((file) => file.path.endsWith(".LEGAL.txt"));
  if (legal.length > 0) writeFileSync(`${path}.LEGAL.txt`, legal.map(({ text }) => text).join("\n"));
  return { parts: { digest: digestOf(path), lengths: parts.map((part) => part.length) }, metafile };
}

async function commonJsOf(module) {
  const { code } = await transform(module, {
    ...compact,
    format: "cjs",
    target: options.target,
    // What is loaded on use becomes require().
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "__url" },
  });
  return code.includes("__url") ? `const __url=require("node:url").pathToFileURL(__filename).href;${code}` : code;
}

/** What a part imports becomes a function that loads it when it is first wanted: of most commands the most part never is. */
function functionOf(code, numbers) {
  const numbered = code.replace(/\brequire\("\.\/([\w-]+\.js)"\)/g, (_, name) => `require(${numbers.get(name)})`);
  const imports = [];
  const put = numbered.replace(/\b(import_\w+)=require\((\d+|"node:[\w/]+")\)/g, (_, name, id) => {
    imports.push(name);
    return `${name}=__later(${id})`;
  });
  const late = imports.length === 0 ? put : put.replace(new RegExp(`\\b(?:${imports.join("|")})\\b(?!=__later)`, "g"), "($&())");
  return `(function(exports,require,__later,module,__filename,__dirname){${late}})`;
}

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
