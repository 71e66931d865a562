/** A client that answers for one plan what the person was asked about another, spoken without a client library. */
import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeRepository } from "../support/repository.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
};

interface Answer {
  error?: { code: number };
  result?: { isError?: boolean; resultType?: string; requestState?: string; structuredContent?: { plan: string } };
}

it("one plan's yes applies no other, and a state that was touched none at all", async () => {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  repo.commit("start", { "a.txt": "a\n" });
  const server = spawn(process.execPath, [MAIN, "mcp"], {
    cwd: repo.root,
    env: repo.context.env as NodeJS.ProcessEnv,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  server.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  let last = 0;
  const call = async (name: string, args: object, more: object = {}): Promise<Answer> => {
    last += 1;
    const id = last;
    const params = { name, arguments: args, ...more, _meta: META };
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params })}\n`);
    for (;;) {
      // What is behind the last line's end is perhaps half a line.
      const lines = said.split("\n").slice(0, -1);
      const line = lines.find((one) => one.startsWith("{") && JSON.parse(one).id === id);
      if (line !== undefined) return JSON.parse(line);
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  const planned = async (version: string) => {
    const { result } = await call("expver_plan_tag", { version });
    const plan = result?.structuredContent?.plan ?? "";
    const asked = await call("expver_apply", { plan });
    expect(asked.result?.resultType).toBe("input_required");
    return { plan, requestState: asked.result?.requestState ?? "" };
  };
  const yes = { inputResponses: { confirm: { action: "accept", content: { confirm: "yes" } } } };
  const [one, other, third] = [await planned("e0.1.0"), await planned("e0.2.0"), await planned("e0.3.0")];
  const applied = (answer: Answer) => answer.error === undefined && answer.result?.isError !== true;
  expect(applied(await call("expver_apply", { plan: one.plan }, { ...yes, requestState: other.requestState }))).toBe(false);
  expect(applied(await call("expver_apply", { plan: other.plan }, yes))).toBe(false);
  const touched = third.requestState.replace(/.$/, (end) => (end === "A" ? "B" : "A")).replace("v1.", "v1.e");
  expect(applied(await call("expver_apply", { plan: third.plan }, { ...yes, requestState: touched }))).toBe(false);
  expect(repo.git("tag", "--list")).toBe("");
  expect(applied(await call("expver_apply", { plan: third.plan }, { ...yes, requestState: third.requestState }))).toBe(true);
  expect(repo.git("tag", "--list")).toBe("e0.3.0");
  server.stdin.end();
});
