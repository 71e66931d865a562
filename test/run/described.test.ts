import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandChange } from "../../src/workflows/describe/command-change.ts";
import { expverInTerminal, python } from "../support/pty.ts";
import type { TestRepository } from "../support/repository.ts";
import { makeExperiment } from "./story.ts";

/** A program whose number is its argument. */
const SCORE = 'require("fs").writeFileSync("metrics.json", JSON.stringify({ accuracy: JSON.parse(process.argv[1]) }))';

function score(accuracy: string, ...options: string[]): string[] {
  return ["run", ...options, "--metrics", "metrics.json", "--", "node", "-e", SCORE.replace("JSON.parse(process.argv[1])", accuracy)];
}

const line = (repo: TestRepository, version: string) => repo.git("tag", "-l", "--format=%(contents:subject)", version);

describe("a run nobody described", () => {
  it("is described by what differs from the version before, to the last digit, and says so", () => {
    const repo = makeExperiment();
    repo.write("data.csv", "a\n1\n");
    expect(repo.expver(["data", "add", "data.csv"]).code).toBe(0);
    const first = repo.expverJson(score("0.1234567890123456789", "--param", "lr=1e-5"));
    expect(first).toMatchObject({ code: 0, data: { description: "first version", proposed: true } });

    repo.write("data.csv", "a\n2\n");
    repo.write("train.js", "// another\n");
    const told = repo.expver(score("0.25", "--param", "lr=1e-4"));
    expect(told.stderr).toContain("proposed; your own words: -m TEXT, or -e");
    const hash = /Data-Hash: (\w{6})/.exec(repo.git("tag", "-l", "--format=%(contents)", "e0.2.0"))?.[1];
    const proposal = "lr 1e-5 → 1e-4, new data in data.csv, changes in train.js: accuracy 0.12345678901234568 → 0.25";
    expect(line(repo, "e0.2.0")).toBe(`lr=1e-4 | accuracy=0.25 | data=${hash} | ${proposal}`);
    expect(repo.git("log", "-1", "--format=%s")).toBe(`e0.2.0: ${proposal}`);
    expect(repo.expverJson(["show", "e0.2.0"]).data.description).toBe(proposal);

    const again = repo.expverJson(score("0.25", "--param", "lr=1e-4"));
    expect(again.data.description).toBe("same code, data and parameters as e0.2.0: same accuracy");
  });

  it("tells arguments of the command apart, and never calls the same what it cannot know", () => {
    const repo = makeExperiment();
    const run = (...words: string[]) =>
      repo
        .expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js", ...words])
        .data.description.replace(": same accuracy", "");
    run("--lr", "0.1", "--deep");
    expect(run("--lr", "0.3", "--deep")).toBe("--lr 0.1 → 0.3");
    expect(run("--lr", "0.3")).toBe("command --deep → (none)");
    expect(run("--lr", "0.3")).toBe("same code, data and parameters as e0.3.0");
    expect(repo.expver(["run", "--no-tag", "--metrics", "metrics.json", "--", "node", "train.js", "--lr", "0.5"]).code).toBe(0);
    expect(repo.expver(["tag"]).code).toBe(0);
    expect(line(repo, "e0.5.0")).toContain("--lr 0.3 → 0.5");
    repo.write("data.csv", "1");
    expect(run("--lr", "0.7")).not.toContain("same");
    // The run was on another machine.
    rmSync(join(repo.root, ".git/expver/runs"), { recursive: true });
    expect(run("--lr", "0.9")).toBe("same code and data as e0.6.0");
  });

  it("what the version before had and this one has not is a difference; what is only called otherwise is no new data", () => {
    const repo = makeExperiment();
    const must = (...args: string[]) => expect(repo.expver(args).code).toBe(0);
    const told = (...options: string[]) => repo.expverJson(score("0.5", ...options)).data.description.replace(": same accuracy", "");
    for (const name of ["a", "b", "c"]) repo.write(`data/${name}.csv`, name);
    must("data", "add", "data/a.csv", "data/b.csv", "data/c.csv");
    repo.commit("data");
    expect(told("--param", "lr=1")).toBe("first version");
    rmSync(join(repo.root, "data/b.csv"));
    must("data", "remove", "data/b.csv.dvc");
    repo.commit("without b");
    expect(repo.expverJson(["advise"]).data).toMatchObject({
      version: { level: "major", reasons: [expect.stringContaining("data/b.csv is gone"), expect.anything()] },
      since: { data: [], goneData: ["data/b.csv"] },
      description: "without data/b.csv",
    });
    expect(told("--param", "lr=1")).toBe("without data/b.csv");
    must("data", "move", "data/a.csv", "data/z.csv");
    repo.commit("a is z");
    expect(told("--param", "lr=1")).toBe("data/a.csv → data/z.csv");
    expect(told()).toBe("lr 1 → (none)");
    expect(told()).toBe("same code, data and parameters as e0.4.0");
    const advised = (version: string) => repo.expverJson(["advise", "description", version]).data.description;
    expect(["e0.2.0", "e0.3.0", "e0.4.0"].map(advised)).toEqual(["without data/b.csv", "data/a.csv → data/z.csv", "lr 1 → (none)"]);
  });

  it("a parameter that the version before did not have is a difference; an empty one is said to be empty", () => {
    const repo = makeExperiment();
    repo.expver(score("0.5"));
    const { data } = repo.expverJson(score("0.5", "--param", "lr=1", "--param", "tag="));
    expect(data.description).toBe("lr 1, tag (empty): same accuracy");
  });

  it("-e without a terminal and without a chosen editor is refused before anything runs", () => {
    const repo = makeExperiment();
    const env = { GIT_EDITOR: "", VISUAL: "", EDITOR: "", TERM: "xterm" };
    const { code, stderr } = repo.expver(["run", "-e", "--", "touch", "ran"], { env });
    expect(code).not.toBe(0);
    expect(stderr).toContain("no terminal for an editor");
    expect(repo.git("tag")).toBe("");
  });

  it("keeps a person's words as they are", () => {
    const repo = makeExperiment();
    const { data } = repo.expverJson(score("0.5", "-m", "a # in it | and more"));
    expect(data).toMatchObject({ description: "a # in it | and more", proposed: false });
    expect(line(repo, "e0.1.0")).toBe("accuracy=0.5 | a # in it | and more");
  });

  it("names no long or many-lined value, and hides secrets", () => {
    const repo = makeExperiment();
    repo.expver(score("0.5", "--param", "prompt=a", "--param", "api_key=one"));
    const { data } = repo.expverJson(score("0.5", "--param", `prompt=${"long ".repeat(20)}`, "--param", "api_key=two"));
    expect(data.description).toBe("another prompt: same accuracy");
  });
});

it("a word that a command line repeats is counted once", () => {
  expect(commandChange("train --seed 1 1", "train --seed 1")).toEqual({ name: "command", before: "1", now: null });
  expect(commandChange("train --seed 1", "train --seed 1 --seed 1")).toEqual({ name: "command", before: null, now: "--seed 1" });
});

describe("--edit", () => {
  const editor = (script: string) => ({ env: { GIT_EDITOR: `sh -c '${script}'` } });

  it("opens Git's editor on the proposal once the numbers are known, and takes what is left in it", () => {
    const repo = makeExperiment();
    const shows = editor('cat "$1" > seen.txt; printf "%s\\n\\n%s\\n# no\\n" "with momentum" "Two lines." > "$1"');
    // `sh -c SCRIPT` takes the file as its own name, so the script gets it once more.
    shows.env.GIT_EDITOR = `f() { ${shows.env.GIT_EDITOR.slice(7, -1)}; }; f`;
    const { code, data } = repo.expverJson(score("0.5", "-e"), shows);
    expect([code, data.description, data.proposed]).toEqual([0, "with momentum\n\nTwo lines.", false]);
    expect(repo.read("seen.txt")).toMatch(/^first version\n\n# The description of e0\.1\.0, run .*\n# {3}accuracy=0\.5 \| …\n/);
    expect(line(repo, "e0.1.0")).toBe("accuracy=0.5 | with momentum");
    expect(repo.git("tag", "-l", "--format=%(contents:body)", "e0.1.0")).toMatch(/^Two lines\.\n\nKind: run/);
  });

  it("takes core.editor where no variable says one, and begins with -m's text", () => {
    const repo = makeExperiment();
    repo.git("config", "core.editor", 'f() { echo second line >> "$1"; }; f');
    const { data } = repo.expverJson(score("0.5", "-e", "-m", "mine"));
    expect(data.description.startsWith("mine\n")).toBe(true);
    expect(line(repo, "e0.1.0")).toBe("accuracy=0.5 | mine");
  });

  it("makes no version of an empty text or a failing editor: the results are committed, the number is free", () => {
    const repo = makeExperiment();
    for (const edits of ["truncate -s 0", "false"]) {
      const { code, error, data } = repo.expverJson(score("0.5", "-e"), { env: { GIT_EDITOR: edits } });
      expect([code, error?.code]).toEqual([1, "E_NO_DESCRIPTION"]);
      expect(data).toMatchObject({ status: "finished", version: null, onBranch: true });
      expect(repo.git("tag", "-l")).toBe("");
      expect(repo.git("for-each-ref", "refs/expver/reserved")).toBe("");
    }
    const run = repo.expverJson(["runs", "list"]).data.runs[0].run_id;
    expect(repo.expverJson(["tag", "-m", "after all", "--run", run]).data).toMatchObject({ version: "e0.1.0", proposed: false });
    expect(line(repo, "e0.1.0")).toBe("accuracy=0.5 | after all");
  });

  it("is refused before the program starts where no editor can be had, and with --detach", () => {
    const repo = makeExperiment();
    const none = { GIT_EDITOR: "", VISUAL: "", EDITOR: "", TERM: "dumb" };
    expect(repo.expverJson(["run", "-e", "--", "touch", "started"], { env: none })).toMatchObject({ code: 1, error: { code: "E_GIT" } });
    expect(repo.expverJson(["run", "-e", "--detach", "--", "touch", "started"])).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
    expect(repo.run("ls", []).stdout).not.toContain("started");
  });

  it.skipIf(python === null)("gives the editor the terminal", () => {
    const repo = makeExperiment();
    const asks = 'f() { test -t 0 && test -t 1 && printf "words? " && read -r words && echo "$words" > "$1"; }; f';
    const { code, lines } = expverInTerminal(repo, score("0.5", "-e"), {
      env: { GIT_EDITOR: asks },
      keys: [["words? ", "typed by hand\r"]],
    });
    expect(code).toBe(0);
    expect(lines.join("\n")).toContain("accuracy=0.5 | typed by hand");
  });
});

describe("tag without a description", () => {
  it("has HEAD's subject, and what differs from the version before", () => {
    const repo = makeExperiment();
    repo.write("params.yaml", "lr: 0.1\n");
    repo.write("expver.yaml", "params: params.yaml\nmetrics: { accuracy: max }\n");
    repo.commit("Start with a step of 0.1");
    expect(repo.expverJson(["tag"]).data).toMatchObject({ description: "Start with a step of 0.1", proposed: true });
    repo.write("params.yaml", "lr: 0.30\n");
    repo.commit("A larger step");
    expect(repo.expver(["tag", "--suggest"]).stdout).toContain("A larger step: lr 0.1 → 0.30");
    expect(repo.expver(["tag"]).stdout).toContain("the description is proposed");
    expect(line(repo, "e0.2.0")).toBe("lr=0.30 | A larger step: lr 0.1 → 0.30");
  });

  it("is written in the editor with -e, and made by nobody who leaves it empty", () => {
    const repo = makeExperiment();
    const { code, error } = repo.expverJson(["tag", "-e"], { env: { GIT_EDITOR: "truncate -s 0" } });
    expect([code, error?.code, repo.git("tag", "-l")]).toEqual([1, "E_NO_DESCRIPTION", ""]);
    const edits = { env: { GIT_EDITOR: "sed -i 's/^start/a fresh start/'" } };
    expect(repo.expverJson(["tag", "-e"], edits).data).toMatchObject({ description: "a fresh start", proposed: false });
    expect(line(repo, "e0.1.0")).toBe("a fresh start");
  });
});

describe("a sweep nobody described", () => {
  it("says how many runs over which parameters, and what else differs", () => {
    const repo = makeExperiment();
    repo.expver(["run", "-m", "one", "--metrics", "metrics.json", "--", "node", "train.js"]);
    repo.write("extra.js", "// more\n");
    const { code, data } = repo.expverJson(["sweep", "--grid", "lr=1,2", "--metrics", "metrics.json", "--", "node", "train.js"]);
    expect(code).toBe(0);
    expect(data.tagLine).toContain("2 runs over lr: changes in extra.js: same accuracy");
  });
});
