/** Server programs that tests start themselves. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { connect, createServer } from "node:net";

/**
 * Path of a server program; null when it is not installed, and then the tests that need it are skipped. With EXPVER_REQUIRE_PEERS set it
 * is an error instead.
 */
export function serverProgram(name: string, install: string): string | null {
  const found = spawnSync("sh", ["-c", `PATH="$PATH:/usr/sbin:/sbin" command -v ${name}`], { encoding: "utf8" }).stdout.trim();
  if (found !== "") return found;
  if (process.env.EXPVER_REQUIRE_PEERS) throw new Error(`${name} must be installed here: ${install}`);
  console.warn(`skipped: ${name} is not installed (${install})`);
  return null;
}

/**
 * A port for a server that will listen a moment later. Not one that systems give to connections: one of those that other tests open
 * meanwhile would take it. Nor one that a test file beside this one may choose: each worker has a share of its own.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = WORKERS * randomInt(12_000 / WORKERS, 32_000 / WORKERS) + (WORKER % WORKERS);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
}

const WORKERS = 8;
const WORKER = Number(process.env.VITEST_POOL_ID ?? 0);

/** A server takes several, and listens on the first of them long after the last has been found. */
const given = new Set<number>();

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listens) await new Promise((resolve) => server.close(resolve));
  return listens;
}

/** Starts a server in the foreground and waits until it takes connections. */
export async function startServer(
  program: string,
  args: string[],
  { port, env }: { port: number; env?: NodeJS.ProcessEnv },
): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: env ?? process.env });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-4000);
    });
  }
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) break;
    if (await isListening(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`${program} ${args.join(" ")} did not start: ${said}`);
}

export async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await ended;
  clearTimeout(timer);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
