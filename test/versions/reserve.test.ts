import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { readRef } from "../../src/git/refs.ts";
import { identityOf } from "../../src/platform/processes.ts";
import { newTagChanges } from "../../src/versions/published.ts";
import { readNumbers, reserveVersion } from "../../src/versions/reserve.ts";
import { makeRepository } from "../support/repository.ts";

const exists = (text: string) => expect.objectContaining({ code: "E_VERSION_TAKEN", message: expect.stringContaining(text) });
const DEAD = { ...identityOf(process.pid), boot: "an earlier boot", at: 0 };

describe("the next free number", () => {
  it("comes after tags here, tags of the remote and reservations, never in a gap", () => {
    const repo = makeRepository();
    const project = openProject(repo.context);
    expect(readNumbers(project).next("minor")).toBe("e0.1.0");
    repo.commit("first");
    repo.git("tag", "e0.3.0");
    expect(readNumbers(project).next("minor")).toBe("e0.4.0");
    expect(readNumbers(project, { remoteTags: new Map([["e0.7.0", "x"]]) }).next("minor")).toBe("e0.8.0");
    reserveVersion(project, "e0.9.0");
    expect(readNumbers(project).next("minor")).toBe("e0.10.0");
    expect(readNumbers(project, { prefix: "m" }).next("patch")).toBe("m0.0.1");
  });
});

describe("reserving", () => {
  it("works before the first commit", () => {
    const repo = makeRepository();
    const reservation = reserveVersion(openProject(repo.context), "minor");
    expect(reservation).toMatchObject({ name: "e0.1.0", ref: "refs/expver/reserved/e0.1.0" });
    expect(readRef(repo.repository, reservation.ref)).toBe(reservation.object);
  });

  it("gives each of many processes its own number", async () => {
    const repo = makeRepository();
    repo.commit("first");
    const script = join(repo.root, "../reserve.mjs");
    const source = join(import.meta.dirname, "../../src");
    writeFileSync(
      script,
      `import { build } from ${JSON.stringify(join(source, "../node_modules/esbuild/lib/main.js"))};
       await build({ stdin: { contents: 'export { openProject } from "./config/project.ts"; export { reserveVersion } from "./versions/reserve.ts";', resolveDir: ${JSON.stringify(source)} }, bundle: true, platform: "node", format: "esm", outfile: ${JSON.stringify(join(repo.root, "../bundle.mjs"))}, banner: { js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);" } });`,
    );
    expect(repo.run(process.execPath, [script])).toMatchObject({ code: 0 });
    const code = `const { openProject, reserveVersion } = await import(${JSON.stringify(join(repo.root, "../bundle.mjs"))});
      const context = { cwd: process.cwd(), env: process.env };
      for (let i = 0; i < 5; i++) console.log(reserveVersion(openProject(context), "minor").name);`;
    const outputs = await Promise.all(
      Array.from({ length: 4 }, () => outputOf(repo.root, repo.context.env as Record<string, string>, code)),
    );
    const numbers = outputs.flatMap((text) => text.trim().split("\n"));
    expect(new Set(numbers).size).toBe(20);
    expect(numbers).toContain("e0.20.0");
  });

  it("refuses a name that is a tag, here or on the remote, and names the next free one", () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "e0.1.0");
    const project = openProject(repo.context);
    expect(() => reserveVersion(project, "e0.1.0")).toThrowError(exists("e0.1.0 exists already"));
    expect(() => readNumbers(project, { remoteTags: new Set(["e0.2.0"]) }).requireFree("e0.2.0")).toThrowError(
      expect.objectContaining({ message: "e0.2.0 exists already on the remote", hint: expect.stringContaining("e0.3.0") }),
    );
    expect(() => readNumbers(project).requireFree("nonsense")).toThrowError(expect.objectContaining({ code: "E_USAGE" }));
  });

  it("by numbers read before passes over a tag made since, and refuses it by name", () => {
    const repo = makeRepository();
    repo.commit("first");
    const project = openProject(repo.context);
    const before = readNumbers(project);
    repo.git("tag", "e0.1.0");
    expect(reserveVersion(project, "minor", { numbers: before }).name).toBe("e0.2.0");
    const again = readNumbers(project);
    repo.git("tag", "e0.7.0");
    expect(() => reserveVersion(project, "e0.7.0", { numbers: again })).toThrowError(exists("e0.7.0 exists already"));
  });

  it("refuses a name a living process holds, and lets one be taken over from a dead one", () => {
    const project = openProject(makeRepository().context);
    reserveVersion(project, "e0.1.0");
    expect(() => reserveVersion(project, "e0.1.0")).toThrowError(exists(`reserved by process ${process.pid}`));
    reserveVersion(project, "e0.2.0", { owner: DEAD });
    expect(reserveVersion(project, "e0.2.0").name).toBe("e0.2.0");
    expect(() => reserveVersion(project, "e0.2.0")).toThrowError(exists("reserved"));
  });
});

it("a new tag is marked as unpublished in the same step", () => {
  expect(newTagChanges("e0.1.0", "abc", null).map(({ ref, before, after }) => [ref, before, after])).toEqual([
    ["refs/tags/e0.1.0", null, "abc"],
    ["refs/expver/unpublished/e0.1.0", null, "abc"],
  ]);
});

function outputOf(cwd: string, env: Record<string, string>, code: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on("close", (exit) => (exit === 0 ? resolve(text) : reject(new Error(`exit ${exit}`))));
  });
}
