/** Times programs side by side: in every round each one runs once, so that a slow moment of the machine meets all of them. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

// Where it is set, Node reads the certificates it names before anything else: 30 ms for those of a whole machine, which are no work of ours.
delete process.env.NODE_EXTRA_CA_CERTS;

/**
 * Answers the milliseconds of every round for each case. A case is `{ name, program, args, cwd, env, before, rounds }`; `before` puts
 * things back as they must be and is not timed. A case with fewer `rounds` sits out the later ones; one with `clock: "cpu"` answers
 * processor time.
 */
export function measure(cases, rounds) {
  const times = new Map(cases.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const one of cases) {
      if (round >= (one.rounds ?? rounds)) continue;
      one.before?.();
      times.get(one.name).push(one.clock === "cpu" ? processorTime(one) : wallTime(one));
    }
  }
  return times;
}

function wallTime(one) {
  const begin = performance.now();
  must(one.program, one.args, one);
  return performance.now() - begin;
}

/** What the program and its children used of the processors: the only fair measure while other programs run too. */
function processorTime({ program, args, cwd, env = process.env }) {
  const script = 'TIMEFORMAT="%U %S"; { time "$@" >/dev/null 2>&1; } 2>&1 || exit 1';
  const [user, system] = must("bash", ["-c", script, "bash", program, ...args], { cwd, env })
    .toString()
    .split(" ")
    .map(Number);
  return (user + system) * 1000;
}

/** Processor seconds and peak of resident memory in MB of the largest process, as GNU time tells them. */
export function usage({ program, args, cwd, env = process.env }) {
  const script = 'set -o pipefail; { command time -f "%U %S %M" "$@" >/dev/null; } 2>&1 | tail -n 1';
  const [user, system, peak] = must("bash", ["-c", script, "bash", program, ...args], { cwd, env })
    .toString()
    .split(" ")
    .map(Number);
  return { cpu: user + system, peak: Math.round(peak / 1000) };
}

/** Runs a program to its end; throws with its words when it fails. */
export function must(program, args, { cwd, env = process.env, input } = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, input, maxBuffer: 2 ** 30 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} (exit ${status}): ${stderr}`);
  return stdout;
}

export function least(times) {
  return Math.min(...times);
}

export function median(times) {
  const sorted = [...times].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Rows of texts as columns; the first column left, the others right. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  ");
  console.log(rows.map(line).join("\n"));
}

export function milliseconds(value) {
  return value === undefined || Number.isNaN(value) ? "-" : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

export function ratio(value, to) {
  return value === undefined || to === undefined ? "-" : (value / to).toFixed(2);
}

/** Whole numbers given as `--name N`, and texts where the default is one. */
export function options(defaults) {
  const shapes = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: "string", default: String(value) }]));
  const { values } = parseArgs({ options: shapes });
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof defaults[name] === "number" ? Number(value) : value]),
  );
}
