/** Folders so large that Git is asked whether something changed: the answer is the one of a look at each file, whatever was done. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { readPointers } from "../../src/store/pointers/pointers.ts";
import type { Scan } from "../../src/store/worktree/scan.ts";
import { outputStatus, readingFiles } from "../../src/store/worktree/status.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const FILES = 615;
// Longer than the two seconds for which a file counts as just written.
const SETTLED_MS = 2300;

const nameOf = (index: number) => `data/part ${index % 41}/sample-é${index}.txt`;

describe("a large folder", () => {
  let base: TestRepository;
  let seed: string;
  let work: string;
  let used = 0;

  beforeAll(async () => {
    base = makeRepository();
    seed = join(base.root, "seed");
    mkdirSync(seed);
    for (let part = 0; part < 41; part += 1) mkdirSync(join(seed, `data/part ${part}`), { recursive: true });
    for (let index = 0; index < FILES; index += 1) writeFileSync(join(seed, nameOf(index)), `content ${index}`);
    expect(run("git", ["init", "-q"], seed).status).toBe(0);
    expect(call(["init"], seed).code).toBe(0);
    expect(call(["add", "data"], seed).code).toBe(0);
    // What was remembered of these files is of no use to copies.
    rmSync(join(seed, ".git/expver/stat-cache"), { recursive: true });
    for (let copy = 0; copy < changes.length + 7; copy += 1) {
      expect(run("cp", ["-a", seed, join(base.root, `work-${copy}`)], base.root).status).toBe(0);
    }
    await setTimeout(SETTLED_MS);
  });

  /** A copy of its own for each test. The first look reads the files, the second remembers how they stand. */
  beforeEach(() => {
    work = join(base.root, `work-${used}`);
    used += 1;
    expect(status()).toEqual({});
    expect(remembered()).toEqual([]);
    expect(status()).toEqual({});
    expect(remembered()).toHaveLength(2);
  });

  const at = (path: string) => join(work, path);
  const state = () => at(".git/expver/unchanged");
  const remembered = () => (existsSync(state()) ? readdirSync(state()) : []);
  const overwrite = (edit: (bytes: Buffer) => Buffer) => {
    for (const name of remembered()) writeFileSync(join(state(), name), edit(readFileSync(join(state(), name))));
  };
  const objectOf = (index: number) => {
    const md5 = run("md5sum", [nameOf(index)], work)
      .stdout.replace("\\", "")
      .slice(0, 32);
    return at(`.dvc/cache/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`);
  };

  function run(program: string, args: string[], cwd: string) {
    return spawnSync(program, args, { cwd, encoding: "utf8" });
  }

  function call(args: string[], cwd = work) {
    return base.expver(["data", ...args], { cwd: cwd.slice(base.root.length + 1) });
  }

  function status(): unknown {
    const { code, stdout, stderr } = call(["status", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  }

  /** With what is remembered, and then without. */
  function statusBothWays(): unknown {
    const quick = status();
    rmSync(state(), { recursive: true, force: true });
    expect(quick).toEqual(status());
    return quick;
  }

  const MODIFIED = { "data.dvc": [{ "changed outs": { data: "modified" } }] };
  const LACKING = { "data.dvc": [{ "changed outs": { data: "not in cache" } }] };

  it("is known by what was remembered: another content there is what status says", () => {
    const hash = /md5: (\S+)/.exec(readFileSync(at("data.dvc"), "utf8"))?.[1] as string;
    overwrite((bytes) => {
      const found = bytes.indexOf(`"hash":"${hash}`);
      if (found >= 0) bytes.write("0000", found + 8);
      return bytes;
    });
    expect(status()).toEqual(MODIFIED);
  });

  it("has its files read in turns when they are asked for after all", async () => {
    const project = openProject({ ...base.context, cwd: work });
    const [status] = await outputStatus(project, readPointers(project), {});
    const reading = readingFiles(status?.scan as Scan);
    expect(reading.next()).toMatchObject({ done: false });
    expect(finishWork(reading)).toHaveLength(FILES);
  });

  it("is not remembered while a file of it may still change within the second in which it was written", () => {
    // Of a server whose clock is ahead, it stays so young.
    utimesSync(at(nameOf(3)), new Date(), new Date(Date.now() + 3_600_000));
    rmSync(state(), { recursive: true });
    for (let look = 0; look < 2; look += 1) expect(status()).toEqual({});
    expect(remembered()).toHaveLength(1);
  });

  it("is the same after a look, a touch of nothing, and a run from a sub-folder", () => {
    expect(call(["status", "-q"]).code).toBe(0);
    expect(statusBothWays()).toEqual({});
  });

  const changes: [string, () => void, unknown][] = [
    ["other bytes of the same length", () => writeFileSync(at(nameOf(7)), "CONTENT 7"), MODIFIED],
    [
      "other bytes of the same length and the old times",
      () => {
        const { atime, mtime } = statSync(at(nameOf(7)));
        writeFileSync(at(nameOf(7)), "CONTENT 7");
        utimesSync(at(nameOf(7)), atime, mtime);
      },
      MODIFIED,
    ],
    [
      "another file put in its place",
      () => {
        writeFileSync(at("other"), "CONTENT 7");
        renameSync(at("other"), at(nameOf(7)));
      },
      MODIFIED,
    ],
    ["a new file", () => writeFileSync(at("data/part 3/new"), ""), MODIFIED],
    [
      "a new folder of new files",
      () => {
        mkdirSync(at("data/part 3/deep"));
        writeFileSync(at("data/part 3/deep/new"), "");
      },
      MODIFIED,
    ],
    ["an empty folder", () => mkdirSync(at("data/part 3/deep")), {}],
    ["a file less", () => rmSync(at(nameOf(7))), MODIFIED],
    ["another name", () => renameSync(at(nameOf(7)), at("data/part 7/renamed")), MODIFIED],
    ["a folder less", () => rmSync(at("data/part 7"), { recursive: true }), MODIFIED],
    [
      "a folder moved away and back",
      () => {
        renameSync(at("data/part 7"), at("away"));
        renameSync(at("away"), at("data/part 7"));
      },
      {},
    ],
    ["nothing there", () => rmSync(at("data"), { recursive: true }), { "data.dvc": [{ "changed outs": { data: "deleted" } }] }],
    [
      "a link to the same bytes",
      () => {
        copyFileSync(at(nameOf(7)), at("copy"));
        rmSync(at(nameOf(7)));
        symlinkSync(at("copy"), at(nameOf(7)));
      },
      {},
    ],
    ["a new rule to ignore", () => writeFileSync(at(".dvcignore"), "sample-é7.txt\n"), MODIFIED],
    ["an object less", () => rmSync(objectOf(7)), LACKING],
    [
      "an object with other bytes",
      () => {
        const object = objectOf(7);
        chmodSync(object, 0o644);
        writeFileSync(object, "CONTENT 7");
      },
      LACKING,
    ],
    ["the cache less", () => rmSync(at(".dvc/cache"), { recursive: true }), LACKING],
    [
      "another pointer",
      () => writeFileSync(at("data.dvc"), readFileSync(at("data.dvc"), "utf8").replace(/md5: ..../, "md5: 0000")),
      LACKING,
    ],
    ["half of what was remembered", () => overwrite((bytes) => bytes.subarray(0, bytes.length / 2)), {}],
    ["nonsense for what was remembered", () => overwrite(() => Buffer.from("DIRC nonsense")), {}],
  ];
  for (const [name, change, expected] of changes) {
    it(`${name}: as a look at each file says`, () => {
      change();
      expect(statusBothWays()).toEqual(expected);
    });
  }

  it("that was just written is looked at, and not remembered", () => {
    rmSync(state(), { recursive: true });
    // Twice in one second, as most of these are: whole seconds would not tell the two apart.
    for (let time = 0; time < 4; time += 1) {
      writeFileSync(at(nameOf(7)), "CONTENT 7");
      expect(status()).toEqual(MODIFIED);
      writeFileSync(at(nameOf(7)), "content 7");
      expect(status()).toEqual({});
    }
  });

  it("is added again: without a change nothing is written, a change is", () => {
    const pointer = readFileSync(at("data.dvc"), "utf8");
    const index = statSync(join(state(), remembered()[0] as string)).mtimeMs;
    const again = call(["add", "data", "--json"]);
    expect(JSON.parse(again.stdout).data.added).toEqual([expect.objectContaining({ path: "data", nfiles: FILES, changed: false })]);
    expect(readFileSync(at("data.dvc"), "utf8")).toBe(pointer);
    expect(statSync(join(state(), remembered()[0] as string)).mtimeMs).toBe(index);
    writeFileSync(at(nameOf(7)), "CONTENT 7");
    expect(call(["add", "data"]).code).toBe(0);
    expect(readFileSync(objectOf(7), "utf8")).toBe("CONTENT 7");
    expect(readFileSync(at("data.dvc"), "utf8")).not.toBe(pointer);
    expect(statusBothWays()).toEqual({});
  });

  it("is linked when links are asked for, also without another change", () => {
    writeFileSync(at(".dvc/config"), "[cache]\n    type = hardlink\n");
    expect(call(["add", "data"]).code).toBe(0);
    expect(statSync(at(nameOf(7))).ino).toBe(statSync(objectOf(7)).ino);
  });
});
