/** What goes where: one envelope under --json, nothing raw on a terminal, quiet ends. */
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { expverInTerminal, python } from "../support/pty.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const EVIL = "e\u001b[31mvil\u009b2J\u202e";

function withVersion(): TestRepository {
  const repo = makeRepository();
  repo.commit("first");
  repo.git("tag", "-a", "e0.1.0", "-m", "accuracy=0.9 | a first one");
  return repo;
}

/** A `git` that commits something at its call of this number, as another program might. */
function gitWhereHeadMoves(calls: number): string {
  const folder = makeFolder("bin");
  const script = `#!/bin/sh
echo call >> ${folder}/calls
[ "$(grep -c . ${folder}/calls)" != ${calls} ] || "$REAL_GIT" commit -q --allow-empty -m moved
exec "$REAL_GIT" "$@"
`;
  writeFileSync(join(folder, "git"), script, { mode: 0o755 });
  return folder;
}

it("a plan that no longer holds once it is begun: refused in words", () => {
  const repo = withVersion();
  const [real = ""] = repo.run("sh", ["-c", "command -v git"]).stdout.split("\n");
  const tag = (folder: string, ...options: string[]) =>
    repo.expver(["tag", "e0.2.0", "-d", "second", ...options], { env: { PATH: `${folder}:${process.env.PATH}`, REAL_GIT: real } });
  const counted = gitWhereHeadMoves(0);
  expect(tag(counted, "--dry-run").code).toBe(0);
  const calls = readFileSync(join(counted, "calls"), "utf8").split("\n").length;
  const { code, stderr } = tag(gitWhereHeadMoves(calls));
  expect(stderr).toMatch(/^error E_PLAN_STALE: HEAD has moved since the plan was made/m);
  expect(code).toBe(4);
});

describe("--json prints one envelope and nothing else", () => {
  it.each([
    ["an answer", ["list"], 0, null],
    ["no project", ["-C", "elsewhere", "list"], 1, "E_NOT_FOUND"],
    ["a name that names nothing", ["show", "e9.9.9"], 1, "E_NOT_FOUND"],
    ["an unknown command", ["lits"], 2, "E_USAGE"],
    ["an unknown option", ["list", "--srot", "x"], 2, "E_USAGE"],
    ["a wrong number", ["list", "-n", "x"], 2, "E_USAGE"],
    ["a missing argument", ["run"], 2, "E_USAGE"],
    ["a refusal", ["tag", "e0.1.0"], 4, "E_VERSION_TAKEN"],
    ["dvc's dialect: an unknown command", ["data", "foo"], 254, "E_USAGE"],
    ["dvc's dialect: a missing argument", ["data", "add"], 254, "E_USAGE"],
    ["help of everything", [], 0, null],
    ["help of a command", ["help", "list"], 0, null],
    ["help by option", ["list", "--help"], 0, null],
    ["the version", ["--version"], 0, null],
  ])("%s", (_name, args, code, error) => {
    const answer = withVersion().expverJson(args);
    expect(answer).toMatchObject({ schema: 1, ok: code === 0, code, error: error === null ? null : { code: error } });
    expect(Object.keys(answer).sort()).toEqual(["code", "data", "error", "ok", "schema", "warnings"]);
  });

  it("an option by another tool's name is told ours, where the command has it", () => {
    const hint = (...args: string[]) => withVersion().expverJson(args).error?.hint;
    expect(hint("list", "--filter", "lr > 1")).toBe("It is called --where here.");
    expect(hint("show", "--filter", "lr > 1")).toBe("See `expver show --help`.");
  });

  it("has the plan and the exact command when a plan needs a yes", () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    repo.write("a b.txt", "one");
    repo.expver(["data", "add", "a b.txt"]);
    repo.write("a b.txt", "two");
    const refused = repo.expverJson(["data", "commit", "a b.txt"]);
    expect(refused).toMatchObject({
      ok: false,
      error: { code: "E_CONFIRM" },
      data: { destructive: true, steps: [{ target: "a b.txt" }] },
    });
    const command = String(refused.error?.details.command);
    expect(command).toMatch(/^expver data commit 'a b\.txt' --json --plan [0-9a-f]+$/);
    expect(repo.run("sh", ["-c", command.replace("expver", `'${process.execPath}' '${MAIN}'`)]).code).toBe(0);
  });

  it("shows help as data", () => {
    const repo = makeRepository();
    expect(repo.expverJson(["--version"]).data).toEqual({ version: repo.expver(["--version"]).stdout.trim() });
    expect(repo.expverJson(["data", "--version"]).data).toEqual({ version: "3.67.1" });
    const names = repo.expverJson([]).data.commands.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(["init", "runs list", "data remote add"]));
    const help = repo.expverJson(["help", "list"]).data;
    expect(help).toMatchObject({ name: "list", examples: expect.arrayContaining([{ line: "expver list", does: expect.any(String) }]) });
    expect(help.options.map(({ flags }: { flags: string }) => flags)).not.toContain("--db <path>");
  });

  it("keeps a program's output on stderr", () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    const { stdout, stderr } = repo.expver(["run", "--json", "--", "echo", "from the program"]);
    expect(JSON.parse(stdout).ok).toBe(true);
    expect(stderr).toContain("from the program");
  });
});

describe("nothing from outside reaches the terminal raw", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
  const raw = /\u001b|\u009b|\u202e/;

  it.each([
    ["an error's message", ["show", EVIL]],
    ["a command that is none", [EVIL]],
    ["an option that is none", ["list", `--${EVIL}`]],
    ["a folder that is none", ["-C", EVIL, "list"]],
    ["a plan", ["data", "add", "--dry-run", `${EVIL}.csv`]],
    ["a plan that needs a yes", ["data", "commit"]],
    ["data status", ["data", "status"]],
    ["data data status", ["data", "data", "status"]],
    ["runs list", ["runs"]],
    ["runs show", ["runs", "show"]],
    ["list", ["list"]],
    ["list --tags", ["list", "--tags"]],
    ["show", ["show", "e0.1.0"]],
    ["ops", ["ops"]],
    ["undo --dry-run", ["undo", "--dry-run"]],
    ["doctor", ["doctor"]],
    ["the same as JSON", ["runs", "--json"]],
  ])("%s", (_name, args) => {
    const { stdout, stderr } = evilRepository().expver(args);
    expect(stdout + stderr).not.toBe("");
    expect(stdout + stderr).not.toMatch(raw);
  });

  it.skipIf(python === null)("and a log is shown as words on a terminal, byte for byte in a pipe", () => {
    const repo = evilRepository();
    const text = repo.expver(["runs", "logs"]).stdout;
    expect(text).toBe("1%\r2%\r\u001b[32mdone\u001b[0m \u001b]0;title\u0007end\n");
    const { raw: shown } = expverInTerminal(repo, ["runs", "logs"]);
    expect(shown).toBe("done end\r\n");
  });

  let made: TestRepository | undefined;
  function evilRepository(): TestRepository {
    if (made !== undefined) return made;
    const repo = makeRepository();
    repo.expver(["init"]);
    repo.write(`${EVIL}.csv`, "1");
    repo.expver(["data", "add", `${EVIL}.csv`]);
    const program = 'printf "1%%\\r2%%\\r\\033[32mdone\\033[0m \\033]0;title\\007end\\n"';
    expect(repo.expver(["run", "-m", EVIL, "--param", `a=${EVIL}`, "--", "sh", "-c", program]).code).toBe(0);
    repo.write(`${EVIL}.csv`, "2");
    made = repo;
    return repo;
  }
});

describe("ends", () => {
  it("quietly when the reader goes away", () => {
    const { code, stderr } = withVersion().run("bash", ["-c", `'${process.execPath}' '${MAIN}' list --json | true; exit $PIPESTATUS`]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it.each([
    ["list", 0],
    ["diff --exit-code e0.1.0 HEAD", 5],
    ["show e9.9.9 --json", 1],
    ["show e9.9.9 2>&1", 1],
    ["list --where x=", 2],
  ])("with the code of what it has found, whoever reads it: %s", (words, code) => {
    const repo = withVersion();
    repo.write("a.txt", "a");
    repo.commit("second");
    const command = `'${process.execPath}' '${MAIN}' ${words} | true; exit $PIPESTATUS`;
    expect(repo.run("bash", ["-c", command]).code).toBe(code);
  });

  it("but not a run whose reader goes away: it goes on to its version", async () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    const program = "echo one; while [ ! -e go ]; do sleep 0.02; done; for i in 1 2 3; do echo more; done";
    const child = spawn(process.execPath, [MAIN, "run", "-m", "kept", "--", "sh", "-c", program], {
      cwd: repo.root,
      env: { ...repo.context.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
    await new Promise<void>((done) => child.stderr.on("data", (chunk: Buffer) => chunk.includes("one") && done()));
    child.stderr.destroy();
    child.stdout.destroy();
    repo.write("go", "");
    expect(await ended).toBe(0);
    expect(repo.git("tag")).toBe("e0.1.0");
    expect(repo.expver(["runs", "logs"]).stdout).toBe("one\nmore\nmore\nmore\n");
  });

  it("of a log that is too large for a text is its last part, and says where the rest is", () => {
    const repo = withVersion();
    repo.expver(["init"]);
    repo.expver(["run", "--", "sh", "-c", "echo first"]);
    const { run_id: run } = repo.expverJson(["runs", "show"]).data;
    const log = join(repo.root, ".git/expver/runs", run, "log");
    appendFileSync(log, `${"x".repeat(70 * 1024 * 1024)}last\n`);
    const { code, data, warnings } = repo.expverJson(["runs", "logs"]);
    expect({ code, size: data.text.length, end: data.text.slice(-5) }).toEqual({ code: 0, size: 64 * 1024 * 1024, end: "last\n" });
    expect(warnings).toMatchObject([{ text: "what follows is the last 64 MiB of the log", hint: `All of it: ${log}` }]);
  });

  it("with a failure when there is no room for the answer", () => {
    const { code, stderr } = withVersion().run("sh", ["-c", `'${process.execPath}' '${MAIN}' list > /dev/full`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error E_IO: the output cannot be written/);
  });

  it.skipIf(python === null)("quietly at Ctrl-C where it only looks", () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    repo.expver(["run", "--detach", "--", "sh", "-c", "echo begun; while [ ! -e go ]; do sleep 0.02; done"]);
    const { code, lines } = expverInTerminal(repo, ["runs", "logs", "-f"], { keys: [["begun", "\u0003"]] });
    repo.write("go", "");
    expect(code).toBe(-2);
    expect(lines.join("\n").replace("^C", "").trim()).toBe("begun");
    repo.expver(["runs", "wait"]);
  });
});

describe("an interrupted command", () => {
  // A file long enough for the key to come in time: the work is asked to stop when its first progress has been shown.
  it.skipIf(python === null)("of dvc's dialect ends with dvc's code, and leaves no half-drawn line and nothing half-done", () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    repo.run("truncate", ["-s", "40G", "large.bin"]);
    const { code, lines } = expverInTerminal(repo, ["data", "add", "--no-commit", "large.bin"], { keys: [["hashing data: ", "\u0003"]] });
    expect(code).toBe(252);
    expect(lines.at(-3)).toMatch(/\rerror E_INTERRUPTED: interrupted by SIGINT while hashing data/);
    expect(repo.run("find", [".dvc/cache", "-type", "f"]).stdout).toBe("");
    expect(repo.run("ls", []).stdout).not.toContain("large.bin.dvc");
  });
});

describe("words that are no command", () => {
  it.each([
    ["lits", "Did you mean `expver list`?"],
    ["e0.1.0", "Did you mean `expver show e0.1.0`?"],
    ["runs quiet-otter-0412", "Did you mean `expver runs show quiet-otter-0412`?"],
    ["ops 4f2a", "Did you mean `expver ops show 4f2a`?"],
    ["list --srot x", "Did you mean --sort?"],
    ["list -n x", "See `expver list --help`."],
    ["data import-db", "Use `dvc import-db` meanwhile: its files and cache are these."],
    ["data repro", "Stages are run by `dvc repro`; an experiment by `expver run`."],
    ["data nonsense", "See `expver data --help`."],
  ])("%s", (line, hint) => {
    const repo = openTestRepository(makeFolder());
    const { code, stderr, stdout } = repo.expver(line.split(" "));
    expect(stderr).toContain(`  hint: ${hint}\n`);
    expect({ code, stdout }).toEqual({ code: line.startsWith("data") ? 254 : 2, stdout: "" });
  });
});
