/** Two people on one machine, in a group of their own. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { MAIN } from "./command-line.ts";
import { makeFolder } from "./repository.ts";

/** Making people takes root; and they must be able to read the program. */
export const CAN_MAKE_USERS = process.getuid?.() === 0 && hasPrograms("useradd", "groupadd", "userdel", "groupdel", "setpriv");
/** Test files make theirs at the same time. */
const GROUP = `expver${process.pid}`;

export interface Person {
  name: string;
  root(): string;
  write(path: string, text: string): void;
  read(path: string): string;
  /** As this user, with an everyday umask if no other is wanted. */
  run(program: string, ...args: string[]): string;
  data(...args: string[]): string;
  withUmask(umask: string): Person;
}

/** Each with a folder of their own, into which the other may look. `remove`: afterwards. */
export function makePeople(): { group: string; ann: Person; bob: Person; remove: () => void } {
  const [ann, bob] = [makePerson("a"), makePerson("b")];
  must("groupadd", GROUP);
  for (const person of [ann, bob]) {
    must("useradd", "-M", "-N", "-g", GROUP, "-s", "/bin/sh", person.name);
    chmodSync(dirname(person.root()), 0o755);
    must("chown", "-R", `${person.name}:${GROUP}`, person.root());
    person.write(".gitconfig", `[safe]\n\tdirectory = *\n[user]\n\tname = ${person.name}\n\temail = ${person.name}@localhost\n`);
  }
  const remove = () => {
    for (const { name } of [ann, bob]) must("userdel", name);
    must("groupdel", GROUP);
  };
  return { group: GROUP, ann, bob, remove };
}

function makePerson(letter: string): Person {
  const name = `expver${process.pid}${letter}`;
  let folder = "";
  const root = () => {
    if (folder === "") {
      folder = join(makeFolder(`home-${letter}`), "work");
      mkdirSync(folder);
    }
    return folder;
  };
  const runWith = (umask: string, program: string, ...args: string[]) => {
    const script = `umask ${umask}; cd "$0"; exec "$@"`;
    const { status, stdout, stderr } = spawnSync(
      "setpriv",
      [`--reuid=${name}`, `--regid=${GROUP}`, "--init-groups", "sh", "-c", script, root(), program, ...args],
      {
        encoding: "utf8",
        env: {
          PATH: process.env.PATH ?? "",
          HOME: root(),
          GIT_CONFIG_NOSYSTEM: "1",
          GIT_AUTHOR_NAME: name,
          GIT_AUTHOR_EMAIL: `${name}@localhost`,
        },
      },
    );
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: expect.any(String) });
    return stdout;
  };
  const run = (program: string, ...args: string[]) => runWith("022", program, ...args);
  const person: Person = {
    name,
    root,
    write(path, text) {
      const target = join(root(), path);
      run("mkdir", "-p", dirname(target));
      writeFileSync(target, text);
      const { uid, gid } = lstatSync(root());
      chownSync(target, uid, gid);
    },
    read: (path) => readFileSync(join(root(), path), "utf8"),
    run,
    data: (...args) => person.run(process.execPath, MAIN, "data", ...args),
    withUmask(umask) {
      const runs = (program: string, ...args: string[]) => runWith(umask, program, ...args);
      return { ...person, run: runs, data: (...args) => runs(process.execPath, MAIN, "data", ...args) };
    },
  };
  return person;
}

/** Another test file may hold the lock of `/etc/passwd` for a moment, and a process of a user's that has been told to end live on for one. */
export function must(program: string, ...args: string[]): void {
  for (let tries = 50; ; tries -= 1) {
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status === 0) return;
    if (tries === 0 || !/lock|currently used/.test(stderr)) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

function hasPrograms(...names: string[]): boolean {
  return names.every((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0);
}
