/** Every data command that looks at or moves files, over one tree: expver, real dvc and the bare file operations side by side. See docs/benchmarks.md. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { least, measure, must, options, printTable, ratio } from "./measure.mjs";
import { MAIN, makeFiles, repository } from "./repository.mjs";

const { files, bytes, rounds, on, link, only, clock, safe } = options({
  files: 1000,
  bytes: 1000,
  rounds: 3,
  on: "/dev/shm",
  link: "",
  only: "",
  clock: "wall",
  safe: "",
});
const RAW = join(import.meta.dirname, "raw.mjs");
/** What is left of a command that has no files to look at. */
const START = { program: process.execPath, args: ["-e", "0"] };
// Longer than whole seconds can tell apart.
const SETTLED_MS = 2300;
const DVC = resolve(process.env.EXPVER_PEERS ?? ".venv-peers", "bin/dvc");
if (!existsSync(DVC)) throw new Error(`no dvc at ${DVC}: name its virtual environment in EXPVER_PEERS`);

const base = mkdtempSync(join(on === "tmp" ? tmpdir() : on, "expver-bench-"));
try {
  makeFiles(join(base, "seed"), { files, bytes });
  const tools = [expver(), dvc(), bare()].map((tool) => ({ ...tool, cases: tool.cases ?? casesOf(tool) }));
  const names = Object.keys(tools[0].cases);
  const times = new Map(names.map((name) => [name, tools.map(() => [])]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { fresh } of tools) fresh();
    for (const name of names) {
      const playing = tools.map(({ name: tool, cases }) => {
        const one = cases[name] ?? START;
        return { ...one, name: tool, clock, before: () => settleAfter(one.before) };
      });
      const measured = measure(playing, 1);
      for (const [index, tool] of tools.entries()) times.get(name)[index].push(...measured.get(tool.name));
    }
  }
  console.log(
    `\n${files} files of ${bytes} bytes in ${on}${link && `, cache.type ${link}`}${safe && ", bare checks and syncs"}; least seconds (${clock}) of ${rounds} rounds`,
  );
  printTable([
    ["", "expver", "dvc", "bare", "dvc / expver", "expver / bare"],
    ...[...times]
      .filter(([name]) => only === "" || only.split(",").includes(name))
      .map(([name, [ours, theirs, raw]]) => [
        name,
        ...[ours, theirs, raw].map(seconds),
        ratio(least(theirs), least(ours)),
        ratio(least(ours), least(raw)),
      ]),
  ]);
} finally {
  rmSync(base, { recursive: true, force: true });
}

/** On a disk nobody pays for what another has written. */
function settleAfter(preparing) {
  preparing?.();
  must("sync", ["-f", base]);
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

function bare() {
  const top = join(base, "bare");
  const [data, store] = [join(top, "data"), join(top, "store")];
  return {
    name: "bare",
    fresh() {
      rmSync(top, { recursive: true, force: true });
      mkdirSync(store, { recursive: true });
      must("cp", ["-a", join(base, "seed"), data]);
    },
    cases: bareCases(top, { data, store }),
  };
}

function bareCases(top, { data, store }) {
  const flags = [...(/link/.test(link.replace("reflink", "")) ? ["link"] : []), ...(safe === "" ? [] : ["safe"])];
  const raw = (verb, from = data, to = store) => ({ program: process.execPath, args: [RAW, verb, from, to, ...flags] });
  const keep = (from, to) => copyFileSync(join(store, from), join(store, to));
  const removed =
    (...paths) =>
    () => {
      for (const path of paths) rmSync(path, { recursive: true, force: true });
    };
  /** The objects, not the listing. */
  const emptied = () => {
    renameSync(join(store, "listing"), join(top, "kept"));
    rmSync(store, { recursive: true });
    mkdirSync(store);
    renameSync(join(top, "kept"), join(store, "listing"));
  };
  return {
    add: raw("add"),
    push: raw("push"),
    "push, nothing to do": raw("present"),
    "push, nothing again": raw("present"),
    fetch: { ...raw("fetch"), before: emptied },
    "fetch, nothing to do": raw("present"),
    "fetch, nothing again": raw("present"),
    pull: {
      ...raw("pull"),
      before() {
        emptied();
        removed(data)();
      },
    },
    "pull, nothing to do": raw("status"),
    "pull, nothing again": raw("status"),
    "checkout, nothing to do": raw("status"),
    "checkout, nothing again": raw("status"),
    "checkout --relink": raw("replace"),
    "status --cloud": raw("present"),
    "status --cloud, again": raw("present"),
    "data status --granular": raw("status"),
    "data status, 1 % changed": {
      ...raw("readChanged"),
      before() {
        writeFileSync(join(store, "listing-since"), "");
        change(data, 100, "x");
      },
    },
    // What has been read once need not be read again.
    "status, 1 % changed": raw("status"),
    "diff, 1 % changed": raw("status"),
    "commit -f, 1 % changed": raw("storeChanged"),
    "add, all changed": {
      ...raw("add"),
      before() {
        keep("listing", "listing-before");
        change(data, 1, "y");
      },
    },
    "diff A B, all changed": raw("compare"),
    "checkout, all other": {
      ...raw("replace"),
      before() {
        keep("listing", "listing-after");
        keep("listing-before", "listing");
      },
    },
    "push --all-commits": { ...raw("push"), before: () => keep("listing-after", "listing") },
    "gc -w": { ...raw("collect"), before: () => keep("listing-before", "listing") },
    "gc -w -c": { ...raw("collect", data, `${store}-remote`), before: () => keep("listing", "../store-remote/listing") },
    "list -R": raw("list"),
    "list -R --json --rev": raw("list"),
    get: raw("copyTree", data, join(top, "got")),
    "get-url": raw("copyTree", join(top, "got"), join(top, "got-url")),
    "import-url": { ...raw("importUrl", join(top, "got"), join(top, "imported")), before: () => mkdirSync(join(top, "imported")) },
    "update, nothing new": raw("look", join(top, "got")),
    import: {
      ...raw("pull", join(top, "other-data"), join(top, "other")),
      before() {
        mkdirSync(join(top, "other"));
        keep("listing", "../other/listing");
        renameSync(`${store}-remote`, join(top, "other-remote"));
      },
    },
    unprotect: raw("look"),
    move: raw("move"),
    "remove --outs": raw("remove", `${data}-moved`),
    destroy: raw("remove", store),
  };
}

/** Another content for one file in `every`. */
function change(data, every, text) {
  for (let index = 0; index < files; index += every) {
    const path = join(data, `part-${index % 100}/sample-${index}.txt`);
    rmSync(path);
    writeFileSync(path, `${text}${index} `.repeat(Math.ceil(bytes / 2)).slice(0, bytes));
  }
}

/** One after the other: each finds what those before it have left. */
function casesOf({ name, cwd, call }) {
  const top = join(base, name);
  const data = join(cwd, "data");
  const git = (...args) => must("git", ["-c", "user.name=bench", "-c", "user.email=bench@localhost", ...args], { cwd });
  const commit = (tag) => {
    git("add", "-A");
    git("commit", "-qm", tag);
    git("tag", tag);
  };
  const remove = (...paths) => {
    for (const path of paths) rmSync(join(cwd, path), { recursive: true, force: true });
  };
  const cases = {};
  const add = (title, args, before) => {
    cases[title] = { cwd, ...call(...args), ...(before && { before }) };
  };
  /** Once before, of files that nobody has written for a while: what is remembered of these is worth the most. */
  const again = (title, args) =>
    add(title, args, () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLED_MS);
      const { program, args: all, env } = call(...args);
      for (let time = 0; time < 2; time += 1) must(program, all, { cwd, env });
    });
  add("add", ["add", "data"]);
  add("push", ["push"], () => commit("one"));
  add("push, nothing to do", ["push"]);
  again("push, nothing again", ["push"]);
  add("fetch", ["fetch"], () => remove(".dvc/cache"));
  add("fetch, nothing to do", ["fetch"]);
  again("fetch, nothing again", ["fetch"]);
  add("pull", ["pull"], () => remove(".dvc/cache", "data"));
  add("pull, nothing to do", ["pull"]);
  again("pull, nothing again", ["pull"]);
  add("checkout, nothing to do", ["checkout"]);
  again("checkout, nothing again", ["checkout"]);
  add("checkout --relink", ["checkout", "--relink"]);
  add("status --cloud", ["status", "--cloud"]);
  again("status --cloud, again", ["status", "--cloud"]);
  add("data status --granular", ["data", "status", "--granular"]);
  add("data status, 1 % changed", ["data", "status", "--granular", "--json"], () => change(data, 100, "x"));
  add("status, 1 % changed", ["status"]);
  add("diff, 1 % changed", ["diff", "--json"]);
  add("commit -f, 1 % changed", ["commit", "-f"]);
  add("add, all changed", ["add", "data"], () => change(data, 1, "y"));
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
