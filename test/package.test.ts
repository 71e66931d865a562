/** What a user gets from the registry: the packed tarball, installed in an empty folder with no script run. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { makeFolder } from "./support/repository.ts";

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("the package", () => {
  let files: string[];
  let home: string;
  const installed = () => join(home, "node_modules/expver");

  beforeAll(() => {
    execFileSync("npx", ["tsc", "-p", "tsconfig.build.json"], { cwd: root });
    home = makeFolder("package");
    const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", home], { cwd: root, encoding: "utf8" });
    const [{ filename, files: listed }] = JSON.parse(packed);
    files = listed.map(({ path }: { path: string }) => path);
    writeFileSync(join(home, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional"];
    execFileSync("npm", ["install", ...options, join(home, filename)], { cwd: home, stdio: "pipe" });
    // The one package installed beside the bundle; linked, so that the test needs no registry.
    const scope = join(home, "node_modules/@photostructure");
    if (!existsSync(scope)) symlinkSync(join(root, "node_modules/@photostructure"), scope);
  });

  it("holds the bundle, its types, the manual and the demo's script; no sources, no tests", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        "dist/main.cjs",
        "dist/index.js",
        "dist/types/index.d.ts",
        "docs/demo.svg",
        "schemas/v1.json",
        "skills/expver/SKILL.md",
        "examples/iris/train.js",
      ]),
    );
    const strangers = files.filter(
      (path) =>
        !/^(?:dist|docs|examples|schemas|skills|\.claude-plugin)\/|^(?:package\.json|plugin\.json|\.?mcp\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(
          path,
        ),
    );
    expect(strangers).toEqual([]);
  });

  it("runs where nothing else is installed", () => {
    const bin = join(home, "node_modules/.bin/expver");
    expect(execFileSync(bin, ["--version"], { encoding: "utf8", cwd: home })).toBe(`${version}\n`);
    expect(execFileSync(bin, ["--help"], { encoding: "utf8", cwd: home })).toContain("init");
    const demo = spawnSync(bin, ["demo", "story"], { encoding: "utf8", cwd: home });
    expect(demo.stderr).toContain("accuracy 0.9");
    expect(demo.status).toBe(0);
  });

  it("is a library too: a program logs and reads with it", () => {
    const bin = join(home, "node_modules/.bin/expver");
    const story = join(home, "library");
    mkdirSync(story);
    const env = { ...process.env, GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b" };
    const call = (...args: string[]) =>
      execFileSync(args[0] as string, args.slice(1), { cwd: story, env, encoding: "utf8", stdio: "pipe" });
    call(bin, "init");
    const log =
      'import { track } from "expver"; const t = track({ params: { lr: 0.1 } }); for (const loss of [1, 0.5]) t.log({ loss }); t.close();';
    writeFileSync(join(story, "train.mjs"), log);
    call(bin, "run", "--", "node", "train.mjs");
    const read = `
      import * as expver from "expver";
      const { versions } = await expver.listVersions();
      const { version, metrics } = await expver.showVersion("e0.1.0");
      const [run] = await expver.listRuns();
      const again = await expver.showRun(run.run_id.slice(0, 6));
      const error = await expver.showVersion("e9.9.9").catch((error) => error);
      console.log(JSON.stringify([Object.keys(expver).sort(), versions[0].metrics, version, metrics[0].value, run.params, again.run_id === run.run_id, error instanceof expver.ExpverError && error.code]));`;
    writeFileSync(join(story, "read.mjs"), read);
    expect(JSON.parse(call(process.execPath, "read.mjs"))).toEqual([
      ["ERROR_CODES", "ExpverError", "listRuns", "listVersions", "showRun", "showVersion", "track"],
      { loss: "0.5" },
      "e0.1.0",
      "0.5",
      { lr: "0.1" },
      true,
      "E_NOT_FOUND",
    ]);
  });

  it.each([
    ["with no other types installed", ["--types", ""]],
    ["beside Node's own types", ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"]],
  ])("has types that a strict TypeScript program compiles against, libraries checked, %s", (_, types) => {
    writeFileSync(join(home, "consumer.ts"), CONSUMER);
    const options = [...types, ..."--strict --noEmit --target es2022 --module nodenext --exactOptionalPropertyTypes".split(" ")];
    const compiled = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...options, "consumer.ts"], {
      cwd: home,
      encoding: "utf8",
    });
    expect(compiled.stdout).toBe("");
    expect(compiled.status).toBe(0);
  });

  it("merges data files once DuckDB's native library is there, and says so before", () => {
    for (const [name, row] of [
      ["base.csv", "id,loss\n1,0.5\n"],
      ["more.csv", "id,loss\n2,0.25\n"],
    ] as const)
      writeFileSync(join(home, name), row);
    const merge = () =>
      spawnSync(join(home, "node_modules/.bin/expver"), ["merge", "--base-data", "base.csv", "more.csv", "--yes"], {
        cwd: home,
        encoding: "utf8",
      });
    const refused = merge();
    expect(refused.stderr).toContain("@duckdb/node-bindings could not be loaded: it is not installed");
    expect(refused.status).toBe(1);
    const scope = join(home, "node_modules/@duckdb");
    mkdirSync(scope);
    // A native library that needs what this system lacks.
    const broken = join(scope, "node-bindings");
    mkdirSync(broken);
    writeFileSync(join(broken, "duckdb.node"), "not for this system");
    writeFileSync(join(broken, "index.js"), 'module.exports = require("./duckdb.node");');
    const unloaded = merge();
    expect(unloaded.stderr).toMatch(/could not be loaded: .*duckdb\.node.*\n {2}hint: Install what the message names/);
    expect(unloaded.status).toBe(1);
    rmSync(broken, { recursive: true });
    for (const name of readdirSync(join(root, "node_modules/@duckdb")).filter((one) => one !== "node-api"))
      symlinkSync(join(root, "node_modules/@duckdb", name), join(scope, name));
    expect(merge().stderr).toBe("");
    expect(readFileSync(join(home, "base.csv"), "utf8")).toBe("id,loss\n1,0.5\n2,0.25\n");
  });

  it("keeps results with Node's own SQLite where the package's library cannot be loaded, and says why where Node has none", () => {
    const scope = join(home, "node_modules/@photostructure");
    renameSync(scope, `${scope}.away`);
    const folder = join(home, "unloadable");
    mkdirSync(folder);
    const log = () => {
      const bin = join(home, "node_modules/.bin/expver");
      return spawnSync(bin, ["log", "--db", "rows.db", "loss=1"], { cwd: folder, encoding: "utf8" });
    };
    const absent = log();
    mkdirSync(join(scope, "sqlite"), { recursive: true });
    writeFileSync(join(scope, "sqlite/library.node"), "made for a later system");
    writeFileSync(join(scope, "sqlite/index.js"), 'module.exports = require("./library.node");');
    const broken = log();
    rmSync(scope, { recursive: true });
    renameSync(`${scope}.away`, scope);
    const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
    const hasSqlite = major > 22 || (major === 22 && minor >= 16);
    expect([absent.status, broken.status]).toEqual(hasSqlite ? [0, 0] : [1, 1]);
    expect(absent.stderr).toMatch(hasSqlite ? /^$/ : /E_NO_SQLITE: .*: it is not installed\n/);
    expect(broken.stderr).toMatch(hasSqlite ? /^$/ : /E_NO_SQLITE: .*library\.node/);
  });

  it("names the licences of what is bundled", () => {
    const licences = readFileSync(join(installed(), "dist/LICENSES.txt"), "utf8");
    for (const name of ["@duckdb/node-api", "commander", "js-yaml", "zod"]) expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
  });

  it("starts with a few kilobytes: no parser, no SQLite, no command", () => {
    const version = loaded(["--version"]);
    expect(version.bytes).toBeLessThan(9_000);
    expect(version.native).toEqual([]);
    expect(loaded(["init", "--dry-run"]).native).toEqual([]);
    expect(version.bytes).toBeGreaterThan(1_000); // the measuring sees what is loaded
  });

  /** What one command line loads, by Node's own account: JavaScript in bytes, native libraries by name. */
  function loaded(args: string[]): { bytes: number; native: string[] } {
    const watch = join(home, "watch.mjs");
    writeFileSync(watch, WATCH);
    const main = join(installed(), "dist/main.cjs");
    const { stderr } = spawnSync(process.execPath, ["--import", watch, main, ...args], { encoding: "utf8", cwd: home });
    const scripts = [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, url]) => fileURLToPath(url ?? "")).filter((path) => path !== watch);
    return {
      bytes: scripts.reduce((sum, path) => sum + statSync(path).size, 0),
      native: [...stderr.matchAll(/^native (.*)$/gm)].map(([, path]) => path ?? ""),
    };
  }
});

const CONSUMER = `
import { type ErrorCode, ExpverError, type LoggedRow, listRuns, listVersions, showRun, showVersion, type Track, track } from "expver";
const t: Track = track({ table: "epochs", params: { lr: 1e-5, model: "mlp" } });
const row: LoggedRow = t.log({ loss: 0.5, when: new Date(), big: 2n ** 53n + 1n, note: undefined });
const key: string = row.timestamp + t.trackId;
// @ts-expect-error values are a table of names
t.log("loss");
// @ts-expect-error no such option
track({ db: "results.db" });
const best: string | undefined = (await listVersions({ sort: "accuracy" })).versions[0]?.metrics.accuracy;
const kind: "run" | "sweep" | "merge" | "manual" | null = (await showVersion("e0.1.0", { cwd: "." })).kind;
const params: Record<string, string> | undefined = (await listRuns())[0]?.params;
const status: string = (await showRun()).status;
const codeOf = (error: unknown): ErrorCode | null => (error instanceof ExpverError ? error.code : null);
export { best, codeOf, key, kind, params, status };
`;

const WATCH = `
import { register } from "node:module";
import { writeSync } from "node:fs";
const hooks = \`
import { writeSync } from "node:fs";
export async function load(url, context, next) {
  if (url.startsWith("file:")) writeSync(2, "loaded " + url + "\\\\n");
  return next(url, context);
}\`;
register("data:text/javascript," + encodeURIComponent(hooks));
process.on("exit", () => {
  for (const path of process.report.getReport().sharedObjects) if (path.endsWith(".node")) writeSync(2, "native " + path + "\\n");
});
`;
