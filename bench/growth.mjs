/** How data commands grow with the number of files: processor time and peak of resident memory. See docs/benchmarks.md. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, options, printTable, usage } from "./measure.mjs";
import { MAIN, makeFiles, repository } from "./repository.mjs";

const { files, bytes, on, also } = options({ files: "62500,125000,250000", bytes: 20, on: "/dev/shm", also: 0 });
const VERBS = ["add", "first status", "status", "push", "checkout"];
// One after the other: each finds what those before it have left.
const FURTHER = ["relink", "pull", "granular", "cloud", "list", "get", "merge", "change", "diff", "other", "undo", "gc", "undo"];

const counts = files.split(",").map(Number);
const measured = counts.map(measureAll);
console.log(`\nfiles of ${bytes} bytes in ${on}; processor seconds, and peak of resident memory in MB`);
const cells = measured.map((verbs) => verbs.map(({ cpu, peak }) => [cpu.toFixed(1), String(peak)]));
printTable([
  ["files", ...VERBS.flatMap((verb) => [verb, "MB"])],
  ...cells.map((row, index) => [String(counts[index]), ...row.slice(0, VERBS.length).flat()]),
]);
if (also) {
  console.log("\nfurther commands, one line each: seconds and MB for each number of files");
  printTable(FURTHER.map((verb, index) => [verb, ...cells.flatMap((row) => row[VERBS.length + index])]));
}

function measureAll(count) {
  const base = mkdtempSync(join(on === "tmp" ? tmpdir() : on, "expver-bench-"));
  try {
    makeFiles(join(base, "seed"), { files: count, bytes });
    const call = (...args) => ({ program: process.execPath, args: [MAIN, "data", ...args] });
    const one = repository(base, "expver", { call, link: "" });
    one.fresh();
    rmSync(join(base, "seed"), { recursive: true });
    const further = furtherOf(one, { base, count });
    return [...VERBS, ...(also ? FURTHER : [])].map((verb) => {
      const command = { cwd: one.cwd, ...(one[verb] ?? further[verb])() };
      command.before?.();
      return usage(command);
    });
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function furtherOf({ cwd }, { base, count }) {
  const call = (...args) => ({ program: process.execPath, args: [MAIN, ...args], cwd });
  const git = (...args) => must("git", ["-c", "user.name=bench", "-c", "user.email=bench@localhost", ...args], { cwd });
  const write = (every, first, text) => {
    for (let index = first; index < count; index += every) {
      const path = join(cwd, `data/part-${index % 100}/sample-${index}.txt`);
      rmSync(path);
      writeFileSync(path, `${text}${index} `.repeat(bytes).slice(0, bytes));
    }
  };
  /** Another state of one in a hundred files, or of all, as a commit. */
  const commit = (name, every = 0, first = 0) => {
    if (every > 0) write(every, first, name);
    if (every > 0) must(process.execPath, [MAIN, "data", "add", "data"], { cwd });
    git("add", "-A");
    git("commit", "-qm", name);
    git("tag", name);
  };
  const go = (...args) => {
    git("checkout", "-q", ...args);
    must(process.execPath, [MAIN, "data", "checkout"], { cwd });
  };
  return {
    relink: () => ({
      ...call("data", "checkout", "--relink"),
      before: () => appendFileSync(join(cwd, ".dvc/config"), "[cache]\n    type = hardlink\n"),
    }),
    pull: () => ({
      ...call("data", "pull"),
      before: () => ["data", ".dvc/cache"].map((path) => rmSync(join(cwd, path), { recursive: true })),
    }),
    granular: () => call("data", "data", "status", "--granular"),
    cloud: () => call("data", "status", "--cloud"),
    list: () => call("data", "list", ".", "-R"),
    get: () => call("data", "get", cwd, "data", "-o", join(base, "got")),
    merge: () => ({
      program: "git",
      args: ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "merge", "-q", "--no-edit", "one"],
      before: () => {
        rmSync(join(base, "got"), { recursive: true });
        must(process.execPath, [MAIN, "init", "--yes"], { cwd });
        commit("start");
        commit("one", 100);
        go("-B", "other", "start");
        commit("two", 100, 1);
      },
    }),
    change: () => ({
      ...call("data", "add", "data"),
      before: () => {
        go("-B", "whole", "start");
        write(1, 0, "whole");
      },
    }),
    diff: () => ({ ...call("data", "diff", "start", "whole"), before: () => commit("whole") }),
    other: () => ({ ...call("data", "checkout"), before: () => git("checkout", "-q", "start") }),
    undo: () => call("undo", "--yes"),
    gc: () => ({ ...call("data", "gc", "-w", "-f"), before: () => git("checkout", "-q", "whole") }),
  };
}
