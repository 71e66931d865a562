/** How long the command line takes to start, against Node itself. See docs/benchmarks.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { least, measure, median, milliseconds, must, options, printTable, ratio } from "./measure.mjs";

const { rounds, clock } = options({ rounds: 30, clock: "wall" });
const MAIN = join(import.meta.dirname, "../dist/main.cjs");
const cwd = mkdtempSync(join(tmpdir(), "expver-bench-"));
try {
  must("git", ["init", "-q"], { cwd });
  const expver = (...args) => ({ name: `expver ${args.join(" ")}`, program: process.execPath, args: [MAIN, ...args], cwd, clock });
  const bare = { name: "node -e 0", program: process.execPath, args: ["-e", "0"], cwd, clock };
  const cases = [bare, expver("--version"), expver("--help"), expver("list")];
  measure(cases, 2); // fills the compile cache
  const times = measure(cases, rounds);
  const base = times.get(bare.name);
  printTable([
    ["", "min ms", "median ms", "min / node", "median / node"],
    ...[...times].map(([name, some]) => [
      name,
      milliseconds(least(some)),
      milliseconds(median(some)),
      ratio(least(some), least(base)),
      ratio(median(some), median(base)),
    ]),
  ]);
} finally {
  rmSync(cwd, { recursive: true, force: true });
}
