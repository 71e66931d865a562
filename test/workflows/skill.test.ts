/** The agent skill: valid, whole, covering what the older one had, and its copies. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/read-config.ts";
import { loadYaml } from "../../src/config/yaml.ts";
import { openResults } from "../../src/results/database.ts";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository, openTestRepository } from "../support/repository.ts";
import { COVERAGE } from "./skill-coverage.ts";

const root = join(import.meta.dirname, "../..");
const skill = join(root, "skills/expver");
const text = readFileSync(join(skill, "SKILL.md"), "utf8");
const pages = readdirSync(skill, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("SKILL.md", () => {
  const [, front = "", body = ""] = text.match(/^---\n([\s\S]*?)\n---\n([\s\S]*)$/) ?? [];
  const fields = loadYaml(front, "SKILL.md") as Record<string, unknown> & { description: string; metadata: { version: string } };

  it("has the six fields agents read, and no other", () => {
    expect(
      Object.keys(fields).filter(
        (name) => !["name", "description", "license", "compatibility", "metadata", "allowed-tools"].includes(name),
      ),
    ).toEqual([]);
    expect(fields.name).toBe("expver");
    expect(fields.description.length).toBeLessThanOrEqual(650);
    expect(fields.description).not.toMatch(/[<>]/);
    expect(String(fields.compatibility).length).toBeLessThanOrEqual(500);
    expect(fields.metadata.version).toBe(version);
  });

  it("fits into what agents keep of it", () => {
    expect(text.split("\n").length).toBeLessThanOrEqual(300);
    // Four characters are about a token.
    expect(body.length / 4).toBeLessThanOrEqual(5_000);
  });

  it("names every file there is, each with when to read it, and none that is not", () => {
    const named = [...text.matchAll(/`((?:references|assets|scripts)\/[\w.-]*)`/g)].map(([, path = ""]) => path);
    expect(named.filter((path) => !existsSync(join(skill, path)))).toEqual([]);
    const references = pages.filter((name) => name !== "SKILL.md");
    expect(references.filter((name) => !new RegExp(`\`${name}\`: read (?:for|before|when|to) `).test(text))).toEqual([]);
  });
});

it.each(COVERAGE)("covers %s: %s", (_file, _heading, where, needles) => {
  const page = readFileSync(join(skill, where), "utf8").replace(/\s+/g, " ");
  expect(needles.filter((needle) => !page.toLowerCase().includes(needle.toLowerCase()))).toEqual([]);
});

it("its settings are valid, and its templates are YAML", () => {
  expect(() => parseConfig(readFileSync(join(skill, "assets/expver.yaml"), "utf8"), "expver.yaml")).not.toThrow();
  for (const name of readdirSync(join(skill, "assets"))) {
    expect(() => loadYaml(readFileSync(join(skill, "assets", name), "utf8"), name)).not.toThrow();
  }
});

describe("the older skill's scripts", () => {
  const base = openTestRepository(makeFolder("shims"));
  const bin = join(base.root, "bin");
  base.write("bin/expver", `#!/bin/sh\nexec "${process.execPath}" "${join(root, "dist/main.cjs")}" "$@"\n`);
  base.run("chmod", ["+x", "bin/expver"]);
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const call = (line: string) => {
    const [script = "", ...words] = line.split(" ");
    const program = script.endsWith(".py") ? ["python3", join(skill, "scripts", script)] : [join(skill, "scripts", script)];
    const [first = "", ...rest] = [...program, ...words];
    const { code, stdout, stderr } = base.run(first, rest, { cwd: "demo", env });
    return { code, text: stdout + stderr };
  };

  it("take their own flags and do what they said", { timeout: 240_000 }, () => {
    expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
    const db = "--db results/experiments.db";
    expect(call("version_tag.py --suggest")).toMatchObject({ code: 0, text: expect.stringContaining("e0.3.0") });
    expect(call("version_tag.py --list").text).toContain("e0.2.0");
    expect(call("version_tag.py -s e0.1.0").text).toContain("first baseline");
    expect(call(`version_tag.py -v e0.4.0 ${db} --table predictions -d by-hand --dry-run`)).toMatchObject({ code: 0 });
    expect(call(`experiment_explorer.py list ${db} --sort loss --limit 1`)).toMatchObject({
      code: 0,
      text: expect.stringContaining("e0.2.0"),
    });
    expect(call(`experiment_explorer.py show --version e0.1.0 ${db}`).text).toContain("0.84");
    expect(call(`experiment_explorer.py diff --v1 e0.1.0 --v2 e0.2.0 ${db}`).text).toContain("+0.1");
    expect(call("experiment_explorer.py get -v e0.1.0 -a models/model.json --output old.json --strategy worktree")).toMatchObject({
      code: 0,
    });
    expect(statSync(join(base.root, "demo/old.json")).size).toBe(870);
    expect(call("experiment_explorer.py checkout --version e0.1.0")).toMatchObject({ code: 0 });
    expect(call("experiment_explorer.py worktrees").text).toContain("explore-e0.1.0");
    expect(call("experiment_explorer.py cleanup --version e0.1.0")).toMatchObject({ code: 0 });
    base.run("cp", ["demo/results/experiments.db", "demo/incoming.db"]);
    expect(
      call(
        "merge_artifacts.py --strategy merge --base-db results/experiments.db --exp-db incoming.db --output-db merged.db --id-column track_id",
      ),
    ).toMatchObject({ code: 0 });
    // A rebase that replaces rows needs a person's yes, and says how to give it.
    const incoming = openResults(join(base.root, "demo/incoming.db"));
    incoming.exec('UPDATE "default" SET accuracy = accuracy + 0.001');
    incoming.close();
    const rebase = "merge_artifacts.py --strategy rebase --base-db results/experiments.db --exp-db incoming.db --key-columns version";
    expect(call(rebase)).toMatchObject({ code: 3, text: expect.stringContaining("--plan") });
    expect(call(`model_manager.py list ${db} --metric accuracy`)).toMatchObject({ code: 0, text: expect.stringContaining("0.94") });
    expect(call(`model_manager.py promote ${db} --version e0.2.0 --metric accuracy`)).toMatchObject({ code: 0 });
    expect(call("model_manager.py info").text).toContain("e0.2.0");
    expect(call("model_manager.py download --version e0.1.0 --output downloaded_model.bin")).toMatchObject({ code: 0 });
    expect(call(`model_manager.py prune ${db} --keep 5 --metric accuracy`)).toMatchObject({ code: 0 });
    const run = base.expverJson(["runs", "show"], { cwd: "demo" }).data as { run_id: string };
    expect(call(`model_manager.py add-candidate --model-path old.json --run-id ${run.run_id}`)).toMatchObject({ code: 0 });
    expect(call("setup_worktree.sh side")).toMatchObject({ code: 0 });
    expect(existsSync(join(base.root, "exp-side"))).toBe(true);
  });
});

describe("copies where agents look", () => {
  const places = [".agents/skills/expver", ".claude/skills/expver"];

  function aRepository() {
    const repo = makeRepository();
    expect(repo.expver(["init"]).code).toBe(0);
    return repo;
  }

  it("installs, checks and removes them, and undo takes an installation back", () => {
    const repo = aRepository();
    expect(repo.expver(["skill", "install"]).code).toBe(0);
    for (const place of places) {
      expect(repo.read(`${place}/SKILL.md`)).toBe(text);
      expect(statSync(join(repo.root, place, "scripts/setup_worktree.sh")).mode & 0o111).not.toBe(0);
    }
    expect(repo.expverJson(["skill", "check"])).toMatchObject({
      code: 0,
      data: { copies: [{ state: "current" }, { state: "current" }, {}, {}] },
    });
    expect(repo.expverJson(["skill", "install"]).data).toMatchObject({ files: 0 });
    expect(repo.expver(["undo"]).code).toBe(0);
    for (const place of places) expect(existsSync(join(repo.root, place))).toBe(false);
    expect(repo.expver(["skill", "install"]).code).toBe(0);
    expect(repo.expver(["skill", "remove"]).code).toBe(0);
    for (const place of places) expect(existsSync(join(repo.root, place, "SKILL.md"))).toBe(false);
  });

  it("never overwrites what was edited, unasked", () => {
    const repo = aRepository();
    expect(repo.expver(["skill", "install"]).code).toBe(0);
    repo.write(`${places[0]}/SKILL.md`, "mine\n");
    repo.write(`${places[1]}/notes.md`, "also mine\n");
    expect(repo.expverJson(["skill", "check"])).toMatchObject({
      code: 5,
      data: { copies: [{ state: "edited", edited: ["SKILL.md"] }, { state: "current" }, {}, {}] },
    });
    expect(repo.expverJson(["skill", "install"])).toMatchObject({ code: 4, error: { code: "E_UNSAVED" } });
    expect(repo.read(`${places[0]}/SKILL.md`)).toBe("mine\n");
    expect(repo.expver(["skill", "install", "--force"]).code).toBe(0);
    expect(repo.read(`${places[0]}/SKILL.md`)).toBe(text);
    expect(repo.read(`${places[0]}/SKILL.md.edited`)).toBe("mine\n");
    repo.write(`${places[0]}/references/workflows.md`, "mine again\n");
    expect(repo.expver(["skill", "remove"]).code).toBe(0);
    expect(repo.read(`${places[0]}/references/workflows.md`)).toBe("mine again\n");
    expect(repo.read(`${places[1]}/notes.md`)).toBe("also mine\n");
  });

  it("leaves a folder of somebody else alone", () => {
    const repo = aRepository();
    repo.write(`${places[0]}/SKILL.md`, "another tool's\n");
    expect(repo.expverJson(["skill", "install"])).toMatchObject({ code: 4 });
    expect(repo.expver(["skill", "remove"]).code).toBe(0);
    expect(repo.read(`${places[0]}/SKILL.md`)).toBe("another tool's\n");
  });

  it("doctor names a copy of another release", () => {
    const repo = aRepository();
    expect(repo.expver(["skill", "install"]).code).toBe(0);
    const manifest = `${places[0]}/.expver-skill.json`;
    repo.write(manifest, repo.read(manifest).replace(version, "0.0.1"));
    const { data } = repo.expverJson(["doctor"]) as { data: { findings: { check: string }[] } };
    expect(data.findings.filter(({ check }) => check === "skill-drift")).toHaveLength(1);
    expect(repo.expver(["skill", "install"]).code).toBe(0);
    expect(repo.expverJson(["skill", "check"]).code).toBe(0);
  });

  it("a manifest cannot lead out of its folder", () => {
    const repo = aRepository();
    repo.write("precious.txt", "keep\n");
    repo.write(
      `${places[0]}/.expver-skill.json`,
      JSON.stringify({ version, files: { "../../../precious.txt": "0", "/etc/hostname": "0" } }),
    );
    expect(repo.expver(["skill", "remove"]).code).toBe(0);
    expect(repo.read("precious.txt")).toBe("keep\n");
  });

  it("--user installs into the home folder", () => {
    const repo = aRepository();
    const home = makeFolder("home");
    expect(repo.expver(["skill", "install", "--user"], { env: { HOME: home } }).code).toBe(0);
    for (const place of places) expect(readFileSync(join(home, place, "SKILL.md"), "utf8")).toBe(text);
    expect(repo.git("status", "--porcelain", "--", ".agents", ".claude")).toBe("");
  });
});

it("its plugin manifests are of this release and name what is there", () => {
  const read = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));
  for (const path of ["plugin.json", ".claude-plugin/plugin.json"]) expect(read(path)).toMatchObject({ name: "expver", version });
  expect(read(".claude-plugin/marketplace.json")).toMatchObject({ name: "expver", plugins: [{ name: "expver", source: "./" }] });
  expect(read("mcp.json")).toEqual(read(".mcp.json"));
  expect(read("mcp.json").mcpServers.expver.args).toContain("mcp");
});

const validator = peer("agentskills");

it.skipIf(validator === null)("passes the reference validator, which refuses what is wrong", () => {
  const validate = (folder: string) => spawnSync(String(validator), ["validate", folder], { encoding: "utf8" });
  expect(validate(skill)).toMatchObject({ status: 0 });
  const other = join(makeFolder("skill"), "another-name");
  cpSync(skill, other, { recursive: true });
  expect(validate(other)).toMatchObject({ status: 1 });
});
