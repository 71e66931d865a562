/** Verbs of dvc that concern data without changing it: `du`, `freeze`, `fetch --type`, and what `list` and `get` say of links. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadYaml } from "../../src/config/yaml.ts";
import { readTree } from "../support/trees.ts";
import { DVC, makeTwins, objectsBelow, runDvc, type Twins } from "../support/twins.ts";

/** The same lines; dvc's have no order. */
function sameLines(twins: Twins, args: string[], cwd?: string): void {
  const { theirs, ours } = twins.run(args, cwd);
  const lines = (text: string) => text.trimEnd().split("\n").sort();
  expect(lines(ours.stdout), args.join(" ")).toEqual(lines(theirs.stdout));
}

describe.skipIf(DVC === null)("as dvc does it", () => {
  it("du counts Git's files and data, here or not, at any revision", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      write("d/a", "hello\n");
      write("d/e/b", "x".repeat(5000));
      write("plain/x/g", "g\n");
      write("f", "y".repeat(1_100_000));
    });
    twins.run(["add", "-q", "d", "f"]);
    twins.each(({ root, commit }) => {
      symlinkSync("../f", join(root, "plain/link"));
      commit("data");
    });
    const all = [".", ". d", ". d/", ". d/e", ". ./plain/x", ". plain", ". -s", "-s . d", ". f", ". f.dvc", ". /", ". nothing", "nowhere"];
    for (const words of [...all, "--rev HEAD .", "--rev nope .", "-s --rev HEAD . d", "--rev HEAD . f"])
      sameLines(twins, ["du", ...words.split(" ")]);
    sameLines(twins, ["du", "..", "x"], "plain");
    // The link: dvc counts the link itself there.
    twins.each(({ root }) => renameSync(join(root, "d"), join(root, "../moved")));
    for (const words of [["."], ["-s", ".", "d"]]) sameLines(twins, ["du", ...words]);
    // dvc says that files that are not here have no bytes.
    expect(twins.ours.expver(["data", "du", ".", "d"]).stdout).toBe("6      d/a\n4.88k  d/e\n4.89k  d\n");
    expect(twins.ours.expver(["data", "du", ".", "--json"]).stdout).toContain('"path": "d"');
  });

  it("freeze and unfreeze change one line of a .dvc file, or of a stage", () => {
    const twins = makeTwins();
    twins.each(({ root, write, git }) => {
      mkdirSync(join(root, "../from"));
      git("init", "-q", join(root, "../from"));
      writeFileSync(join(root, "../from/x"), "x");
      git("-C", join(root, "../from"), "add", "x");
      git("-C", join(root, "../from"), "commit", "-qm", "x");
      write("f", "1");
      write(
        "dvc.yaml",
        [
          "# top\nstages:\n  train: # one\n    cmd: echo 1\n    outs:\n    - out # o\n",
          "  flow: {cmd: echo 2, outs: [q]}\n  not:\n    cmd: echo 3\n    frozen: false\n",
          `  made: {foreach: [a], do: {cmd: 'echo \${item}'}}\n  told: {cmd: 'echo \${x}'}\nvars: [{x: 1}]\n`,
        ].join("\n"),
      );
      mkdirSync(join(root, "sub"));
    });
    twins.run(["add", "-q", "f"]);
    twins.run(["import", "-q", "../from", "x"]);
    twins.each(({ write, read }) => {
      write("f.dvc", read("f.dvc").replace("outs:", "# mine\nouts: # o"));
      write("x.dvc", read("x.dvc").replace("frozen: true", "frozen: true # stays"));
    });
    const same = () => {
      const files = ["f.dvc", "x.dvc"].map((file) => [twins.ours.read(file), twins.theirs.read(file).replace(/rev_lock: .*/, "")]);
      for (const [ours, theirs] of files) expect(ours?.replace(/rev_lock: .*/, "")).toBe(theirs);
      const [ours, theirs] = [twins.ours, twins.theirs].map(({ read }) => loadYaml(read("dvc.yaml"), "dvc.yaml"));
      expect(ours).toEqual(theirs);
    };
    const targets = [
      "f.dvc",
      "x.dvc",
      "train flow",
      "not",
      "dvc.yaml:train f.dvc",
      "made",
      ":flow",
      "made@a",
      "told",
      "f",
      "dvc.yaml",
      "gone.dvc",
      "sub:train",
    ];
    for (const words of targets) {
      for (const verb of ["freeze", "freeze", "unfreeze", "unfreeze", "freeze"]) {
        twins.run([verb, ...words.split(" ")]);
        same();
      }
      if (words !== "train flow") continue;
      const { theirs, ours } = twins.run(["status", "--json"]);
      expect(JSON.parse(ours.stdout)).toEqual(JSON.parse(theirs.stdout));
    }
    twins.run(["unfreeze", "../dvc.yaml:train", "../f.dvc"], "sub");
    same();
    expect(twins.ours.read("dvc.yaml")).toContain("  train: # one\n");
    // As DVC 0 wrote it.
    for (const verb of ["freeze", "unfreeze"]) {
      twins.each(({ write, read }) => write("f.dvc", `${read("f.dvc")}locked: true\n`));
      twins.run([verb, "f.dvc"]);
      same();
    }
    // Nothing is done when one of several is wrong: dvc does the others.
    expect(twins.ours.expver(["data", "freeze", "f.dvc", "gone"]).code).toBe(1);
    expect(twins.ours.read("f.dvc")).not.toContain("frozen");
    expect(twins.ours.expver(["data", "freeze", "f.dvc"]).code).toBe(0);
    expect(twins.ours.expver(["undo", "--yes"]).code).toBe(0);
    expect(twins.ours.read("f.dvc")).not.toContain("frozen");
  });

  it("fetch --type brings what dvc.yaml calls metrics or plots", () => {
    const twins = makeTwins();
    twins.each(({ root, write }) => {
      write(
        "sub/dvc.yaml",
        `stages:
  m:
    cmd: for f in o m.json p.csv dd/x.csv s/m.json q.csv; do mkdir -p \`dirname $f\`; echo $f > $f; done
    outs: [o, dd, s/m.json, q.csv]
    metrics: [m.json]
    plots: [{ p.csv: { x: a } }]
  e:
    foreach: [a, b]
    do: { cmd: "echo \${item} > \${item}.json", metrics: ["\${item}.json"] }
metrics: [s/m.json, top.json]
plots: [dd/x.csv, { mine: { y: { q.csv: a } } }, later.csv]
`,
      );
      for (const name of ["top.json", "later.csv", "other"]) write(`sub/${name}`, name);
      mkdirSync(join(root, "../store"));
    });
    twins.run(["add", "-q", "top.json", "later.csv", "other"], "sub");
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    // Stages are dvc's to run.
    twins.each((repository) => expect(runDvc(repository, ["repro", "-q", "sub/dvc.yaml"]).code).toBe(0));
    twins.run(["push", "-q"]);
    twins.each(({ commit }) => commit("ran"));
    const words = ["metrics", "plots", "params"];
    for (const types of words.map((one) => one.split(" ").flatMap((type) => ["--type", type]))) {
      for (const more of [[], ["-a"], ["sub/dvc.yaml:m"]]) {
        twins.each(({ root }) => rmSync(join(root, ".dvc/cache"), { recursive: true, force: true }));
        twins.run(["fetch", "-q", ...types, ...more]);
        const [theirs, ours] = [twins.theirs, twins.ours].map(({ root }) => objectsBelow(join(root, ".dvc/cache/files")));
        expect(ours, [...types, ...more].join(" ")).toEqual(theirs);
      }
    }
  });

  it("list names symbolic links, and a folder by itself with --level 0", () => {
    const twins = makeTwins();
    twins.each(({ root, write, commit }) => {
      write("plain/x/g", "g\n");
      write("f", "1");
      for (const [to, path] of [
        ["x/g", "link"],
        ["nowhere", "dead"],
        ["x", "folder"],
      ] as const)
        symlinkSync(to, join(root, "plain", path));
      commit("links");
    });
    twins.run(["add", "-q", "plain/x/g"].slice(0, 2).concat("f"));
    for (const path of ["", "plain", "plain/folder", "plain/dead"])
      for (const words of ["", "-R", "-R --level 0"])
        for (const rev of [[], ["--rev", "HEAD"]])
          twins.sameJson(["list", "--json", ".", ...(path === "" ? [] : [path]), ...words.split(" ").filter(Boolean), ...rev]);
    for (const path of ["plain", "plain/x/g", "plain/folder", "plain/none", "f"])
      for (const words of [[], ["-T", "--size"]]) twins.same(["list", "--dvc-only", ".", path, ...words]);
    for (const words of ["-T", "-T --rev HEAD", "-T --level 0 --size", "-T --level 1 --size --rev HEAD", "-R --level 0 --size"])
      twins.same(["list", ".", ...words.split(" ")]);
    twins.sameJson(["list", "--json", "..", "-R", "--level", "0"], "plain");
  });

  it("get and import of links: their text at a revision, what they lead to where they stand", () => {
    const twins = makeTwins();
    twins.each(({ root, git }) => {
      const from = join(root, "../from");
      for (const folder of ["", "good", "bad"]) mkdirSync(join(from, folder));
      writeFileSync(join(from, "good/a"), "1");
      symlinkSync("a", join(from, "good/link"));
      symlinkSync("../bad", join(from, "good/folder"));
      symlinkSync("nowhere", join(from, "bad/dead"));
      git("init", "-q", from);
      git("-C", from, "add", "-A");
      git("-C", from, "commit", "-qm", "links");
    });
    for (const words of ["good", "good/link -o l", "good/folder -o f", "bad"]) twins.run(["get", "-q", "../from", ...words.split(" ")]);
    const [rev, names] = [
      ["--rev", "HEAD"],
      ["good", "good/link", "good/folder", "bad", "bad/dead"],
    ];
    for (const [index, name] of names.entries()) twins.run(["get", "-q", "../from", name, ...rev, "-o", `got${index}`]);
    twins.run(["import", "-q", "../from", "good", ...rev, "-o", "imported"]);
    const [theirs, ours] = [twins.theirs, twins.ours].map(({ root }) =>
      Object.fromEntries(Object.entries(readTree(root)).filter(([path]) => /^(?:good\/[^f]|l$|got|imported\/)/.test(path))),
    );
    expect(ours).toEqual(theirs);
    expect(ours).toMatchObject({ got1: expect.anything(), got4: expect.anything(), "imported/link": expect.anything() });
  });
});
