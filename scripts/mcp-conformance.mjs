/**
 * Holds `expver mcp` against the protocol's own tools, in both eras: the conformance suite (over HTTP, through a bridge to stdio, which is
 * the only transport we have) and the inspector. Not in the gate: the two are 160 MB, and the suite wants Node 22.
 *
 *   npm run build && node scripts/mcp-conformance.mjs
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const MAIN = resolve(import.meta.dirname, "../dist/main.cjs");
const PACKAGES = ["@modelcontextprotocol/conformance@0.2.0-alpha.12", "@modelcontextprotocol/inspector@2.12.0"];

/** What every server must do. The others call tools of the suite's own "everything" server, or speak of HTTP, tasks and sampling. */
const SCENARIOS = {
  "2025-11-25": ["server-initialize", "ping", "tools-list", "resources-list", "prompts-list"],
  "2026-07-28": ["tools-list", "resources-list", "prompts-list", "sep-2164-resource-not-found", "caching"],
  extension: ["sep-2640-skills-enumeration", "sep-2640-skills-manifest", "sep-2640-skills-directory"],
};

const folder = mkdtempSync(join(tmpdir(), "expver-conformance-"));
const children = new Set();
let failures = 0;
try {
  say("installing the suite and the inspector");
  writeFileSync(join(folder, "package.json"), '{"private":true}\n');
  must("npm", ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--silent", ...PACKAGES]);
  must(process.execPath, [MAIN, "demo", "demo", "--brief"], { stdio: "ignore" });
  const repository = join(folder, "demo");
  await conformance(repository);
  inspector(repository);
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
say(failures === 0 ? "all passed" : `${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

async function conformance(repository) {
  const bridge = await startBridge(repository);
  const suite = join(folder, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
  for (const [revision, scenarios] of Object.entries(SCENARIOS)) {
    for (const scenario of scenarios) {
      const spec = revision === "extension" ? [] : ["--spec-version", revision];
      await check(`conformance ${revision} ${scenario}`, process.execPath, [
        ...[suite, "server", "--url", bridge.url, "--scenario", scenario, ...spec],
      ]);
    }
  }
  bridge.close();
}

function inspector(repository) {
  const cli = join(folder, "node_modules/.bin/mcp-inspector");
  const calls = [
    ["--method", "tools/list", "--strict"],
    ["--method", "resources/list"],
    ["--method", "prompts/list"],
    ["--method", "skills/list", "--verify"],
    ["--method", "tools/call", "--tool-name", "expver_list", "--tool-arg", "limit=1"],
    ["--method", "resources/read", "--uri", "expver://version/e0.1.0"],
  ];
  for (const era of ["legacy", "modern"]) {
    for (const call of calls) {
      const args = ["--cli", process.execPath, MAIN, "mcp", "--cwd", repository, "--protocol-era", era, ...call];
      report(`inspector ${era} ${call.slice(1).join(" ")}`, spawnSync(cli, args, { encoding: "utf8", cwd: folder }));
    }
  }
}

/** Each POST becomes a line of a server's stdin; a session, or all of the requests without one, is one server. */
async function startBridge(repository) {
  const servers = new Map();
  const serverOf = (session) => {
    if (!servers.has(session)) servers.set(session, startStdio(repository));
    return servers.get(session);
  };
  const http = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method !== "POST") return void response.writeHead(405).end();
    const message = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const isNew = message.method === "initialize";
    const session = isNew ? `session-${servers.size + 1}` : (request.headers["mcp-session-id"] ?? "none");
    const server = serverOf(session);
    if (message.id === undefined) {
      server.send(message);
      return void response.writeHead(202).end();
    }
    const answer = await server.ask(message);
    const code = answer.error === undefined ? 200 : ({ [-32601]: 404, [-32602]: 200 }[answer.error.code] ?? 200);
    response.writeHead(code, { "content-type": "application/json", ...(isNew ? { "mcp-session-id": session } : {}) });
    response.end(JSON.stringify(answer));
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${http.address().port}/mcp`, close: () => http.close() };
}

function startStdio(repository) {
  const child = spawn(process.execPath, [MAIN, "mcp"], { cwd: repository, stdio: ["pipe", "pipe", "inherit"] });
  children.add(child);
  const waiting = new Map();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  const send = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
  let count = 0;
  const ask = async (message) => {
    count += 1;
    const id = `bridge-${count}`;
    const answer = new Promise((done) => waiting.set(id, done));
    send({ ...message, id });
    return { ...(await answer), id: message.id };
  };
  return { send, ask };
}

async function check(what, program, args) {
  const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stdout += chunk));
  const status = await new Promise((done) => child.once("close", done));
  report(what, { status, stdout, stderr: "" });
}

function report(what, { status, stdout, stderr }) {
  say(`${status === 0 ? "ok    " : "FAILED"} ${what}`);
  if (status === 0) return;
  failures += 1;
  say(`${stdout}${stderr}`.slice(-2_000));
}

function must(program, args, options = {}) {
  const { status } = spawnSync(program, args, { cwd: folder, stdio: "inherit", ...options });
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}`);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
