/** Random programs of data commands, the same for every repository they are run in. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CommandResult, TestRepository } from "../support/repository.ts";

/** Runs one data command in a repository, with whichever tool. */
export type Data = (repository: TestRepository, args: string[]) => CommandResult;

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
  ["diff", "--json"],
  ["status", "-c", "--json"],
  ["list", ".", "-R", "--json"],
  ["list", ".", "--dvc-only", "--json"],
];

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
    () => command(["push", "-q", ...(random() < 0.3 && tracked.length > 0 ? [pick(tracked)] : [])]),
    () => command(["fetch", "-q"]),
    () => command(["pull", "-q", ...(random() < 0.5 ? ["-f"] : [])]),
    ...repeat(2, () => commit(count)),
    () => switchBranch(pick(["main", "other", "third"]), count),
    () => lose(),
    () => command(["gc", "-q", "-f", pick(["-a", "-A"])]),
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

function command(args: string[]): Step {
  return { says: `dvc ${args.join(" ")}`, run: (repository, data) => ({ codes: [data(repository, args).code] }) };
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
      if (inOrder !== text) repository.write(`${folder}.dvc`, inOrder);
      return { codes: [added, stored] };
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
  const files = [...FILES, ...FOLDERS].map((name) => `${name}.dvc`).concat(".gitignore", "sub/.gitignore");
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
      for (const name of [...FILES, ...FOLDERS])
        if (!existsSync(join(repository.root, `${name}.dvc`))) rmSync(join(repository.root, name), { recursive: true, force: true });
      return { codes: [data(repository, ["checkout", "-q", "-f"]).code] };
    },
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
