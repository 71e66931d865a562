/** Random programs of data commands, the same for every repository they are run in. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { md5Of } from "../../src/platform/hashing.ts";
import { type CommandResult, openTestRepository, type TestRepository } from "../support/repository.ts";
import { objectsBelow, runDvc } from "../support/twins.ts";

/** Runs one data command in a repository, with whichever tool. `killedAt`: once to there before, if the tool can be killed. */
export type Data = (repository: TestRepository, args: string[], killedAt?: number) => CommandResult;

export interface Step {
  /** For the transcript of a program that failed. */
  says: string;
  /** Does it in one repository; answers what must be the same: exit codes, and the JSON of commands that only look. */
  run(repository: TestRepository, data: Data): { codes: number[]; json?: string };
}

const FILES = ["a", "b.bin", "sub/c"];
const FOLDERS = ["d", "sub/e f"];
const MEMBERS = ["x", "y z", "n/w", "n/ü"];
const READS = [
  ["status", "--json"],
  ["data", "status", "--granular", "--unchanged", "--json"],
  ["data", "status", "--not-in-remote", "--json"],
  ["data", "status", "--untracked-files", "--json"],
  ["diff", "--json"],
  ["diff", "HEAD~1", "--json"],
  ["diff", "HEAD~1", "HEAD", "--json"],
  ["status", "-c", "--json"],
  ["list", ".", "-R", "--json"],
  ["list", ".", "--dvc-only", "--json"],
];

/** Settings that make other repositories of the same programs. */
const SETTINGS: [string, string][][] = [
  [],
  [],
  [["cache.type", "hardlink"]],
  [["cache.type", "symlink"]],
  [["core.autostage", "true"]],
  [["cache.type", "hardlink,symlink"]],
];

/** Sets a repository up, the same way for the same number. */
export function settle(repository: TestRepository, data: Data, seed: number): void {
  // An absolute path: dvc takes a relative one of an old commit for one from the root of the machine.
  data(repository, ["remote", "add", "-q", "-d", "--local", "store", join(repository.root, "../store")]);
  for (const [key, value] of SETTINGS[seed % SETTINGS.length] ?? []) data(repository, ["config", "-q", key, value]);
  fill(repository);
  renewSource(repository, 0);
}

/** Something to begin with. */
export function fill(repository: TestRepository): void {
  for (const name of FILES) repository.write(name, name);
  for (const name of FOLDERS) for (const member of MEMBERS) repository.write(`${name}/${member}`, `${name}${member}`);
}

/** The next step, chosen by what is in `seen`; the other repository is the same. */
export function nextStep(seen: TestRepository, random: () => number, count: number): Step {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const has = (path: string) => existsSync(join(seen.root, path));
  const names = [...FILES, ...FOLDERS];
  const there = names.filter(has);
  const tracked = names.filter((name) => has(`${name}.dvc`));
  const here = tracked.filter(has);
  const members = FOLDERS.filter((folder) => here.includes(folder)).flatMap((folder) => MEMBERS.map((member) => `${folder}/${member}`));
  const killedAt = random() < 0.2 ? 1 + Math.floor(random() * 40) : undefined;
  const command = (args: string[]) => commandOf(args, killedAt);
  const free = names.filter((name) => !has(name) && !has(`${name}.dvc`));
  const kinds: (() => Step | null)[] = [
    ...repeat(3, () => write(pick(FILES), `${count}`.repeat(1 + Math.floor(random() * 5)))),
    ...repeat(4, () => write(`${pick(FOLDERS)}/${pick(MEMBERS)}`, `m${count}`)),
    () => (there.length > 0 ? erase(pick(there)) : null),
    () => {
      const inside = FOLDERS.flatMap((folder) => MEMBERS.map((member) => `${folder}/${member}`)).filter(has);
      return inside.length > 0 ? erase(pick(inside)) : null;
    },
    ...repeat(4, () => command(["add", "-q", pick(there.length > 0 ? there : names)])),
    ...repeat(2, () => {
      const folders = FOLDERS.filter((folder) => has(folder) && has(`${folder}.dvc`));
      return folders.length > 0 ? addMember(pick(folders), pick(MEMBERS)) : null;
    }),
    // With all of them, one missing is where the two part: dvc stores the others, expver nothing.
    () => (tracked.length > 0 && tracked.every(has) ? command(["commit", "-q", "-f"]) : null),
    () => (tracked.length > 0 ? command(["commit", "-q", "-f", `${pick(tracked)}.dvc`]) : null),
    () => (tracked.length > 0 ? command(["remove", "-q", "--outs", `${pick(tracked)}.dvc`]) : null),
    ...repeat(2, () => (tracked.length > 0 ? move(pick(tracked), free) : null)),
    ...repeat(2, () =>
      command(["checkout", "-q", ...(random() < 0.5 ? ["-f"] : []), ...(random() < 0.3 && tracked.length > 0 ? [pick(tracked)] : [])]),
    ),
    () => (members.length > 0 ? command(["checkout", "-q", "-f", pick(members)]) : null),
    () => command(["push", "-q", ...(random() < 0.3 && tracked.length > 0 ? [pick(tracked)] : [])]),
    () => command(["fetch", "-q", ...(random() < 0.3 && tracked.length > 0 ? [pick(tracked)] : [])]),
    () => command(["pull", "-q", ...(random() < 0.5 ? ["-f"] : [])]),
    () => (members.length > 0 ? bringMember(pick(["push", "fetch"]), pick(members), command) : null),
    () => (here.length > 0 ? command(["unprotect", "-q", pick(here)]) : null),
    () => (there.length > 0 ? addLater(pick(there)) : null),
    // What fits one name: of several dvc takes them as the folder happens to list them.
    () => command(["add", "-q", "--glob", pick(["[a-c]", "sub/?", "sub/e ?", "*.bin"])]),
    () => (has("imported") || has("imported.dvc") ? command(["update", "-q", "imported.dvc"]) : bringIn()),
    () => (has("plain.txt.dvc") ? command(["update", "-q", "plain.txt.dvc"]) : command(["import", "-q", "../source", "plain.txt"])),
    () => changeSource(count),
    () => stage(count),
    () => tag(count),
    ...repeat(2, () => commit(count)),
    () => switchBranch(pick(["main", "other", "third"]), count),
    () => lose(),
    () => collect(pick(["-a", "-A", "-aT"])),
    ...repeat(5, () => look(pick(READS))),
  ];
  for (;;) {
    const step = pick(kinds)();
    if (step !== null) return step;
  }
}

function repeat<T>(times: number, one: T): T[] {
  return Array.from({ length: times }, () => one);
}

function write(path: string, text: string): Step {
  return {
    says: `mkdir -p '${dirname(path)}' && printf %s ${text} > '${path}'`,
    run(repository) {
      // What stands where a folder must be is left alone, and so is a folder where a file should be.
      const folder = join(repository.root, dirname(path));
      if (existsSync(folder) && !statSync(folder).isDirectory()) return { codes: [] };
      const target = join(repository.root, path);
      if (existsSync(target) && statSync(target).isDirectory()) return { codes: [] };
      // Not through a link: that would change the object.
      rmSync(target, { force: true });
      repository.write(path, text);
      return { codes: [] };
    },
  };
}

function erase(path: string): Step {
  return {
    says: `rm -rf '${path}'`,
    run(repository) {
      rmSync(join(repository.root, path), { recursive: true, force: true });
      return { codes: [] };
    },
  };
}

function commandOf(args: string[], killedAt?: number): Step {
  const says = `dvc ${args.join(" ")}`;
  return {
    says: killedAt === undefined ? says : `${says} (killed at its ${killedAt}. change, then once more)`,
    run: (repository, data) => ({ codes: [data(repository, args, killedAt).code] }),
  };
}

function look(args: string[]): Step {
  return {
    says: `dvc ${args.join(" ")}`,
    run(repository, data) {
      const { code, stdout } = data(repository, args);
      return { codes: [code], json: stdout };
    },
  };
}

/**
 * One file of a tracked folder. dvc leaves the folder's size out of the pointer then, expver keeps it right: so the folder is stored after
 * it, and the size, which dvc adds at the end, put back to its place.
 */
function addMember(folder: string, member: string): Step {
  const path = `${folder}/${member}`;
  return {
    says: `dvc add -q '${path}'; dvc commit -q -f '${folder}.dvc'`,
    run(repository, data) {
      const added = data(repository, ["add", "-q", path]).code;
      const stored = existsSync(join(repository.root, folder)) ? data(repository, ["commit", "-q", "-f", `${folder}.dvc`]).code : 0;
      const text = repository.read(`${folder}.dvc`);
      const inOrder = text.replace(/^(- md5: .*\n)([\s\S]*? {2}path: .*\n)( {2}size: .*\n)/m, "$1$3$2");
      const isStaged =
        repository.git("diff", "--name-only", "--", `${folder}.dvc`) === "" && repository.git("ls-files", "--", `${folder}.dvc`) !== "";
      if (inOrder !== text) repository.write(`${folder}.dvc`, inOrder);
      if (isStaged) repository.git("add", "--", `${folder}.dvc`);
      return { codes: [added, stored] };
    },
  };
}

/**
 * One file of a tracked folder. dvc sends the folder's listing with it, and takes that for all of the folder from then on: so the whole
 * folder goes before.
 */
function bringMember(verb: string, member: string, command: (args: string[]) => Step): Step {
  const folder = FOLDERS.find((one) => member.startsWith(`${one}/`)) ?? "";
  const [first, one] = [commandOf([verb, "-q", folder]), command([verb, "-q", member])];
  if (verb === "fetch") return one;
  return {
    says: `${first.says}; ${one.says}`,
    run: (repository, data) => ({ codes: [first, one].flatMap((step) => step.run(repository, data).codes) }),
  };
}

/** Stored at once after it: dvc's checkout deletes what is tracked but not stored, though it is as it should be. */
function addLater(path: string): Step {
  return {
    says: `dvc add -q --no-commit '${path}'; dvc status --json; dvc commit -q -f '${path}.dvc'`,
    run(repository, data) {
      const added = data(repository, ["add", "-q", "--no-commit", path]).code;
      const { code, stdout } = data(repository, ["status", "--json"]);
      return { codes: [added, code, data(repository, ["commit", "-q", "-f", `${path}.dvc`]).code], json: stdout };
    },
  };
}

/** To a free name of the same kind, or somewhere it cannot go. Committed first: dvc's move stores changed bytes, expver's reads nothing. */
function move(from: string, free: readonly string[]): Step {
  const kind = FOLDERS.includes(from) ? FOLDERS : FILES;
  const args = ["move", "-q", from, free.find((name) => kind.includes(name)) ?? "nowhere/x"];
  return {
    says: `dvc commit -q -f '${from}.dvc'; dvc ${args.join(" ")}`,
    run: (repository, data) => ({
      codes: [
        existsSync(join(repository.root, from)) ? data(repository, ["commit", "-q", "-f", `${from}.dvc`]).code : 0,
        data(repository, args).code,
      ],
    }),
  };
}

/** A folder that DVC tracks there, sometimes as it was at first. */
function bringIn(): Step {
  return commandOf(["import", "-q", "../source", "data", "-o", "imported"]);
}

function changeSource(count: number): Step {
  return {
    says: "change what is imported",
    run(repository) {
      renewSource(repository, count);
      return { codes: [] };
    },
  };
}

/** Objects of everything that can be imported: what dvc keeps of them in its cache follows no rule that others need. */
export function importable({ root }: TestRepository): Set<string> {
  const versions = Array.from({ length: 1000 }, (_, count) => md5Of(Buffer.from(`plain.txt ${count}`)));
  return new Set([
    ...objectsBelow(join(root, "../source/.dvc/cache/files")),
    ...versions.map((md5) => `md5/${md5.slice(0, 2)}/${md5.slice(2)}`),
  ]);
}

/** A repository beside each twin with the same bytes and commits, made by dvc. No folder in a folder: of an import dvc stores the listing of each. */
function renewSource(beside: TestRepository, count: number): void {
  const root = join(beside.root, "../source");
  const isNew = !existsSync(root);
  if (isNew) mkdirSync(root);
  const source = openTestRepository(root, beside.context.env as Record<string, string>);
  source.setTime(new Date(Date.UTC(2026, 1, 1) + count * 1000).toISOString());
  if (isNew) {
    source.git("init", "-q", "-b", "main");
    runDvc(source, ["init", "-q"]);
  }
  for (const name of ["data/x", "data/y", `data/${count}`, "plain.txt"]) source.write(name, `${name} ${count}`);
  runDvc(source, ["add", "-q", "data"]);
  source.commit(`${count}`);
}

/** What a pipeline has made, as real dvc notes it: the other tool carries its outputs about. */
function stage(count: number): Step {
  return {
    says: `dvc.yaml with outputs made/ and model.bin of ${count}; real dvc commits them`,
    run(repository) {
      const outs = ["made", "model.bin"];
      for (const out of outs) rmSync(join(repository.root, out), { recursive: true, force: true });
      for (const path of ["made/one", "made/two", "model.bin"]) repository.write(path, `${path} ${count % 4}`);
      repository.write("dvc.yaml", `stages:\n  make:\n    cmd: echo\n    outs:\n    - made\n    - model.bin\n`);
      return { codes: [runDvc(repository, ["commit", "-q", "-f", "dvc.yaml"]).code] };
    },
  };
}

function tag(count: number): Step {
  return {
    says: `git tag t${count}`,
    run(repository) {
      repository.git("tag", `t${count}`);
      return { codes: [] };
    },
  };
}

function commit(count: number): Step {
  return {
    says: `git add pointers && git commit -m ${count}`,
    run(repository) {
      commitPointers(repository, String(count));
      return { codes: [] };
    },
  };
}

/** Data that nobody tracks yet stays out of Git. */
function commitPointers(repository: TestRepository, message: string): void {
  const pointers = [...FILES, ...FOLDERS, "imported", "plain.txt"].map((name) => `${name}.dvc`);
  const files = pointers.concat(".gitignore", "sub/.gitignore", "dvc.yaml", "dvc.lock");
  repository.git("add", "-u");
  const there = files.filter((file) => existsSync(join(repository.root, file)));
  if (there.length > 0) repository.git("add", "--", ...there);
  repository.git("commit", "-q", "--allow-empty", "-m", message);
}

/** dvc's checkout deletes data that no pointer of the new branch names; that is ours to do here, as expver's never does. */
function switchBranch(branch: string, count: number): Step {
  return {
    says: `git commit, git checkout ${branch}, rm data without pointer, dvc checkout -f`,
    run(repository, data) {
      commitPointers(repository, `before ${count}`);
      const known = repository.git("branch", "--list", branch) !== "";
      repository.git("checkout", "-q", ...(known ? [] : ["-b"]), branch);
      const has = (path: string) => existsSync(join(repository.root, path));
      for (const name of [...FILES, ...FOLDERS, "imported", "plain.txt", "made", "model.bin"])
        if (!has(`${name}.dvc`) && !(has("dvc.lock") && ["made", "model.bin"].includes(name)))
          rmSync(join(repository.root, name), { recursive: true, force: true });
      return { codes: [data(repository, ["checkout", "-q", "-f"]).code] };
    },
  };
}

/** dvc also drops what was imported, as it can be had again. */
function collect(scope: string): Step {
  return {
    says: `dvc gc -q -f ${scope}; dvc fetch -q ${scope}`,
    run: (repository, data) => ({
      codes: [
        ["gc", "-q", "-f", scope],
        ["fetch", "-q", scope],
      ].map((args) => data(repository, args).code),
    }),
  };
}

/** Only when everything is on the remote: what dvc does with data that is gone is another matter. */
function lose(): Step {
  return {
    says: "dvc push -A, rm -r .dvc/cache, dvc fetch -A",
    run(repository, data) {
      const push = data(repository, ["push", "-q", "-A"]).code;
      const cache = join(repository.root, ".dvc/cache/files");
      if (push !== 0 || !existsSync(cache) || readdirSync(cache).length === 0) return { codes: [push] };
      rmSync(cache, { recursive: true });
      return { codes: [push, data(repository, ["fetch", "-q", "-A"]).code] };
    },
  };
}
