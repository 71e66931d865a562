/** `expver demo [DIR]`: makes a small real repository and plays the story in it with the real commands. */
import { mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { isMissing, writeFileAtomic } from "../platform/files.ts";
import { packageRoot } from "../platform/package-root.ts";
import { runProcess } from "../platform/processes.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { demoFiles } from "./demo/files.ts";
import { NEXT, STORY } from "./demo/story.ts";
import { fingerprintOf } from "./plan.ts";

export interface DemoPlan extends Plan {
  /** Absolute. */
  folder: string;
}

export interface DemoResult {
  /** Absolute. */
  folder: string;
  /** Commands played, as typed. */
  played: string[];
  /** Commands to type next. */
  next: string[];
}

export const demo: WriteWorkflow<Input, DemoPlan, DemoResult> = {
  async plan(context, input) {
    const folder = resolve(context.cwd, typeof input.dir === "string" ? input.dir : "expver-demo");
    refuseUsed(folder);
    return {
      command: "demo",
      steps: [
        { verb: "create", target: folder, detail: "Git repository with a training script and the iris data" },
        ...STORY.map(({ command }) => ({ verb: "type", target: typed(command) })),
      ],
      destructive: false,
      fingerprint: fingerprintOf({ folder, story: STORY }),
      folder,
    };
  },

  async apply(context, { folder: asked }) {
    refuseUsed(asked);
    mkdirSync(asked, { recursive: true });
    const folder = realpathSync(asked);
    const env = storyEnvironment(context);
    for (const [path, text] of demoFiles()) writeFileAtomic(join(folder, path), text);
    openRepository(folder, env);
    for (const { says, command } of STORY) {
      context.report({ kind: "command", text: typed(command), says });
      context.report({ kind: "output", chunk: Buffer.from(must(command, { cwd: folder, env })) });
    }
    return { folder, played: STORY.map(({ command }) => typed(command)), next: NEXT };
  },
};

function refuseUsed(folder: string): void {
  try {
    if (readdirSync(folder).length === 0) return;
  } catch (error) {
    if (isMissing(error)) return;
  }
  throw new ExpverError("E_DEMO_FOLDER", `${folder} is not an empty folder`, {
    hint: "Name another one: expver demo DIR",
    details: { folder },
  });
}

/** The demo is a repository of its own, also when it is made inside another one or from a Git hook. */
function storyEnvironment({ env, columns }: Context): Record<string, string | undefined> {
  const own = Object.entries(env).filter(([name]) => !/^(?:GIT_(?!AUTHOR_|COMMITTER_|CONFIG)|EXPVER_)/.test(name));
  return { ...Object.fromEntries(own), ...(columns === undefined ? {} : { FORCE_COLOR: "1", COLUMNS: String(columns) }) };
}

type Surroundings = { cwd: string; env: Record<string, string | undefined> };

function openRepository(folder: string, env: Surroundings["env"]): void {
  const surroundings = { cwd: folder, env };
  must(["git", "init", "-q"], surroundings);
  rmSync(join(folder, ".git/hooks"), { recursive: true, force: true });
  if (runProcess("git", ["config", "user.email"], surroundings).code !== 0) {
    must(["git", "config", "user.name", "expver demo"], surroundings);
    must(["git", "config", "user.email", "demo@example.invalid"], surroundings);
  }
  must(["git", "add", "README.md", ".gitignore", "expver.yaml", "package.json", "train.js"], surroundings);
  must(["git", "commit", "-q", "-m", "A training script"], surroundings);
}

/** Runs one command and answers what it printed; a demo that fails half-way says where. */
function must([program = "", ...args]: string[], surroundings: Surroundings): string {
  const [file, before] = installed(program);
  const { code, stdout, stderr } = runProcess(file, [...before, ...args], surroundings);
  const text = `${stderr}${stdout.toString("utf8")}`;
  if (code === 0) return text;
  throw new ExpverError("E_DEMO", `\`${[program, ...args].join(" ")}\` failed with exit code ${code} in ${surroundings.cwd}\n${text}`, {
    details: { command: [program, ...args], exitCode: code, folder: surroundings.cwd },
  });
}

/** `expver` and `node` need not be on the PATH. */
function installed(program: string): [file: string, before: string[]] {
  if (program === "expver") return [process.execPath, [join(packageRoot(), "dist/main.js")]];
  return [program === "node" ? process.execPath : program, []];
}

function typed(command: string[]): string {
  return command.map(quoted).join(" ");
}

function quoted(word: string): string {
  return /^[\w./=:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
