/** Completion as a person meets it: the key pressed in real shells, and what it offers. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { inTerminal, python } from "../support/pty.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;

beforeAll(() => {
  repo = makeRepository();
  repo.write("../bin/expver", `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(join(repo.root, "../bin/expver"), 0o755);
  repo.expver(["init"]);
  repo.expver(["run", "-m", "first \u001b[31mone", "--", "true"]);
  repo.write("expver.yaml", `metrics: { "$(touch PWNED) it's": max }\n`);
  repo.setTime("2099-01-01T00:00:00Z");
  repo.git("tag", "-a", "e0.2.0", "-m", "x\n\nKind: manual\nMetric: val_loss=0.1 min");
  repo.expver(["data", "remote", "add", "-d", "backup", "../store"]);
  repo.write("data/with space.csv", "1");
  repo.write("data/$(touch PWNED).csv", "1");
  repo.write("data/数据.csv", "1");
});

describe("offers", () => {
  const offered = (...words: string[]) =>
    repo
      .expver(["__complete", "--", ...words])
      .stdout.split("\n")
      .filter(Boolean);
  const values = (...words: string[]) => offered(...words).map((line) => line.split("\t")[0]);

  it.each([
    ["commands", ["ru"], ["run", "runs"]],
    ["commands of a group", ["data", "remote", "re"], ["remove", "rename"]],
    ["options", ["list", "--so"], ["--sort"]],
    ["no option twice", ["list", "--tags", "--ta"], []],
    ["hidden options to nobody", ["list", "--db"], []],
    ["versions, the latest first", ["show", "e"], ["e0.2.0", "e0.1.0"]],
    ["a further version", ["diff", "e0.1.0", "e0.2"], ["e0.2.0"]],
    ["the words of a choice", ["worktree", "finish", "x", "--results", "re"], ["rebase"]],
    ["a choice after =", ["merge", "--on-conflict=n"], ["--on-conflict=newest"]],
    ["sweeps, and options behind one", ["sweep", "--resume", "sweep-x", "--parti"], ["--partial"]],
    ["no taken name for a new version", ["tag", "e"], []],
    ["metrics and orders", ["list", "--sort", ""], ["$(touch PWNED) it's", "val_loss", "version", "date"]],
    ["a value after =", ["list", "--sort=val"], ["--sort=val_loss"]],
    ["the same as bash splits it", ["list", "--sort", "=", "val"], ["val_loss"]],
    ["remotes", ["data", "push", "-r", ""], ["backup"]],
    ["remotes by name", ["data", "remote", "remove", "b"], ["backup"]],
    ["shells", ["completion", ""], ["bash", "zsh", "fish"]],
    ["files to the shell", ["data", "add", "da"], [":files"]],
    ["programs to the shell", ["run", "-m", "x", "--", "no"], [":commands"]],
    ["a program's arguments to the shell", ["run", "--", "node", "tr"], [":files"]],
    ["nothing for a message", ["run", "-m", ""], []],
    ["nothing after a wrong word", ["lits", ""], []],
  ])("%s", (_name, words, expected) => {
    expect(values(...words)).toEqual(expected);
  });

  it("runs and operations with what they were", () => {
    expect(offered("runs", "show", "")).toEqual([expect.stringMatching(/^\w+-\w+-\d{4}\tfinished · e0\.1\.0 · first \\u001b\[31mone$/)]);
    expect(offered("undo", "")).toEqual(expect.arrayContaining([expect.stringMatching(/^\d{8}T\d{6}-[0-9a-f]{4}\tinit: set up/)]));
  });

  it("nothing, and says nothing, where there is no repository", () => {
    expect(repo.run(process.execPath, [MAIN, "__complete", "--", "show", ""], { cwd: ".." })).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

/** Each shell shows its line between brackets at Ctrl-G. */
const SHELLS: Record<string, { rc: string; text: string; start: (rc: string) => string[] }> = {
  bash: {
    rc: "../bash/rc",
    text: `PS1='ready> '; bind 'set enable-bracketed-paste off'; bind -x '"\\C-g": echo "[[$READLINE_LINE]]"'; source <(expver completion bash)\n`,
    start: (rc) => ["bash", "--noprofile", "--rcfile", rc, "-i"],
  },
  zsh: {
    rc: "../zsh/.zshrc",
    text: `PS1='ready> '; autoload -U compinit; compinit -u -D; source <(expver completion zsh)
shown() { print -r -- "[[$BUFFER]]" }; zle -N shown; bindkey '^G' shown\n`,
    start: () => ["zsh", "-d", "-i"],
  },
  fish: {
    rc: "../fish/rc.fish",
    text: `function fish_prompt; echo 'ready> '; end; function fish_greeting; end
expver completion fish | source; bind \\cg 'echo "[["(commandline)"]]"'\n`,
    start: (rc) => ["fish", "--no-config", "-i", "-C", `source '${rc}'`],
  },
};

describe.each(Object.entries(SHELLS))("%s", (shell, { rc, text, start }) => {
  const isHere = python !== null && makeRepository().run("sh", ["-c", `command -v ${shell}`]).code === 0;

  it.skipIf(!isHere).each([
    ["a command", "expver sho", "expver show "],
    ["a sub-command", "expver data remote defa", "expver data remote default "],
    ["an option", "expver list --so", "expver list --sort "],
    ["a version", "expver show e0.1", "expver show e0.1.0 "],
    ["a value after =", "expver list --sort=val", "expver list --sort=val_loss "],
    ["a file with a blank in its name", "expver data add data/with", String.raw`expver data add data/with\ space.csv `],
    ["a file after =", "expver get e0.1.0 --out=data/with", String.raw`expver get e0.1.0 --out=data/with\ space.csv `],
    ["a folder of one's own", "expver -C dat", "expver -C data/"],
    ["a file of another script", "expver data add data/数", "expver data add data/数据.csv "],
    ["a file that would like to be a command", "expver data add data/\\$", String.raw`expver data add data/\$\(touch\ PWNED\).csv `],
    ["a metric that would like to be a command", "expver list --sort \\$", String.raw`expver list --sort \$\(touch\ PWNED\)\ it\'s `],
    ["a file of the program", "expver run -- cat expver.y", "expver run -- cat expver.yaml "],
  ])("completes %s", (_name, typed, expected) => {
    repo.write(rc, text);
    const { lines } = inTerminal(repo, start(join(repo.root, rc)), {
      width: 200,
      env: { PATH: `${join(repo.root, "../bin")}:${process.env.PATH}`, ZDOTDIR: join(repo.root, "../zsh") },
      keys: [
        ["ready> ", `${typed}\t\u0007`],
        ["]]", "\u0015exit\r"],
      ],
    });
    expect(lines.join("\n")).toContain(`[[${expected}]]`);
    expect(repo.run("ls", ["-A"]).stdout).not.toContain("PWNED");
  });
});
