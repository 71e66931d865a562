// `npm run demo`: builds when the build is missing or older than the sources, then plays the demo in a fresh folder.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = join(import.meta.dirname, "..");
if (isStale()) run("scripts/build.mjs");
run("dist/main.cjs", "demo", process.argv[2] === undefined ? join(mkdtempSync(join(tmpdir(), "demo-")), "iris") : resolve(process.argv[2]));

function isStale() {
  const built = statSync(join(root, "dist/main.cjs"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return sources.some((name) => statSync(join(root, "src", name)).mtimeMs > built);
}

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], { stdio: "inherit", cwd: root });
  if (status !== 0) process.exit(status ?? 1);
}
