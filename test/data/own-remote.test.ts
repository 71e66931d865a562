/** Outputs that are bound to a remote of their own, by `remote:` in the pointer. */
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { countGit } from "../support/git-counter.ts";
import { makeRepository } from "../support/repository.ts";
import { DVC, makeTwins, objectsBelow } from "../support/twins.ts";

/** One output for the default remote, a file and a folder for another. */
function makeBound() {
  const twins = makeTwins();
  twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
  twins.run(["remote", "add", "-q", "Own", "../own"]);
  twins.each(({ write }) => {
    write("plain", "1\n");
    write("bound", "2\n");
    write("folder/x", "3\n");
  });
  twins.run(["add", "-q", "plain", "bound", "folder"]);
  twins.each(({ read, write, commit }) => {
    for (const file of ["bound.dvc", "folder.dvc"]) write(file, `${read(file)}  remote: own\n`);
    commit("bound");
  });
  return twins;
}

it("what is not to be pushed is not", () => {
  const repository = makeRepository();
  const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  const store = join(repository.root, "../store");
  must("init", "-q");
  must("remote", "add", "-d", "store", store);
  for (const name of ["public", "private"]) repository.write(name, name);
  must("add", "-q", "public", "private");
  repository.write("private.dvc", `${repository.read("private.dvc")}  push: false\n`);
  must("push", "-q");
  expect(objectsBelow(store).map((name) => basename(name))).toEqual([md5Of(Buffer.from("public")).slice(2)]);
});

const ASKED = [[], ["-r", "store"], ["-r", "Own"]];

describe.skipIf(DVC === null)("an output that is bound to a remote", () => {
  it("is pushed there, looked for there, and comes from there", () => {
    const twins = makeBound();
    twins.run(["push", "-q"]);
    twins.agree();
    for (const asked of ASKED) {
      twins.sameJson(["data", "status", "--not-in-remote", "--granular", "--json", ...asked]);
      expect(twins.ours.expver(["data", "status", "--cloud", "--json", "bound", "folder", ...asked]).stdout).toBe("{}\n");
    }
    twins.sameJson(["status", "--cloud", "--json"]);
    twins.each(({ root }) => {
      for (const path of ["bound", "folder", "plain", ".dvc/cache"]) rmSync(join(root, path), { recursive: true });
    });
    for (const asked of [["-r", "store"], []]) {
      twins.run(["fetch", "-q", ...asked]);
      twins.agree();
    }
    twins.run(["checkout", "-q"]);
    twins.agree();
  });

  it("is missed there, and there only, when it is not", () => {
    const twins = makeBound();
    twins.run(["push", "-q"]);
    twins.each(({ root }) => rmSync(join(root, "../own"), { recursive: true }));
    const said = (asked: string[]) => JSON.parse(twins.ours.expver(["data", "status", "--cloud", "--json", ...asked]).stdout);
    const lacking = { bound: "new", folder: "new", "folder/x": "new" };
    expect(said([])).toEqual(lacking);
    expect(said(["-r", "store"])).toEqual({});
    expect(said(["-r", "Own"])).toEqual({ ...lacking, plain: "new" });
    for (const asked of ASKED) twins.sameJson(["data", "status", "--not-in-remote", "--granular", "--json", ...asked]);
  });

  it("does not keep others from theirs when its remote is none, or does not answer", () => {
    const twins = makeBound();
    const { expver, write, read, root } = twins.ours;
    write("folder.dvc", read("folder.dvc").replace("remote: own", "remote: away"));
    const local = read(".dvc/config");
    write(".dvc/config", `${local.replace(/"own"/i, '"gone"')}['remote "away"']\n    url = http://127.0.0.1:9\n`);
    const both = ["bound", "folder"];
    const named = ({ stderr }: { stderr: string }) => both.filter((path) => new RegExp(`^warning: .*\\b${path}\\b`, "m").test(stderr));
    const status = expver(["data", "status", "--cloud", "--json"]);
    expect([status.code, JSON.parse(status.stdout), named(status)]).toEqual([1, { plain: "new" }, both]);
    const lacking = expver(["data", "data", "status", "--not-in-remote", "--json"]);
    expect([lacking.code, JSON.parse(lacking.stdout).not_in_remote, named(lacking)]).toEqual([1, ["plain"], both]);
    const push = expver(["data", "push"]);
    expect([push.code, named(push)]).toEqual([1, both]);
    expect(JSON.parse(expver(["data", "status", "--cloud", "--json"]).stdout)).toEqual({});
    rmSync(join(root, ".dvc/cache"), { recursive: true });
    const fetched = expver(["data", "fetch"]);
    expect([fetched.code, named(fetched)]).toEqual([1, both]);
    rmSync(join(root, "plain"));
    expver(["data", "checkout", "plain"]);
    expect(read("plain")).toBe("1\n");
  });
});

it("asks Git for the pointers of many commits at once", () => {
  const repository = makeRepository();
  const counter = countGit();
  const data = (...args: string[]) => repository.expver(["data", ...args], { env: { PATH: counter.path } });
  data("init");
  data("remote", "add", "-d", "store", "../store");
  for (let number = 0; number < 30; number += 1) {
    repository.write("x", `${number}\n`);
    if (number % 10 === 0) expect(data("add", "x")).toMatchObject({ code: 0 });
    repository.commit(`${number}`, { code: `${number}` });
  }
  counter.reset();
  expect(data("push", "-A")).toMatchObject({ code: 0, stdout: "3 files pushed\n" });
  expect(counter.calls().length).toBeLessThan(20);
});
