/** Every shell and JavaScript block of the pages on concepts, run in the demo's repository: what the manual shows, works. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, openTestRepository } from "../support/repository.ts";

const root = join(import.meta.dirname, "../..");
const MADE = ["architecture.md", "commands.md", "errors.md"];
const pages = [
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md") && !MADE.includes(name))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, "skills"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `skills/${name}`),
];

// Each page plays the demo first: slow on a busy machine.
it.each(pages)("%s: what it shows works in the demo's repository", { timeout: 240_000 }, (page) => {
  const blocks = [...readFileSync(join(root, page), "utf8").matchAll(/^```(sh|js)\n([\s\S]*?)^```/gm)];
  const base = openTestRepository(makeFolder("manual"));
  if (blocks.length > 0) expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
  base.write("bin/expver", `#!/bin/sh\nexec "${process.execPath}" "${join(root, "dist/main.cjs")}" "$@"\n`);
  base.run("chmod", ["+x", "bin/expver"]);
  mkdirSync(join(base.root, "node_modules"));
  symlinkSync(root, join(base.root, "node_modules/expver"));
  const env = { PATH: `${join(base.root, "bin")}:${process.env.PATH}` };
  for (const [, language, block = ""] of blocks) {
    const program: [string, string[]] =
      language === "js" ? [process.execPath, ["--input-type=module", "-e", block]] : ["bash", ["-euo", "pipefail", "-c", block]];
    const { code, stdout, stderr } = base.run(...program, { cwd: "demo", env });
    expect({ block, code, output: code === 0 ? "" : stdout + stderr }).toEqual({ block, code: 0, output: "" });
  }
});
