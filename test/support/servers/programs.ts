/** Server programs that tests start themselves. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

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

/**
 * Starts a server in the foreground and waits until it takes connections. What it says goes to a file: a test that waits for expver reads no
 * pipe meanwhile, and a server that talks much would stand still.
 */
export async function startServer(
  program: string,
  args: string[],
  { port, env }: { port: number; env?: NodeJS.ProcessEnv },
): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), "expver-server-"));
  const log = join(folder, "log");
  const output = openSync(log, "a");
  const child = spawn(program, args, { stdio: ["ignore", output, output], env: env ?? process.env });
  closeSync(output);
  let said = "";
  child.once("exit", () => {
    said = readFileSync(log, "utf8").slice(-4000);
    rmSync(folder, { recursive: true, force: true });
  });
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) break;
    if (await isListening(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await ended(child, "SIGKILL");
  throw new Error(`${program} ${args.join(" ")} did not start: ${said}`);
}

export async function stopServer(child: ChildProcess): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await ended(child, "SIGTERM");
  clearTimeout(timer);
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await over;
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
