import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { loadYaml } from "../../src/config/yaml.ts";
import { ExpverError } from "../../src/errors.ts";
import { setDependency } from "../../src/store/pointers/pointer-edit.ts";
import { parsePointerFile, renderPointerFile } from "../../src/store/pointers/pointer-file.ts";
import { peer } from "../support/peers.ts";
import { FAST_FOLDER } from "../support/repository.ts";

const MD5 = "3e2b31c72181b87149ff995e7202c0e3";
const FILE = { hash: MD5, size: 10 };

describe("a new pointer file", () => {
  it("has DVC's fields in DVC's order", () => {
    expect(renderPointerFile(null, "tool.sh", { ...FILE, isexec: true })).toBe(
      `outs:\n- md5: ${MD5}\n  size: 10\n  isexec: true\n  hash: md5\n  path: tool.sh\n`,
    );
    expect(renderPointerFile(null, "d", { hash: `${MD5}.dir`, size: 2, nfiles: 2 })).toBe(
      `outs:\n- md5: ${MD5}.dir\n  size: 2\n  nfiles: 2\n  hash: md5\n  path: d\n`,
    );
  });

  it("quotes a hash that looks like a number", () => {
    expect(renderPointerFile(null, "f", { hash: "12345678901234567890123456789012", size: 1 })).toContain(
      "md5: '12345678901234567890123456789012'\n",
    );
    expect(renderPointerFile(null, "f", { hash: "1234e567890123456789012345678901", size: 1 })).toContain(
      "md5: '1234e567890123456789012345678901'\n",
    );
  });
});

describe("a file as DVC writes it", () => {
  // Half of what is made can be read line by line; the other half differs from that in one thing.
  const word = fc.constantFrom("data", "a b", "null", "1e5", "true", "./x", "a #b", "a: b", "- x", "-x", "x ", " x", "'x'", "x\t", "ä", "");
  const value = { md5: fc.constantFrom(MD5, `${MD5}.dir`, `'${MD5}'`, "0"), path: word, hash: fc.constantFrom("md5", "null", "sha1") };
  const line = fc.oneof(
    fc.constantFrom("size: 1", "nfiles: 2", "isexec: true", "isexec: yes", "size: 0x1", "desc: d", "# why", "", "push: false", "size:"),
    ...Object.entries(value).map(([key, text]) => text.map((one) => `${key}: ${one}`)),
  );
  const start = fc.constantFrom("- ", "- ", "  ", "  ", "   ", "");
  const text = fc
    .tuple(
      fc.constantFrom("outs:\n", "outs:\n", "outs: \n", "# why\nouts:\n", "deps:\n", "outs:\r\n"),
      fc.array(fc.tuple(start, line).map((parts) => parts.join(""))),
      fc.constantFrom("\n", "\n", "", "\n\n", "\r\n"),
    )
    .map(([top, lines, end]) => `${top}- md5: ${MD5}\n  path: first\n${lines.join("\n")}${end}`);
  const said = (one: string) => {
    try {
      return parsePointerFile(one, "f.dvc");
    } catch (error) {
      return error instanceof ExpverError ? error.code : error;
    }
  };

  it("says what it says as YAML", () => {
    // With a comment above it is read as YAML.
    fc.assert(
      fc.property(text, (one) => {
        expect(said(one)).toEqual(said(`#\n${one}`));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("an edit", () => {
  const old = `# why this data\nouts:\n- path: d # the folder\n  md5: ${"a".repeat(32)}.dir\n  size: 7\n  nfiles: 3\n  desc: 'kept'\n  push: false\nmeta: {k: 1}\n`;

  it("changes what differs and nothing else; a new field comes last in its entry", () => {
    const text = renderPointerFile(old, "d", { hash: `${MD5}.dir`, size: 10, nfiles: 3 });
    expect(text).toBe(
      old.replace("a".repeat(32), MD5).replace("size: 7", "size: 10").replace("  push: false\n", "  push: false\n  hash: md5\n"),
    );
    expect(parsePointerFile(text, "d.dvc")).toEqual([
      { file: "d.dvc", path: "d", hash: `${MD5}.dir`, hashName: "md5", size: 10, nfiles: 3, cache: true, push: false, isImport: false },
    ]);
  });

  it("drops the number of files when a folder became a file", () => {
    expect(renderPointerFile(old, "d", FILE)).not.toContain("nfiles");
  });

  it("drops what the same bytes are no longer, and what an older content was called elsewhere", () => {
    const executable = `outs:\n- md5: ${MD5}\n  size: 10\n  isexec: true # runs\n  hash: md5\n  path: d\n`;
    expect(renderPointerFile(executable, "d", FILE)).toBe(executable.replace("  isexec: true # runs\n", ""));
    const hashed = `deps:\n- md5: ${MD5} # at first\n  size: 10\n  path: u\nouts:\n- path: d\n`;
    const tagged = setDependency(hashed, "u", [
      ["etag", "e"],
      ["size", "10"],
    ]);
    expect(tagged).toBe("deps:\n- size: 10\n  path: u\n  etag: e\nouts:\n- path: d\n");
  });

  it("of nothing changes nothing", () => {
    const text = renderPointerFile(old, "d", { hash: `${MD5}.dir`, size: 10, nfiles: 3 });
    expect(renderPointerFile(text, "d", { hash: `${MD5}.dir`, size: 10, nfiles: 3 })).toBe(text);
  });
});

const NEXT = { hash: MD5, size: 10 };
const OLD = "a".repeat(32);

describe("an edit of", () => {
  it.each([
    ["a flow entry", `outs: [{md5: ${OLD}, path: d, desc: "x"}]\n`, `outs: [{md5: ${MD5}, path: d, desc: "x", size: 10, hash: md5}]\n`],
    ["Windows lines", `outs:\r\n- md5: ${OLD}\r\n  path: d\r\n`, `outs:\r\n- md5: ${MD5}\r\n  path: d\r\n  size: 10\r\n  hash: md5\r\n`],
    ["an unended line", `outs:\n- path: d`, `outs:\n- path: d\n  md5: ${MD5}\n  size: 10\n  hash: md5\n`],
    ["an empty value", `outs:\n- md5:\n  path: d\n  hash: md5\n`, `outs:\n- md5: ${MD5}\n  path: d\n  hash: md5\n  size: 10\n`],
    [
      "a first field that goes",
      `outs:\n- nfiles: 2 # two\n  md5: ${OLD}.dir\n  path: d\n`,
      `outs:\n- md5: ${MD5}\n  path: d\n  size: 10\n  hash: md5\n`,
    ],
    [
      "a last entry with a list",
      `outs:\n- path: d\n  labels:\n  - x\n  - y # why\nmeta: 1\n`,
      `outs:\n- path: d\n  labels:\n  - x\n  - y # why\n  md5: ${MD5}\n  size: 10\n  hash: md5\nmeta: 1\n`,
    ],
    [
      "another entry",
      `outs:\n- path: e\n  md5: ${OLD}\n- path: ./d\n  md5: ${OLD}\n`,
      `outs:\n- path: e\n  md5: ${OLD}\n- path: ./d\n  md5: ${MD5}\n  size: 10\n  hash: md5\n`,
    ],
    [
      "a version in the cloud",
      `outs:\n- md5: ${OLD}\n  size: 3\n  cloud:\n    s3r:\n      etag: e\n      version_id: v\n  hash: md5\n  path: d\n`,
      `outs:\n- md5: ${MD5}\n  size: 10\n  hash: md5\n  path: d\n`,
    ],
    [
      "a hash that stands in a block",
      `outs:\n- md5: >-\n    ${OLD}\n  path: d # here\n`,
      `outs:\n- md5: ${MD5}\n  path: d # here\n  size: 10\n  hash: md5\n`,
    ],
    ["comments only", "# later", `# later\nouts:\n- md5: ${MD5}\n  size: 10\n  hash: md5\n  path: d\n`],
  ])("%s keeps the rest", (_what, old, text) => {
    expect(renderPointerFile(old, "d", NEXT)).toBe(text);
    expect(renderPointerFile(text, "d", NEXT)).toBe(text);
  });

  it.each([
    ["an anchored hash that another entry repeats", `outs:\n- md5: &h ${OLD}\n  path: d\n- md5: *h\n  path: e\n`],
    ["an entry that is not there", `outs:\n- md5: ${OLD}\n  path: e\n`],
  ])("%s is refused", (_what, old) => {
    expect(() => renderPointerFile(old, "d", NEXT)).toThrow(expect.objectContaining({ code: "E_POINTER" }));
  });

  const key = fc.constantFrom("desc", "labels", "meta", "remote", "persist", "type");
  const extra = fc.uniqueArray(
    fc.tuple(key, fc.constantFrom("x", "[a, b]", "{k: 1}", '"q # u"', "|\n        two\n        lines", "# gone", "1")),
    {
      selector: ([name]) => name,
    },
  );
  const layout = fc.record({ before: extra, after: extra, comment: fc.boolean(), indent: fc.constantFrom("", "  "), last: fc.boolean() });

  it("anything says the new content and loses no line of the rest", () => {
    fc.assert(
      fc.property(layout, ({ before, after, comment, indent, last }) => {
        const seen = new Set(before.map(([name]) => name));
        const fields = [...before, ["md5", OLD], ["path", "d"], ...after.filter(([name]) => !seen.has(name))];
        const lines = fields.map(([name, value]) =>
          `${indent}  ${name}: ${value}${comment ? " # note" : ""}\n`.replace(/\|(.*?) # note/s, "|$1"),
        );
        const old = `outs:\n${indent}- ${lines.join("").slice(indent.length + 2)}${last ? "" : "frozen: false\n"}`;
        const text = renderPointerFile(old, "d", NEXT);
        const kept = old.split("\n").filter((line) => !line.includes("md5:"));
        expect(text.split("\n").filter((line) => kept.includes(line))).toEqual(kept);
        const { outs } = loadYaml(text, "d.dvc", { exact: true }) as { outs: Record<string, unknown>[] };
        expect(outs[0]).toMatchObject({ md5: MD5, size: "10", hash: "md5", path: "d" });
      }),
    );
  });
});

describe("reading", () => {
  it("knows DVC 2 by its missing hash field", () => {
    expect(parsePointerFile(`outs:\n- md5: ${MD5}\n  path: x\n`, "a/x.dvc")[0]).toMatchObject({ hashName: "md5-dos2unix", path: "a/x" });
  });

  it("passes over what lies elsewhere and DVC does not keep", () => {
    const outs = (cache: string) => `outs:\n- path: /mnt/x\n  cache: ${cache}\n- md5: ${MD5}\n  path: x\n`;
    expect(parsePointerFile(outs("false"), "a/x.dvc").map(({ path }) => path)).toEqual(["a/x"]);
    expect(() => parsePointerFile(outs("true"), "a/x.dvc")).toThrow(/leads out of the repository/);
  });

  it("keeps digits of an unquoted hash as text", () => {
    expect(parsePointerFile("outs:\n- md5: 12345678901234567890123456789012\n  path: x\n", "x.dvc")[0]?.hash).toBe(
      "12345678901234567890123456789012",
    );
  });

  it("takes null, empty and absent for the same", () => {
    for (const nothing of ["", "~", "null"]) {
      const [pointer] = parsePointerFile(`outs:\n- md5: ${nothing}\n  size: ${nothing}\n  hash: md5\n  path: x\n`, "x.dvc");
      expect(pointer).toEqual({ file: "x.dvc", path: "x", hash: null, hashName: "md5", cache: true, push: true, isImport: false });
    }
    expect(parsePointerFile("outs:\n", "x.dvc")).toEqual([]);
    expect(parsePointerFile("# nothing yet\n", "x.dvc")).toEqual([]);
    expect(parsePointerFile("", "x.dvc")).toEqual([]);
  });

  it("reads numbers as DVC's reader does", () => {
    const sizes = ["1_000", "0x1F", "0o17", "012", "+5"].map(
      (size) => parsePointerFile(`outs:\n- md5: ${MD5}\n  size: ${size}\n  path: x\n`, "x.dvc")[0]?.size,
    );
    expect(sizes).toEqual([1000, 31, 15, 12, 5]);
  });

  it("resolves paths against wdir", () => {
    const text = `wdir: ../data\nouts:\n- md5: ${MD5}\n  hash: md5\n  path: raw/x\n`;
    expect(parsePointerFile(text, "pointers/x.dvc")[0]?.path).toBe("data/raw/x");
  });

  it("keeps apart what came from a repository and what came from a URL", () => {
    const out = `outs:\n- md5: ${MD5}\n  hash: md5\n  path: x\n`;
    const repo = `md5: ${MD5}\nfrozen: true\ndeps:\n- path: d\n  repo:\n    url: ../src\n    rev_lock: ${"c".repeat(40)}\n${out}`;
    const url = `md5: ${MD5}\nfrozen: true\ndeps:\n- md5: ${MD5}\n  size: 5\n  hash: md5\n  path: /data/ext.txt\n${out}`;
    expect(parsePointerFile(repo, "x.dvc")[0]?.isImport).toBe(true);
    expect(parsePointerFile(url, "x.dvc")[0]?.isImport).toBe(false);
  });

  it("computes the folder hash of a cloud-versioned folder from its members", () => {
    const member = (name: string, md5: string) =>
      `  - relpath: ${name}\n    md5: ${md5}\n    size: 1\n    cloud: {s3r: {etag: e, version_id: v2}}\n`;
    const files = member("a", "0cc175b9c0f1b6a831c399e269772661") + member("s/b", "92eb5ffee6ae2fec3ad71c777531578f");
    expect(parsePointerFile(`outs:\n- hash: md5\n  path: d\n  files:\n${files}`, "d.dvc")[0]).toMatchObject({
      hash: "17149b9cd06be56c65a60aa074eab4e2.dir",
      nfiles: 2,
    });
  });

  it.each([
    ["../x"],
    ["/etc/passwd"],
    ["a/../../x"],
    ["."],
    ["''"],
    [".git/hooks/post-checkout"],
    ["d/.GIT/config"],
    [".dvc/config"],
    ["s3://bucket/x"],
    ["other.dvc"],
    ["dvc.yaml"],
  ])("refuses the path %s", (path) => {
    expect(() => parsePointerFile(`outs:\n- md5: ${MD5}\n  path: ${path}\n`, "x.dvc")).toThrow(
      expect.objectContaining({ code: "E_POINTER", message: expect.stringContaining(`x.dvc: path`) }),
    );
  });

  it.each([
    ["outs: 3\n"],
    ["- a\n"],
    ["text\n"],
    ["outs:\n- md5: zz\n  path: x\n"],
    ["outs: [\n"],
    ["outs:\n- md5: 1\n  size: -4\n  path: x\n"],
    [`outs:\n- md5: ${MD5}\n  size: 1e3\n  path: x\n`],
    [`outs:\n- md5: ${MD5}\n  push: yes\n  path: x\n`],
    [`outs:\n- md5: ${MD5}\n  path: x\n  colour: blue\n`],
    [`outs:\n- md5: ${MD5}\n  path: x\nouts2: 1\n`],
    [`outs:\n- md5: ${MD5}\n  md5: ${MD5}\n  path: x\n`],
    [`outs:\n- md5: ${MD5}\n`],
    [`a: 1\n---\nb: 2\n`],
  ])("refuses %j, naming the file", (text) => {
    expect(() => parsePointerFile(text, "deep/x.dvc")).toThrow(
      expect.objectContaining({ code: "E_POINTER", message: expect.stringContaining("deep/x.dvc") }),
    );
  });

  it("survives a bomb of aliases and a tower of brackets", () => {
    const bomb = [
      "a0: &a0 [x]",
      ...Array.from({ length: 60 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`),
      `outs:\n- md5: ${OLD}\n  path: d\nmeta: *a60\n`,
    ];
    const tower = `outs: ${"[".repeat(100_000)}`;
    for (const text of [bomb.join("\n"), tower]) {
      expect(() => renderPointerFile(text, "d", NEXT)).toThrow(expect.objectContaining({ code: "E_POINTER" }));
      expect(() => parsePointerFile(text, "x.dvc")).toThrow(expect.objectContaining({ code: "E_POINTER" }));
    }
  });
});

const dvc = peer("dvc");

describe.skipIf(dvc === null)("beside real dvc", () => {
  const root = mkdtempSync(join(FAST_FOLDER, "expver-dvc-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("writes the same bytes for odd names", () => {
    const env = { ...process.env, DVC_NO_ANALYTICS: "1", DVC_SITE_CACHE_DIR: join(root, ".site") };
    const run = (...args: string[]) => {
      const result = spawnSync(dvc ?? "", args, { cwd: root, env, encoding: "utf8" });
      if (result.status !== 0) throw new Error(result.stderr);
    };
    run("init", "-q", "--no-scm");
    const names = [
      "plain",
      "with space.txt",
      "-dash",
      "ünïcode é",
      "😀.bin",
      "it's",
      'quo"te',
      "yes",
      "null",
      "1e3",
      "0o17",
      "1_000",
      "2020-01-01",
      "#hash",
      "a # b",
      "a#b",
      "@at",
      "%p",
      "[x]",
      "!bang*?",
      "key: val",
      "colon:",
      "tab\tx",
      "new\nline",
      "back\\slash",
      "~",
      "x".repeat(72),
      "y".repeat(73),
      "z".repeat(200),
      `${"word ".repeat(30)}end`,
      "?q",
      "? q",
      "- d",
      "---x",
      "=",
      "trail ",
      "\u007fdel",
    ];
    for (const [index, name] of names.entries()) writeFileSync(join(root, name), `content ${index}`);
    writeFileSync(join(root, "exec.sh"), "#!/bin/sh\n");
    chmodSync(join(root, "exec.sh"), 0o755);
    mkdirSync(join(root, "empty folder"));
    run("add", "-q", "--", ...names.map((name) => `./${name}`), "exec.sh");
    for (const name of [...names, "exec.sh"]) {
      const bytes = readFileSync(join(root, name));
      const content = {
        hash: createHash("md5").update(bytes).digest("hex"),
        size: bytes.length,
        ...(name === "exec.sh" ? { isexec: true } : {}),
      };
      const theirs = readFileSync(join(root, `${name}.dvc`), "utf8");
      expect(renderPointerFile(null, name, content), name).toBe(theirs);
      expect(parsePointerFile(theirs, `${name}.dvc`)[0], name).toMatchObject({ path: name, hash: content.hash, size: bytes.length });
    }
    expect(readdirSync(root).filter((name) => name.endsWith(".dvc")).length).toBe(names.length + 2);
  });
});
