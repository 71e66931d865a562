/** Pointers that `.dvcignore` leaves out, by their names or with a folder: dvc does not come upon them, and gc keeps what they name. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DVC, makeTwins, objectsBelow, type Twins } from "../support/twins.ts";

const PIPELINE = `stages:
  train:
    cmd: echo 1 > out
    outs: [out]
`;

/** Two pointers that dvc sees, three and a pipeline that it does not. */
function makeLeftOut(): Twins {
  const twins = makeTwins();
  twins.each(({ write }) => {
    for (const path of ["archive/x", "deep/old/x", "deep/y", "top", "hidden"]) write(path, `${path} 1\n`);
    write("archive/dvc.yaml", PIPELINE);
    write("archive/dvc.lock", "schema: '2.0'\nstages:\n  train:\n    cmd: echo 1 > out\n");
  });
  twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
  twins.run(["add", "-q", "archive/x", "deep/old/x", "deep/y", "top", "hidden"]);
  twins.each(({ write, commit }) => {
    write(".dvcignore", "archive/\nhidden.dvc\n");
    write("deep/.dvcignore", "# old ones\nold\n!y\n");
    // Nobody goes in there to read it.
    write("archive/.dvcignore", "!x.dvc\n");
    commit("data");
  });
  return twins;
}

describe.skipIf(DVC === null)("pointers that .dvcignore leaves out", () => {
  it("are not looked at, sent, brought, made or stored unless they are named", () => {
    const twins = makeLeftOut();
    twins.run(["push", "-q"]);
    const sent = [twins.theirs, twins.ours].map(({ root }) => objectsBelow(join(root, "../store")));
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[1]).toHaveLength(2);
    twins.sameJson(["status", "--cloud", "--json"]);
    twins.each(({ write }) => {
      for (const path of ["archive/x", "deep/old/x", "deep/y", "top", "hidden"]) write(path, `${path} 2\n`);
    });
    for (const args of [
      ["status", "--json"],
      ["data", "status", "--json"],
      ["diff", "--json"],
    ])
      twins.sameJson(args);
    twins.sameJson(["data", "status", "--unchanged", "--granular", "--json"]);
    for (const args of [
      ["list", ".", "-R", "--json"],
      ["list", ".", "-R", "--dvc-only", "--json"],
    ])
      twins.sameJson(args);
    twins.run(["commit", "-q", "-f"]);
    for (const file of ["archive/x.dvc", "deep/old/x.dvc", "hidden.dvc", "top.dvc", "deep/y.dvc"])
      expect(twins.ours.read(file), file).toBe(twins.theirs.read(file));
    twins.each(({ root, git }) => {
      git("checkout", "-q", "--", ".");
      for (const path of [".dvc/cache", "archive/x", "deep/old/x", "deep/y", "top", "hidden"])
        rmSync(join(root, path), { recursive: true });
    });
    twins.run(["pull", "-q"]);
    const here = [twins.theirs, twins.ours].map(({ root }) => objectsBelow(join(root, ".dvc/cache")));
    expect(here[1]).toEqual(here[0]);
    expect(twins.ours.run("ls", ["-R"]).stdout).toBe(twins.theirs.run("ls", ["-R"]).stdout);
  });

  it("are there for who names them, and gc keeps what they name: dvc refuses, and removes it", () => {
    const { ours } = makeLeftOut();
    const data = (...words: string[]) => ours.expver(["data", ...words]);
    ours.write("hidden", "changed\n");
    expect(data("status", "hidden.dvc", "--json").stdout).toContain('"hidden": "modified"');
    expect(data("push", "hidden.dvc").code).toBe(0);
    const before = objectsBelow(join(ours.root, ".dvc/cache"));
    expect(data("gc", "-w", "-f").code).toBe(0);
    expect(objectsBelow(join(ours.root, ".dvc/cache"))).toEqual(before);
  });
});
