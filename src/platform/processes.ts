/** Child processes, and who is alive. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";
import { ExpverError } from "../errors.ts";
import { hasCode } from "./files.ts";

/** @internal */
export interface ProcessResult {
  /** Exit code; 128 + signal number when a signal ended it. */
  code: number;
  stdout: Buffer;
  stderr: string;
}

export interface RunOptions {
  cwd: string;
  env?: Readonly<Record<string, string | undefined>>;
  input?: string | Uint8Array;
  /** Ends the program after this many milliseconds; the code is then 128. */
  timeoutMs?: number;
  /** Then also what it has started: a git that is ended leaves its ssh waiting for a server that is silent. No terminal reaches them. */
  withChildren?: boolean;
}

/**
 * Runs a program to its end with its output captured. Arguments are a list: no shell, no quoting.
 *
 * @internal
 */
export function runProcess(
  program: string,
  args: readonly string[],
  { cwd, env, input, timeoutMs, withChildren = false }: RunOptions,
): ProcessResult {
  // Node knows the option here too, its types do not.
  const ownGroup = withChildren ? { detached: true } : {};
  const result = spawnSync(program, [...args], {
    ...ownGroup,
    cwd,
    env: env ?? process.env,
    input: input ?? "",
    maxBuffer: 2 ** 31 - 1,
    windowsHide: true,
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  const timedOut = hasCode(result.error, "ETIMEDOUT");
  if (timedOut && withChildren) endGroup(result.pid);
  // It may have ended before it read its input: how it ended is the answer.
  const leftInput = hasCode(result.error, "EPIPE") && result.status !== null;
  if (result.error && !timedOut && !leftInput) {
    const missing = hasCode(result.error, "ENOENT");
    // The system says the same of a program and of the folder it is to work in.
    if (missing && !existsSync(cwd))
      throw new ExpverError("E_IO", `cannot start ${program} in ${cwd}: there is no such folder`, {
        details: { program, cwd },
        cause: result.error,
      });
    throw new ExpverError("E_IO", missing ? `cannot start ${program}: not found` : `cannot start ${program}: ${result.error.message}`, {
      ...(missing ? { hint: `Install ${program}, or put it on the PATH.` } : {}),
      details: { program },
      cause: result.error,
    });
  }
  return { code: result.status ?? 128, stdout: result.stdout, stderr: result.stderr.toString("utf8") };
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGTERM");
  } catch {} // all of it has ended
}

/** Names one process for ever: a pid alone is reused. */
export interface ProcessIdentity {
  host: string;
  /** Tells machines of one name apart; empty where the system does not tell. Earlier versions did not write it. */
  machine?: string;
  /** Changes at each boot; empty where the system does not tell. */
  boot: string;
  /** Whose numbers `pid` is one of: a container has its own. Empty where the system does not tell; earlier versions did not write it. */
  space?: string;
  pid: number;
  /** Kernel start time of the process; empty where the system does not tell. */
  start: string;
  /** A moment at which whoever wrote this was at work, in milliseconds. Earlier versions did not write it. */
  at?: number;
}

const BEGAN = Date.now();

export function identityOf(pid: number): ProcessIdentity {
  return {
    host: hostname(),
    machine: machineDigest(),
    boot: bootId(),
    space: pidSpace(),
    pid,
    start: startTime(pid) ?? "",
    at: BEGAN,
  };
}

/** "unknown" when the process ran on another machine, or where a container cannot look: never treat that as dead. */
export function lifeOf(identity: ProcessIdentity): "alive" | "dead" | "unknown" {
  if (identity.host !== hostname()) return "unknown";
  if (isOfNamesake(identity)) return "unknown";
  if (identity.boot !== bootId()) return "dead";
  if (isInOtherSpace(identity)) return lifeInContainer(identity);
  const start = startTime(identity.pid);
  if (start !== undefined) return start === identity.start ? "alive" : "dead";
  if (!isAlive(identity.pid)) return "dead";
  if (process.platform !== "linux") return "alive";
  return seesAll() ? "dead" : "unknown";
}

/** This process in the name of a file: its number and start, digests of where that number counts and of the boot. */
export function processMark(): string {
  const start = Number(startTime(process.pid) ?? 0).toString(36);
  return `${process.pid}-${start}-${shortDigest(spaceOfPids())}${shortDigest(bootId())}`;
}

/** Of whoever wrote a mark; `at`: a moment at which it was at work, in milliseconds. */
export function lifeOfMark(mark: string, at: number): "alive" | "dead" | "unknown" {
  const [, pid, start, space, boot] = /^(\d+)-([0-9a-z]+)-([0-9a-f]{6})([0-9a-f]{6})$/.exec(mark) ?? [];
  if (space !== shortDigest(spaceOfPids())) return "unknown";
  if (boot !== shortDigest(bootId())) return isSinceBoot(at) ? "unknown" : "dead";
  const now = startTime(Number(pid));
  if (now === undefined) return isAlive(Number(pid)) ? "alive" : "dead";
  return Number(now).toString(36) === start ? "alive" : "dead";
}

function shortDigest(text: string): string {
  return createHash("md5").update(text).digest("hex").slice(0, 6);
}

/** The number a living process has here, to signal it by; null when it cannot be reached from here. */
export function numberHere(identity: ProcessIdentity): number | null {
  if (lifeOf(identity) !== "alive") return null;
  return isInOtherSpace(identity) ? (numberOutside(identity) ?? null) : identity.pid;
}

/** Where to look for a process of which nothing is known here. */
export function whereIs(identity: ProcessIdentity): string {
  if (identity.host === hostname() && isOfNamesake(identity)) return `${identity.host}, another machine of that name`;
  return identity.host === hostname() && isInOtherSpace(identity) ? `${identity.host}, outside of this container` : identity.host;
}

/** Host, machine and numbers of processes as one: elsewhere the same pid is another process. */
export function spaceOfPids(): string {
  return hostname() + machineDigest() + ownSpace();
}

/** The same as earlier versions said it, who did not tell machines of one name apart. */
export function earlierSpaceOfPids(): string {
  return hostname() + ownSpace();
}

function ownSpace(): string {
  const space = pidSpace();
  return space === MACHINE_SPACE ? "" : space;
}

/** Of one boot is of one machine, whatever a container says: an image may bring an id of its own. */
function isOfNamesake({ machine = "", boot, at }: ProcessIdentity): boolean {
  if (boot !== "" && boot === bootId()) return false;
  const here = machineDigest();
  if (machine !== "" && here !== "" && machine !== here) return true;
  // Machines made from one image have one id too.
  return boot !== "" && bootId() !== "" && at !== undefined && isSinceBoot(at);
}

/** What another boot wrote then was no earlier boot of this machine. */
export function isSinceBoot(at: number): boolean {
  return at > Date.now() - uptime() * 1000 + CLOCKS_DIFFER_MS;
}

const CLOCKS_DIFFER_MS = 10_000;

let machine: string | null = null;

/** The id itself is to be shown to nobody (machine-id(5)). */
function machineDigest(): string {
  machine ??= MACHINE_IDS.map(idIn).find((id) => id !== "") ?? "";
  return machine === "" ? "" : createHash("md5").update(`expver ${machine}`).digest("hex").slice(0, 12);
}

const MACHINE_IDS = ["/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"];

function idIn(file: string): string {
  try {
    return /^[0-9a-f-]{32,}$/i.exec(readFileSync(file, "utf8").trim())?.[0] ?? "";
  } catch {
    return "";
  }
}

// Of the machine itself, by Linux.
const MACHINE_SPACE = "pid:[4026531836]";

function pidSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function isInOtherSpace({ space = "" }: ProcessIdentity): boolean {
  const here = pidSpace();
  return space !== "" && here !== "" && space !== here;
}

/** The machine sees what runs in its containers; these see neither it nor each other. */
function lifeInContainer(identity: ProcessIdentity): "alive" | "dead" | "unknown" {
  if (pidSpace() !== MACHINE_SPACE || !seesAll()) return "unknown";
  return numberOutside(identity) === undefined ? "dead" : "alive";
}

function numberOutside({ pid, start }: ProcessIdentity): number | undefined {
  return listProcesses().find((outside) => startTime(outside) === start && pidInContainer(outside) === pid);
}

function pidInContainer(outside: number): number | undefined {
  try {
    const numbers = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${outside}/status`, "utf8"))?.[1] ?? "";
    return Number(numbers.trim().split(/\s+/).at(-1));
  } catch {
    return undefined;
  }
}

/** False where /proc shows each user no more than the user's own processes (`hidepid`). */
function seesAll(): boolean {
  return startTime(1) !== undefined;
}

/**
 * Processes of ours that were started with this variable in their environment, oldest first. Only where /proc tells; else none.
 * Finds a program whose starter died between starting it and writing down its pid.
 */
export function findByEnvironment(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  const found = listProcesses().filter((pid) => pid !== process.pid && environmentOf(pid).includes(wanted));
  return found.sort((a, b) => Number(startTime(a) ?? 0) - Number(startTime(b) ?? 0));
}

function listProcesses(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** Whether this process was started by that one, or by one that was; false also where the system does not tell. */
export function descendsFrom(ancestor: number): boolean {
  for (let pid = process.ppid; pid > 1; pid = Number(statFields(pid)[1] ?? 0)) {
    if (pid === ancestor) return true;
  }
  return false;
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process (or it is a zombie). */
function startTime(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** From the third on, the process's state; none when there is no such process. */
function statFields(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** Another user's process hears nothing from us. */
export function maySignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, "EPERM");
  }
}

/** Whether a process of that number lives here; a number may have been given to another one since. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}
