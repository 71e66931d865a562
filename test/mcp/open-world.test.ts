/** Which tools ask a server of Git or of the data, and that they say so: each is watched while it answers. */
import { existsSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, openTestRepository } from "../support/repository.ts";

const CALLS: [tool: string, args: Record<string, unknown>][] = [
  ["expver_list", {}],
  ["expver_advise", {}],
  ["expver_advise", { about: "cleanup" }],
  ["expver_show", { version: "e0.1.0" }],
  ["expver_show", { version: "e0.1.0", about: "lineage" }],
  ["expver_diff", { versions: ["e0.1.0", "e0.2.0"], code: true }],
  ["expver_verify", { versions: ["e0.1.0"], cloud: true }],
  ["expver_sql", { question: "SELECT 1" }],
  ["expver_runs", {}],
  ["expver_run_status", {}],
  ["expver_models", {}],
  ["expver_status", {}],
  ["expver_status", { of: "problems" }],
  ["expver_plan_run", { command: ["node", "train.js"] }],
  ["expver_plan_tag", {}],
  ["expver_plan_share", { action: "publish" }],
  ["expver_plan_get", { version: "e0.1.0", path: "models/model.json", out: "old.json" }],
  ["expver_plan_model", { action: "promote", model: "e0.1.0" }],
  ["expver_plan_model", { action: "prune", keep: 0 }],
  ["expver_plan_merge", { from: ["e0.1.0"] }],
  ["expver_plan_worktree", { action: "create", name: "other" }],
  ["expver_plan_worktree", { action: "finish", name: "side" }],
  ["expver_plan_worktree", { action: "remove", name: "side" }],
  ["expver_plan_data", { action: "push" }],
  ["expver_plan_recovery", { action: "undo" }],
];

it("a tool that reaches for a server says so, and one that says so may", async () => {
  const base = openTestRepository(makeFolder("world"));
  expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
  const repo = openTestRepository(join(base.root, "demo"));
  const asked = join(base.root, "asked");
  base.write("upload-pack", `#!/bin/sh\ntouch "${asked}"\nexec git-upload-pack "$@"\n`);
  base.run("chmod", ["+x", "upload-pack"]);
  repo.git("init", "-q", "--bare", join(base.root, "origin.git"));
  repo.git("remote", "add", "origin", join(base.root, "origin.git"));
  repo.git("config", "remote.origin.uploadpack", join(base.root, "upload-pack"));
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  expect(repo.expver(["data", "remote", "add", "-d", "web", `http://127.0.0.1:${port}/`]).code).toBe(0);
  expect(repo.expver(["models", "add", "e0.1.0"]).code).toBe(0);
  // What the cache lacks must come from the remote.
  repo.commit("remote");
  expect(repo.expver(["worktree", "create", "side"]).code).toBe(0);
  const { data } = repo.expverJson(["show", "e0.1.0"]);
  const hash = /"path":"models\/model\.json"[^{}]*?"hash":"([0-9a-f]+)"|"hash":"([0-9a-f]+)"[^{}]*?"path":"models\/model\.json"/.exec(
    JSON.stringify(data),
  );
  const md5 = hash?.[1] ?? hash?.[2] ?? "";
  rmSync(join(repo.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2)));

  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "legacy" } });
  const env = Object.fromEntries(Object.entries(repo.context.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [MAIN, "mcp"], cwd: repo.root, env, stderr: "inherit" }),
  );
  const { tools } = await client.listTools();
  const says = new Set(tools.filter(({ annotations }) => annotations?.openWorldHint === true).map(({ name }) => name));
  const does = new Set<string>(["expver_apply"]);
  for (const [name, args] of CALLS) {
    rmSync(asked, { force: true });
    requests = 0;
    await client.callTool({ name, arguments: args });
    if (existsSync(asked) || requests > 0) does.add(name);
  }
  await client.close();
  server.close();
  expect([...does].filter((name) => !says.has(name))).toEqual([]);
  // These ask only for listings that the cache lacks.
  expect([...says].filter((name) => !does.has(name) && !["expver_plan_data", "expver_plan_get"].includes(name))).toEqual([]);
  expect(new Set(["expver_apply", ...CALLS.map(([name]) => name)])).toEqual(new Set(tools.map(({ name }) => name)));
});
