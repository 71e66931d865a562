import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parsePointerFile, renderPointerFile } from "../../src/store/pointer-file.ts";
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

  it("of nothing changes nothing", () => {
    const text = renderPointerFile(old, "d", { hash: `${MD5}.dir`, size: 10, nfiles: 3 });
    expect(renderPointerFile(text, "d", { hash: `${MD5}.dir`, size: 10, nfiles: 3 })).toBe(text);
  });
});

describe("reading", () => {
  it("knows DVC 2 by its missing hash field", () => {
    expect(parsePointerFile(`outs:\n- md5: ${MD5}\n  path: x\n`, "a/x.dvc")[0]).toMatchObject({ hashName: "md5-dos2unix", path: "a/x" });
  });

  it("keeps digits of an unquoted hash as text", () => {
    expect(parsePointerFile("outs:\n- md5: 12345678901234567890123456789012\n  path: x\n", "x.dvc")[0]?.hash).toBe(
      "12345678901234567890123456789012",
    );
  });

  it.each([["../x"], ["/etc/passwd"], ["a/../../x"], ["."]])("refuses the path %s", (path) => {
    expect(() => parsePointerFile(`outs:\n- md5: ${MD5}\n  path: ${path}\n`, "x.dvc")).toThrow(
      expect.objectContaining({ code: "E_POINTER" }),
    );
  });

  it.each([["outs: 3\n"], ["- a\n"], ["outs:\n- md5: zz\n  path: x\n"], ["outs: [\n"], ["outs:\n- md5: 1\n  size: -4\n  path: x\n"]])(
    "refuses %j",
    (text) => {
      expect(() => parsePointerFile(text, "x.dvc")).toThrow(expect.objectContaining({ code: "E_POINTER" }));
    },
  );
});

const dvc = peer("dvc");

describe.skipIf(dvc === null)("beside real dvc", () => {
  const root = mkdtempSync(join(FAST_FOLDER, "expver-dvc-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("writes the same bytes for odd names", { timeout: 120_000 }, () => {
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
