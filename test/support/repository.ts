/** Real repositories in temporary folders, cut off from the machine's own Git configuration, with a pinned clock and seeded random. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { findRepository, type Repository } from "../../src/git/git.ts";
import { type Context, type ProgressEvent, systemContext } from "../../src/platform/context.ts";
import { type CommandResult, runCommandLine } from "./command-line.ts";

export type { CommandResult };

/** What a command line printed with `--json`. */
interface TestEnvelope {
  schema: 1;
  ok: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every command.
  data: any;
  warnings: { text: string; hint?: string }[];
  error: { code: string; message: string; hint: string; details: Record<string, unknown> } | null;
}

interface CallOptions {
  /** Relative to the repository's root. */
  cwd?: string;
  env?: Record<string, string>;
  input?: string | Uint8Array;
}

export interface TestRepository {
  /** Top of the worktree, symbolic links resolved. */
  readonly root: string;
  /** For calling workflows and modules directly. */
  readonly context: Context;
  readonly repository: Repository;
  /** Everything `context.report` was given. */
  readonly events: ProgressEvent[];
  /** Texts of the warnings among them. */
  warnings(): string[];
  /** Sets the clock; it stands still until the next call. Commits advance it by one second. */
  setTime(iso: string): void;
  write(path: string, content: string | Uint8Array): void;
  read(path: string): string;
  /** Runs git and answers its trimmed output; throws with git's words when it fails. */
  git(...args: string[]): string;
  /** Writes the files, stages everything and commits; answers the commit's name. */
  commit(message: string, files?: Record<string, string | Uint8Array>): string;
  /** Runs a program with the repository's isolated environment. */
  run(program: string, args: string[], options?: CallOptions): CommandResult;
  /** Runs the built command line. */
  expver(args: string[], options?: CallOptions): CommandResult;
  /** The same with `--json`, parsed. */
  expverJson(args: string[], options?: CallOptions): TestEnvelope & { code: number };
}

/** Where temporary folders are made: memory when there is some, for speed. */
export const FAST_FOLDER = isWritable("/dev/shm") ? "/dev/shm" : tmpdir();

const made: string[] = [];

afterAll(() => {
  // Again where a program that is just ending still writes into it.
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** An empty folder that goes away after the test file. */
export function makeFolder(name = "folder"): string {
  const folder = realpathSync(mkdtempSync(join(FAST_FOLDER, `expver-${name}-`)));
  made.push(folder);
  return folder;
}

/** A fresh repository on branch `main` with an identity and no commit. `bare`, `clone` and sub-folders: see options. */
export function makeRepository(options: { cloneOf?: string; bare?: boolean; env?: Record<string, string> } = {}): TestRepository {
  const base = makeFolder("repo");
  const env = isolatedEnvironment(base, options.env);
  const root = join(base, "work");
  const init =
    options.cloneOf === undefined ? ["init", "-q", ...(options.bare ? ["--bare"] : []), root] : ["clone", "-q", options.cloneOf, root];
  must(spawnSync("git", init, { env, encoding: "utf8" }), init);
  return openTestRepository(root, env);
}

/** The same handle on a folder that exists: a linked worktree, a clone, a folder without Git (`repository` then throws when used). */
export function openTestRepository(root: string, env: Record<string, string> = isolatedEnvironment(makeFolder("home"))): TestRepository {
  const events: ProgressEvent[] = [];
  let now = Date.parse("2026-03-01T12:00:00Z");
  const context = systemContext({
    cwd: root,
    env,
    clock: () => new Date(now),
    random: seededRandom(1),
    report: (event) => void events.push(event),
  });
  let repository: Repository | null = null;

  const run = (program: string, args: string[], { cwd, env: extra, input }: CallOptions = {}): CommandResult => {
    const result = spawnSync(program, args, {
      cwd: join(root, cwd ?? "."),
      env: { ...env, ...extra },
      input: input ?? "",
      encoding: "utf8",
      maxBuffer: 2 ** 30,
    });
    if (result.error) throw result.error;
    return { code: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
  };
  const git = (...args: string[]) => {
    const date = `${Math.floor(now / 1000)} +0000`;
    return must(run("git", args, { env: { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date } }), args).stdout.trimEnd();
  };
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const expver = (args: string[], { cwd, env: extra, input }: CallOptions = {}) =>
    runCommandLine({ args, cwd: join(root, cwd ?? "."), env: { ...env, ...extra }, input });

  return {
    root,
    context,
    get repository() {
      repository ??= findRepository(context);
      if (repository === null) throw new Error(`no repository in ${root}`);
      return repository;
    },
    events,
    warnings: () => events.flatMap((event) => (event.kind === "warning" ? [event.text] : [])),
    setTime: (iso) => {
      now = Date.parse(iso);
    },
    write,
    read: (path) => readFileSync(join(root, path), "utf8"),
    git,
    commit(message, files = {}) {
      for (const [path, content] of Object.entries(files)) write(path, content);
      git("add", "-A");
      git("commit", "-q", "--allow-empty", "-m", message);
      now += 1000;
      return git("rev-parse", "HEAD");
    },
    run,
    expver,
    expverJson(args, call) {
      const end = args.indexOf("--");
      const at = end < 0 ? args.length : end;
      const { code, stdout, stderr } = expver([...args.slice(0, at), "--json", ...args.slice(at)], call);
      try {
        return { ...(JSON.parse(stdout) as TestEnvelope), code };
      } catch {
        throw new Error(`no JSON on stdout (exit ${code})\nstdout: ${stdout}\nstderr: ${stderr}`);
      }
    },
  };
}

/** Mulberry32: small, seeded, good enough to pick names. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The caller's environment without anything that names another repository, home or run. */
function isolatedEnvironment(base: string, extra: Record<string, string> = {}): Record<string, string> {
  const home = join(base, "home");
  mkdirSync(home, { recursive: true });
  const config =
    '[user]\n\tname = Ada Tester\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n';
  writeFileSync(join(home, ".gitconfig"), config);
  const kept = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !/^(GIT_|EXPVER_(?!PEERS)|DVC_|XDG_|_$)/.test(name),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_CONFIG_DIRS: join(home, "etc"),
    XDG_CACHE_HOME: join(home, ".cache"),
    GIT_CONFIG_NOSYSTEM: "1",
    DVC_NO_ANALYTICS: "1",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    ...extra,
  };
}

function must<Result extends { stdout: string; stderr: string; code?: number; status?: number | null }>(
  result: Result,
  args: string[],
): Result {
  const code = result.code ?? result.status;
  if (code !== 0) throw new Error(`git ${args.join(" ")} (exit ${code}): ${result.stderr}`);
  return result;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
