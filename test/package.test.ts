/** What a user gets from the registry: the packed tarball, installed in an empty folder with no script run. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
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
      expect.arrayContaining(["dist/main.js", "dist/index.js", "dist/types/index.d.ts", "docs/demo.svg", "examples/iris/train.js"]),
    );
    const strangers = files.filter((path) => !/^(?:dist|docs|examples)\/|^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(path));
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

  it("is a library too", () => {
    const script = 'import { ExpverError } from "expver"; console.log(new ExpverError("E_USAGE", "x").code);';
    expect(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", cwd: home })).toBe("E_USAGE\n");
    expect(existsSync(join(installed(), "dist/types/index.d.ts"))).toBe(true);
  });

  it("starts with a few kilobytes: no parser, no SQLite, no command", () => {
    const version = loaded(["--version"]);
    expect(version.bytes).toBeLessThan(5_000);
    expect(version.native).toEqual([]);
    expect(loaded(["init", "--dry-run"]).native).toEqual([]);
    expect(loaded(["--help"]).bytes).toBeGreaterThan(50_000); // the measuring sees what is loaded
  });

  /** What one command line loads, by Node's own account: JavaScript in bytes, native libraries by name. */
  function loaded(args: string[]): { bytes: number; native: string[] } {
    const watch = join(home, "watch.mjs");
    writeFileSync(watch, WATCH);
    const main = join(installed(), "dist/main.js");
    const { stderr } = spawnSync(process.execPath, ["--import", watch, main, ...args], { encoding: "utf8", cwd: home });
    const scripts = [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, url]) => fileURLToPath(url ?? "")).filter((path) => path !== watch);
    return {
      bytes: scripts.reduce((sum, path) => sum + statSync(path).size, 0),
      native: [...stderr.matchAll(/^native (.*)$/gm)].map(([, path]) => path ?? ""),
    };
  }
});

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
