/** Commands in hints are pasted where the person stands: their paths must mean there what the message is about. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

const HERE = "my work";

function project(): { repo: TestRepository; paste: (command: string) => string; hintOf: (args: string[]) => string } {
  const repo = makeRepository();
  const bin = makeFolder("bin");
  writeFileSync(join(bin, "expver"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(join(bin, "expver"), 0o755);
  repo.write(`${HERE}/data/t.csv`, "a,b\n");
  repo.expver(["init"]);
  repo.commit("set up");
  const paste = (command: string) => {
    const { code, stdout, stderr } = repo.run("sh", ["-c", command], { cwd: HERE, env: { PATH: `${bin}:${process.env.PATH}` } });
    expect({ command, code, stderr: code === 0 ? "" : stderr }).toEqual({ command, code: 0, stderr: "" });
    return stdout;
  };
  const hintOf = (args: string[]) => {
    const { error, warnings } = repo.expverJson(args, { cwd: HERE });
    return error?.hint ?? warnings[0]?.hint ?? "";
  };
  return { repo, paste, hintOf };
}

it("what a run holds back: tracked, or ignored, by the command that is given", () => {
  const { repo, paste } = project();
  repo.write(`${HERE}/big file.bin`, Buffer.alloc(2 ** 20));
  repo.write(`${HERE}/.env`, "x");
  repo.write(`${HERE}/venv/pyvenv.cfg`, "");
  const held = () =>
    repo
      .expverJson(["run", "--dry-run", "--", "true"], { cwd: HERE })
      .data.steps.filter(({ verb }: { verb: string }) => verb === "hold back")
      .map(({ detail }: { detail: string }) => /(?:expver|echo) .*/.exec(detail)?.[0]);
  const commands = held();
  expect(commands).toHaveLength(3);
  // What is held back will not be in the snapshot, and nobody is told that it will.
  const { warnings } = repo.expverJson(["advise"], { cwd: HERE }).data;
  expect(warnings.filter((one: string) => /big file|venv|\.env/.test(one))).toEqual([
    expect.stringMatching(/^a run leaves .*big file\.bin out: expver data add/),
  ]);
  for (const command of commands) paste(command);
  expect(existsSync(join(repo.root, HERE, "big file.bin.dvc"))).toBe(true);
  expect(existsSync(join(repo.root, HERE, ".gitignore")) && readFileSync(join(repo.root, HERE, ".gitignore"), "utf8")).toBe(
    "/big file.bin\n",
  );
  expect(held()).toEqual([]);
});

it("data that Git has, that has changed, or that is gone", () => {
  const { repo, paste, hintOf } = project();
  const add = ["data", "add", "data/t.csv"];
  paste(hintOf(add).replace(/^[^:]*: /, ""));
  expect(repo.expver(add, { cwd: HERE }).code).toBe(0);
  repo.commit("tracked");
  repo.write(`${HERE}/data/t.csv`, "changed\n");
  const [store = "", back = ""] = hintOf(["tag", "e1.0.0", "-m", "x"]).split("; or put it back: ");
  paste(`${back} --force`);
  expect(repo.read(`${HERE}/data/t.csv`)).toBe("a,b\n");
  repo.write(`${HERE}/data/t.csv`, "changed\n");
  paste(store.replace(/^[^:]*: /, ""));
  rmSync(join(repo.root, HERE, "data/t.csv"));
  paste(hintOf(["run", "--dry-run", "--", "true"]));
  expect(repo.read(`${HERE}/data/t.csv`)).toBe("changed\n");
  rmSync(join(repo.root, HERE, "data/t.csv"));
  const [checkout = "", remove = ""] = hintOf(["data", "commit"]).split("; or stop tracking it: ");
  paste(checkout.replace(/^[^:]*: /, ""));
  paste(remove.replace(/\.$/, ""));
});

it("doctor's remedies", () => {
  const { repo, paste } = project();
  repo.git("rm", "-q", "--cached", `${HERE}/data/t.csv`);
  repo.expver(["data", "add", "data/t.csv"], { cwd: HERE });
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  const { findings } = repo.expverJson(["doctor"], { cwd: HERE }).data;
  const lost = findings.find(({ check }: { check: string }) => check === "lost-objects");
  paste(lost.remedy);
  expect(repo.expverJson(["doctor"], { cwd: HERE }).data.findings).not.toContainEqual(expect.objectContaining({ check: "lost-objects" }));
});
