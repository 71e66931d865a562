/** Data commands over many small files: expver, real dvc, and the bare file operations, on one file system. See docs/benchmarks.md. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { least, measure, median, must, options, printTable, ratio } from "./measure.mjs";
import { MAIN, makeFiles, repository } from "./repository.mjs";

const HERE = import.meta.dirname;
const { files, bytes, rounds, ...chosen } = options({
  files: 20_000,
  bytes: 200,
  rounds: 3,
  dvc: 3,
  on: "/dev/shm",
  link: "",
  only: "",
  clock: "wall",
});
const DVC = resolve(process.env.EXPVER_PEERS ?? ".venv-peers", "bin/dvc");
const hasDvc = chosen.dvc > 0 && existsSync(DVC);

for (const place of chosen.on.split(",")) {
  const base = mkdtempSync(join(place === "tmp" ? tmpdir() : place, "expver-bench-"));
  try {
    report(place, bench(base));
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function bench(base) {
  makeFiles(join(base, "seed"), { files, bytes });
  const tools = [expver(base), ...(hasDvc ? [dvc(base)] : []), raw(base, "raw"), raw(base, "safe")];
  const verbs = ["add", "first status", "status", "add again", "push", "checkout"].filter(
    (verb) =>
      chosen.only === "" ||
      verb === "add" ||
      (verb === "first status" && /status|again/.test(chosen.only)) ||
      chosen.only.split(",").includes(verb),
  );
  const results = new Map(verbs.map((verb) => [verb, new Map(tools.map(({ name }) => [name, []]))]));
  for (let round = 0; round < rounds; round += 1) {
    const playing = tools.filter(({ name }) => name !== "dvc" || round < chosen.dvc);
    for (const tool of playing) tool.fresh();
    for (const verb of verbs) {
      const times = measure(
        playing.map((tool) => ({ ...tool, ...tool[verb](), clock: chosen.clock })),
        1,
      );
      for (const [name, some] of times)
        results
          .get(verb)
          .get(name)
          .push(...some);
    }
  }
  return results;
}

function report(place, results) {
  const link = chosen.link === "" ? "" : `, cache.type ${chosen.link}`;
  console.log(`\n${files} files of ${bytes} bytes in ${place}${link}; seconds (${chosen.clock}), ratios of the least times`);
  printTable([
    [
      "",
      "expver min",
      "median",
      "dvc min",
      "median",
      "raw min",
      "median",
      "safe min",
      "median",
      "dvc / expver",
      "expver / raw",
      "expver / safe",
    ],
    ...[...results].map(([verb, times]) => {
      const [ours, theirs, bare, safe] = ["expver", "dvc", "raw", "safe"].map((name) => times.get(name) ?? []);
      const cells = [ours, theirs, bare, safe].flatMap((some) =>
        some.length === 0 ? ["-", "-"] : [seconds(least(some)), seconds(median(some))],
      );
      const theirsLeast = theirs.length === 0 ? undefined : least(theirs);
      return [verb, ...cells, ratio(theirsLeast, least(ours)), ratio(least(ours), least(bare)), ratio(least(ours), least(safe))];
    }),
  ]);
}

function seconds(value) {
  return (value / 1000).toFixed(3);
}

function expver(base) {
  const call = (...args) => ({ program: process.execPath, args: [MAIN, "data", ...args] });
  return { name: "expver", ...repository(base, "expver", { call, link: chosen.link }) };
}

function dvc(base) {
  const env = { ...process.env, DVC_NO_ANALYTICS: "1", DVC_SITE_CACHE_DIR: join(base, "dvc/site") };
  const call = (...args) => ({ program: DVC, args: [...args, "-q"], env });
  return { name: "dvc", ...repository(base, "dvc", { call, link: chosen.link }) };
}

/** `safe`: the same operations, and those that keep the bytes from harm. */
function raw(base, name) {
  const top = join(base, name);
  const [data, store] = [join(top, "data"), join(top, "store")];
  const script = join(HERE, "raw.mjs");
  const run = (verb) => ({
    program: process.execPath,
    args: [script, verb, data, store, ...(/link/.test(chosen.link.replace("reflink", "")) ? ["link"] : []), name],
  });
  return {
    name,
    fresh() {
      rmSync(top, { recursive: true, force: true });
      mkdirSync(store, { recursive: true });
      must("cp", ["-a", join(base, "seed"), data]);
    },
    add: () => run("add"),
    "first status": () => run("status"),
    "add again": () => run("status"),
    status: () => run("status"),
    push: () => run("push"),
    checkout: () => ({ ...run("checkout"), before: () => rmSync(data, { recursive: true }) }),
  };
}
