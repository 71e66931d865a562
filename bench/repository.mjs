/** Repositories with many small files, and the data commands that are measured in them. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "./measure.mjs";

export const MAIN = join(import.meta.dirname, "../dist/main.cjs");
const FOLDERS = 100;

/** One with the files of `BASE/seed` as `data`, and a folder as its remote. `call`: what runs a data command; answers what `measure` takes, by verb. */
export function repository(base, name, { call, link }) {
  const top = join(base, name);
  const cwd = join(top, "work");
  const run = (...args) => ({ ...call(...args), cwd });
  return {
    cwd,
    fresh() {
      rmSync(top, { recursive: true, force: true });
      mkdirSync(cwd, { recursive: true });
      must("git", ["init", "-q"], { cwd });
      must(call("init").program, call("init").args, run("init"));
      mkdirSync(join(cwd, ".dvc"), { recursive: true });
      const cache = link === "" ? "" : `[cache]\n    type = ${link}\n`;
      writeFileSync(join(cwd, ".dvc/config"), `${cache}[core]\n    remote = store\n['remote "store"']\n    url = ${top}/remote\n`);
      must("cp", ["-a", join(base, "seed"), join(cwd, "data")]);
    },
    add: () => run("add", "data"),
    // What was written a moment ago is looked at file by file; nobody is so quick.
    "first status": () => ({ ...run("status"), before: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500) }),
    status: () => run("status"),
    "add again": () => run("add", "data"),
    push: () => run("push"),
    checkout: () => ({ ...run("checkout"), before: () => rmSync(join(cwd, "data"), { recursive: true }) }),
  };
}

/** Every file has its own content. */
export function makeFiles(folder, { files, bytes }) {
  for (let index = 0; index < files; index += 1) {
    const inside = join(folder, `part-${index % FOLDERS}`);
    if (index < FOLDERS) mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, `sample-${index}.txt`), `${index} `.repeat(Math.ceil(bytes / 2)).slice(0, bytes));
  }
}
