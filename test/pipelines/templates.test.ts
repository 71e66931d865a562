/** Stages whose `wdir` is a template: `dvc.lock` does not say where they work, so that their outputs must be looked for as dvc does. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseLockFile } from "../../src/store/pointers/lock-file.ts";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

const stage = (name: string) =>
  `schema: '2.0'\nstages:\n  ${name}:\n    cmd: x\n    outs:\n    - path: o\n      md5: ${"a".repeat(32)}\n      size: 1\n`;
const files: Record<string, string> = {
  "p/params.yaml": "base: exps\nnets: [cnn, mlp]\nby: {one: {dir: m1}, two: {dir: m2}}\non: True\n",
  "p/more.json": '{"deep": {"list": ["zero", {"name": "n"}]}, "base": "other", "alone": 1.0}',
};
const folderOf = (name: string, yaml: string) =>
  parseLockFile(stage(name), "p/dvc.lock", yaml, (path) => files[path] ?? null)[0]?.path.replace(/^p\/(?:(.*)\/)?o$/, "$1");
const defined = (wdir: string, more = "", varied = "") =>
  varied === ""
    ? `${more}\nstages:\n  s:\n    wdir: ${wdir}\n    cmd: x\n    outs: [o]\n`
    : `${more}\nstages:\n  s:\n    ${varied}\n    do:\n      wdir: ${wdir}\n      cmd: x\n      outs: [o]\n`;

it.each([
  ["s", defined("§{base}/§{ nets[1] }"), "exps/mlp"],
  ["s", defined("§{base}", "vars: [more.json]"), "other"],
  ["s", defined("§{base}/§{deep.list[1].name}", "vars: ['more.json:deep']"), "exps/n"],
  ["s", defined("§{base}/§{alone}/§{on}", "vars: [{base: written}, 'more.json:alone']"), "written/1.0/true"],
  ["s@two", defined("§{base}/§{item.dir}/§{key}", "", "foreach: §{by}"), "exps/m2/two"],
  ["s@1", defined("w-§{item.d}", "", "foreach: [{d: a}, {d: b}]"), "w-b"],
  ["s@mlp", defined("w-§{item}", "", "foreach: §{nets}"), "w-mlp"],
  ["s@a@b", defined("w-§{item}", "", "foreach: ['a@b']"), "w-a@b"],
  [
    "s@mlp-0.10-b1",
    "stages:\n  s:\n    matrix: {n: '§{nets}', lr: [0.1, 0.10], b: [{x: 1}, {x: 2}]}\n    wdir: §{item.n}/§{item.lr}/§{item.b.x}\n    cmd: x\n    outs: [o]\n",
    "mlp/0.10/2",
  ],
  [
    "s@a-b-c",
    "stages:\n  s:\n    matrix: {n: [a, a-b], m: [b-c, c]}\n    wdir: §{item.n}+§{item.m}/§{key}\n    cmd: x\n    outs: [o]\n",
    "a+b-c/a-b-c",
  ],
  // What nobody can resolve is looked for beside the file.
  ["s", defined("§{nowhere}"), ""],
])("%s of %j (§ is the dollar)", (name, yaml, folder) => {
  expect(folderOf(name, yaml.replaceAll("§", "$")) ?? "").toBe(folder);
});

const PIPELINE = `vars: [params.yaml]
stages:
  net:
    foreach: {one: {dir: m1}, two: {dir: m2}}
    do:
      wdir: \${base}/\${item.dir}
      cmd: cp ../../raw.csv net.bin && echo \${key} >> net.bin
      deps: [../../raw.csv]
      outs: [net.bin]
  grid:
    matrix: {a: [1, 2], b: [x]}
    wdir: sub/\${item.b}
    cmd: echo \${item.a} > o\${item.a}.txt
    outs: ["o\${item.a}.txt"]
  rate:
    foreach: [0.1, 1.0, -2.5, "0.25", 0.0001, 100]
    do:
      cmd: echo \${item} > rate-\${item}.txt
      outs: ["rate-\${item}.txt"]
  said:
    cmd: echo '\${home}' '\\\${HOME}' > said.txt
    outs: [said.txt]
  built:
    foreach: ["q-\${base}", "\${base}"]
    do:
      cmd: echo '\${item}' > 'built-\${item}.txt'
      outs: ["built-\${item}.txt"]
`;

describe.skipIf(!HAS_DVC)("beside dvc", () => {
  it("a run of such stages is whole: nothing is left over, others get its files where dvc has them", () => {
    const [repo, bare] = [makeRepository(), makeRepository({ bare: true })];
    repo.write("params.yaml", `base: exps\nhome: at \${HOME}\n`);
    repo.expver(["init", "--yes"]);
    expect(repo.expver(["data", "remote", "add", "-d", "store", makeFolder("of-templates")]).code).toBe(0);
    for (const folder of ["exps/m1", "exps/m2", "sub/x"]) repo.write(`${folder}/.gitkeep`, "");
    repo.commit("pipeline", { "dvc.yaml": PIPELINE, "raw.csv": "1\n" });
    const [ran] = dvcCalls(repo, [["repro", "-q"]]);
    expect(ran).toMatchObject({ code: 0 });
    repo.commit("first");
    // Every other rate is given up: what `dvc.lock` remembers of it is no data any more.
    repo.commit("fewer rates", { "dvc.yaml": PIPELINE.replace(/foreach: \[0.*/, "foreach: [0.1, -2.5, 0.0001]") });
    const commands = [["status"], ["data", "status"], ["list", ".", "-R", "--dvc-only"]].map((line) => [...line, "--json"]);
    const theirs = dvcCalls(repo, commands).map(jsonOf);
    const sorted = (value: unknown) => (Array.isArray(value) ? value.map(({ path }) => path).sort() : value);
    expect(commands.map((line) => sorted(jsonOf(repo.expver(["data", ...line]))))).toEqual(theirs.map(sorted));
    repo.write("params.yaml", `base: exps\nhome: is \${HOME}\n`);
    const status = ["status", "--json"];
    expect(jsonOf(repo.expver(["data", ...status]))).toEqual({ said: ["changed command"] });
    expect(dvcCalls(repo, [status]).map(jsonOf)).toEqual([{ said: ["changed command"] }]);
    repo.git("checkout", "-q", "params.yaml");
    repo.git("remote", "add", "origin", bare.root);
    expect(repo.expver(["tag", "e0.1.0", "-m", "x"])).toMatchObject({ code: 0 });
    expect(repo.expver(["publish", "e0.1.0", "--yes"])).toMatchObject({ code: 0 });
    const other = makeRepository({ cloneOf: bare.root });
    // The base of then is in the commit only.
    other.git("checkout", "-q", "e0.1.0");
    expect(other.expver(["data", "pull"])).toMatchObject({ code: 0 });
    expect([other.read("exps/m2/net.bin"), other.read("sub/x/o1.txt")]).toEqual(["1\ntwo\n", "1\n"]);
    other.write("params.yaml", "base: elsewhere\n");
    expect(other.expver(["get", "e0.1.0", "exps/m1/net.bin", "-o", "../net.bin"])).toMatchObject({ code: 0 });
    expect(other.read("../net.bin")).toBe("1\none\n");
  });

  it("what only the parameters of a commit on the way made an output is published with it", () => {
    const [repo, bare] = [makeRepository(), makeRepository({ bare: true })];
    const kinds = (...names: string[]) => ({ "params.yaml": `kinds: [${names.join(", ")}]\n` });
    repo.expver(["init", "--yes"]);
    const store = makeFolder("of-parameters");
    repo.expver(["data", "remote", "add", "-d", "store", store]);
    const pipeline = `stages:\n  each:\n    foreach: \${kinds}\n    do:\n      cmd: echo \${item} > \${item}\n      outs: ["\${item}"]\n`;
    repo.commit("pipeline", { "dvc.yaml": pipeline, ...kinds("a", "b") });
    dvcCalls(repo, [["repro", "-q"]]);
    repo.commit("ran, b given up", kinds("a"));
    repo.commit("b again", kinds("a", "b"));
    repo.commit("b given up again", kinds("a"));
    repo.git("remote", "add", "origin", bare.root);
    repo.expver(["tag", "e0.1.0", "-m", "x"]);
    expect(repo.expver(["publish", "e0.1.0", "--yes"])).toMatchObject({ code: 0 });
    expect(existsSync(join(store, "files/md5/3b/5d5c3712955042212316173ccf37be"))).toBe(true);
  });
});
