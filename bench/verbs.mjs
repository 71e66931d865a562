/** Every data command that looks at or moves files, over one tree: expver and real dvc side by side. See docs/benchmarks.md. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { least, measure, must, options, printTable, ratio } from "./measure.mjs";
import { MAIN, makeFiles, repository } from "./repository.mjs";

const { files, bytes, rounds, on, link, only, clock } = options({
  files: 1000,
  bytes: 1000,
  rounds: 3,
  on: "/dev/shm",
  link: "",
  only: "",
  clock: "wall",
});
const DVC = resolve(process.env.EXPVER_PEERS ?? ".venv-peers", "bin/dvc");
if (!existsSync(DVC)) throw new Error(`no dvc at ${DVC}: name its virtual environment in EXPVER_PEERS`);

const base = mkdtempSync(join(on === "tmp" ? tmpdir() : on, "expver-bench-"));
try {
  makeFiles(join(base, "seed"), { files, bytes });
  const tools = [expver(), dvc()].map((tool) => ({ ...tool, cases: casesOf(tool) }));
  const names = tools[0].cases.map(({ name }) => name);
  const times = new Map(names.map((name) => [name, tools.map(() => [])]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { fresh } of tools) fresh();
    for (const name of names) {
      const playing = tools.map((tool) => ({ ...tool.cases.find((one) => one.name === name), name: tool.name, clock }));
      const measured = measure(playing, 1);
      for (const [index, tool] of tools.entries()) times.get(name)[index].push(...measured.get(tool.name));
    }
  }
  console.log(`\n${files} files of ${bytes} bytes in ${on}${link && `, cache.type ${link}`}; least seconds (${clock}) of ${rounds} rounds`);
  printTable([
    ["", "expver", "dvc", "dvc / expver"],
    ...[...times]
      .filter(([name]) => only === "" || only.split(",").includes(name))
      .map(([name, [ours, theirs]]) => [name, seconds(ours), seconds(theirs), ratio(least(theirs), least(ours))]),
  ]);
} finally {
  rmSync(base, { recursive: true, force: true });
}

function seconds(times) {
  return (least(times) / 1000).toFixed(3);
}

function expver() {
  const call = (...args) => ({ program: process.execPath, args: [MAIN, "data", ...args] });
  return { name: "expver", call, ...repository(base, "expver", { call, link }) };
}

function dvc() {
  const env = { ...process.env, DVC_NO_ANALYTICS: "1", DVC_SITE_CACHE_DIR: join(base, "dvc/site") };
  const call = (...args) => ({ program: DVC, args, env });
  return { name: "dvc", call, ...repository(base, "dvc", { call, link }) };
}

/** One after the other: each finds what those before it have left. */
function casesOf({ name, cwd, call }) {
  const top = join(base, name);
  const git = (...args) => must("git", ["-c", "user.name=bench", "-c", "user.email=bench@localhost", ...args], { cwd });
  const commit = (tag) => {
    git("add", "-A");
    git("commit", "-qm", tag);
    git("tag", tag);
  };
  const remove = (...paths) => {
    for (const path of paths) rmSync(join(cwd, path), { recursive: true, force: true });
  };
  /** Another content for one file in `every`. */
  const change = (every, text) => {
    for (let index = 0; index < files; index += every) {
      const path = join(cwd, `data/part-${index % 100}/sample-${index}.txt`);
      rmSync(path);
      writeFileSync(path, `${text}${index} `.repeat(Math.ceil(bytes / 2)).slice(0, bytes));
    }
  };
  const cases = [];
  const add = (title, args, before) => cases.push({ name: title, cwd, ...call(...args), ...(before && { before }) });
  add("add", ["add", "data"]);
  add("push", ["push"], () => commit("one"));
  add("push, nothing to do", ["push"]);
  add("fetch", ["fetch"], () => remove(".dvc/cache"));
  add("fetch, nothing to do", ["fetch"]);
  add("pull", ["pull"], () => remove(".dvc/cache", "data"));
  add("pull, nothing to do", ["pull"]);
  add("checkout, nothing to do", ["checkout"]);
  add("checkout --relink", ["checkout", "--relink"]);
  add("status --cloud", ["status", "--cloud"]);
  add("data status --granular", ["data", "status", "--granular"]);
  add("data status, 1 % changed", ["data", "status", "--granular", "--json"], () => change(100, "x"));
  add("status, 1 % changed", ["status"]);
  add("diff, 1 % changed", ["diff", "--json"]);
  add("commit -f, 1 % changed", ["commit", "-f"]);
  add("add, all changed", ["add", "data"], () => change(1, "y"));
  add("diff A B, all changed", ["diff", "one", "two", "--json"], () => commit("two"));
  add("checkout, all other", ["checkout"], () => git("checkout", "-q", "one", "--", "data.dvc"));
  add("push --all-commits", ["push", "-A"]);
  add("gc -w", ["gc", "-w", "-f"]);
  add("gc -w -c", ["gc", "-w", "-c", "-f"]);
  add("list -R", ["list", ".", "-R"]);
  add("list -R --json --rev", ["list", cwd, "-R", "--json", "--rev", "one"]);
  add("get", ["get", cwd, "data", "-o", join(top, "got")]);
  add("get-url", ["get-url", join(top, "got"), join(top, "got-url")]);
  add("import-url", ["import-url", join(top, "got"), "imported-url"]);
  add("update, nothing new", ["update", "imported-url.dvc"]);
  add("import", ["import", join(top, "other"), "data", "-o", "imported"], () => {
    must("git", ["clone", "-q", "-b", "one", cwd, join(top, "other")]);
    writeFileSync(join(top, "other/.dvc/config"), `[core]\n    remote = store\n['remote "store"']\n    url = ${top}/remote\n`);
    must(call("push").program, call("push").args, { ...call("push"), cwd });
  });
  add("unprotect", ["unprotect", "data"]);
  add("move", ["move", "data", "moved"]);
  add("remove --outs", ["remove", "--outs", "moved.dvc"]);
  for (const args of [["root"], ["version"], ["config", "-l"], ["remote", "list"], ["cache", "dir"], ["doctor"]]) add(args.join(" "), args);
  add("check-ignore", ["check-ignore", "notes.tmp"], () => writeFileSync(join(cwd, ".dvcignore"), "*.tmp\n"));
  add("destroy", ["destroy", "-f"]);
  add("init", ["init", "-f"]);
  return cases;
}
