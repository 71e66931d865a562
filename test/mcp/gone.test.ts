/** What becomes of work when the client goes away. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Jobs } from "../../src/mcp/command.ts";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

it("a sweep that would go on for an hour is stopped, recorded, and can be resumed", async () => {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  const pids = join(makeFolder("pids"), "started");
  repo.commit("start", { "wait.sh": `echo $$ >> ${pids}; exec sleep 3600\n` });
  const { server, call, answered } = await serve(repo);
  call(2, "expver_plan_run", { command: ["sh", "wait.sh"], grid: { lr: [1, 2] } });
  const { plan } = (await answered(2)).result.structuredContent;
  call(3, "expver_apply", { plan });
  await until(() => existsSync(pids) && readFileSync(pids, "utf8").endsWith("\n"));
  const pid = Number(readFileSync(pids, "utf8").split("\n")[0]);
  expect(isAlive(pid)).toBe(true);
  server.stdin.end();
  const [code] = await once(server, "exit");
  expect(code).toBe(0);
  await until(() => !isAlive(pid));
  const { sweeps } = repo.expverJson(["sweep", "list"]).data as { sweeps: unknown[] };
  expect(sweeps).toHaveLength(1);
});

it("a request that is cancelled before it is begun does nothing, and its plan can still be applied", async () => {
  const repo = makeRepository();
  repo.commit("start", { "train.sh": "true\n" });
  const { server, call, send, answered } = await serve(repo);
  call(2, "expver_plan_tag", { description: "by hand" });
  const { plan } = (await answered(2)).result.structuredContent;
  send(callOf(3, "expver_apply", { plan }), { method: "notifications/cancelled", params: { requestId: 3 } });
  call(4, "expver_apply", { plan });
  expect((await answered(4)).result.structuredContent).toMatchObject({ state: "done" });
  server.stdin.end();
  await once(server, "exit");
});

it("a signal given before anybody listened is heard", async () => {
  const repo = makeRepository();
  const jobs = new Jobs();
  const job = jobs.start(repo.root, ["list"]);
  expect(await jobs.wait(job, { signal: AbortSignal.abort() })).toEqual({ state: "running" });
  await job.ended;
});

/** A server that asks nobody, spoken to line by line. */
async function serve(repo: TestRepository) {
  const env = repo.context.env as NodeJS.ProcessEnv;
  const server = spawn(process.execPath, [MAIN, "mcp", "--unconfirmed"], { cwd: repo.root, env, stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  server.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  const answered = async (id: number): Promise<{ result: { structuredContent: Record<string, unknown> } }> => {
    for (;;) {
      // What is behind the last line's end is perhaps half a line.
      const line = said
        .split("\n")
        .slice(0, -1)
        .find((one) => one.includes(`"id":${id}`));
      if (line !== undefined) return JSON.parse(line);
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const send = (...messages: object[]) =>
    server.stdin.write(messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join(""));
  const clientInfo = { name: "test", version: "1" };
  send({ id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo } });
  await answered(1);
  send({ method: "notifications/initialized" });
  const call = (id: number, name: string, args: object) => send(callOf(id, name, args));
  return { server, call, send, answered };
}

const callOf = (id: number, name: string, args: object) => ({ id, method: "tools/call", params: { name, arguments: args } });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 50));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
