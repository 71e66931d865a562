/** How data commands grow with the number of files: processor time and peak of resident memory. See docs/benchmarks.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { options, printTable, usage } from "./measure.mjs";
import { MAIN, makeFiles, repository } from "./repository.mjs";

const { files, bytes, on } = options({ files: "62500,125000,250000", bytes: 20, on: "/dev/shm" });
const VERBS = ["add", "first status", "status", "push", "checkout"];

const counts = files.split(",").map(Number);
const measured = counts.map(measureAll);
console.log(`\nfiles of ${bytes} bytes in ${on}; processor seconds, and peak of resident memory in MB`);
printTable([
  ["files", ...VERBS.flatMap((verb) => [verb, "MB"])],
  ...measured.map((verbs, index) => [String(counts[index]), ...verbs.flatMap(({ cpu, peak }) => [cpu.toFixed(1), String(peak)])]),
]);

function measureAll(count) {
  const base = mkdtempSync(join(on === "tmp" ? tmpdir() : on, "expver-bench-"));
  try {
    makeFiles(join(base, "seed"), { files: count, bytes });
    const call = (...args) => ({ program: process.execPath, args: [MAIN, "data", ...args] });
    const one = repository(base, "expver", { call, link: "" });
    one.fresh();
    rmSync(join(base, "seed"), { recursive: true });
    return VERBS.map((verb) => {
      const command = { cwd: one.cwd, ...one[verb]() };
      command.before?.();
      return usage(command);
    });
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
