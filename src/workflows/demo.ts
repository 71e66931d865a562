/** `expver demo [DIR]`: makes a small real repository and plays the story in it with the real commands. */

import { readdirSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { isMissing, makeFolders, removePath, writeFileAtomic } from "../platform/files.ts";
import { packageRoot } from "../platform/package-root.ts";
import { runProcess } from "../platform/processes.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { demoFiles, PROGRAMS } from "./demo/files.ts";
import { experimentFolder, NEXT, type Scene, story, typed } from "./demo/story.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";

export interface DemoPlan extends Plan {
  /** Absolute. */
  folder: string;
  /** Only the first scenes. */
  brief: boolean;
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
    const folder = resolve(context.cwd, textIn(input.dir) ?? "expver-demo");
    const brief = input.brief === true;
    refuseUsed(folder, brief);
    const scenes = story(folder, { brief });
    return {
      command: "demo",
      steps: [
        { verb: "create", target: folder, detail: "Git repository with a training script and the iris data" },
        ...scenes.map((scene) => ({ verb: "type", target: typed(scene) })),
      ],
      destructive: false,
      fingerprint: fingerprintOf({ folder, scenes }),
      folder,
      brief,
    };
  },

  async apply(context, { folder: asked, brief }) {
    refuseUsed(asked, brief);
    makeFolders(asked);
    const folder = realpathSync(asked);
    const env = storyEnvironment(context);
    for (const [path, text] of demoFiles()) writeFileAtomic(join(folder, path), text);
    openRepository(folder, env);
    const scenes = story(folder, { brief });
    for (const scene of scenes) play(context, scene, { cwd: scene.in ?? folder, env });
    return { folder, played: scenes.map(typed), next: NEXT };
  },
};

function play(context: Context, scene: Scene, surroundings: Surroundings): void {
  context.report({ kind: "command", text: typed(scene), says: scene.says });
  context.report({ kind: "output", chunk: Buffer.from(must(scene.command, surroundings, scene.ends)) });
}

/** The whole story also needs a place beside the folder, for a worktree. */
function refuseUsed(folder: string, brief: boolean): void {
  const used = [folder, ...(brief ? [] : [experimentFolder(folder)])].find((place) => !isFree(place));
  if (used === undefined) return;
  throw new ExpverError("E_DEMO_FOLDER", `${used} is not an empty folder`, {
    hint:
      used === folder
        ? "Name another one: expver demo DIR"
        : "Name a folder elsewhere: expver demo DIR, or leave the worktree out: expver demo --brief",
    details: { folder: used },
  });
}

function isFree(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch (error) {
    return isMissing(error);
  }
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
  removePath(join(folder, ".git/hooks"));
  if (runProcess("git", ["config", "user.email"], surroundings).code !== 0) {
    must(["git", "config", "user.name", "expver demo"], surroundings);
    must(["git", "config", "user.email", "demo@example.invalid"], surroundings);
  }
  must(["git", "add", "README.md", ".gitignore", "expver.yaml", "package.json", ...PROGRAMS], surroundings);
  must(["git", "commit", "-q", "-m", "A training script"], surroundings);
}

/** Runs one command and answers what it printed; a demo that fails half-way says where. */
function must([program = "", ...args]: string[], surroundings: Surroundings, expected = 0): string {
  const [file, before] = installed(program);
  const { code, stdout, stderr } = runProcess(file, [...before, ...args], surroundings);
  const text = `${stderr}${stdout.toString("utf8")}`;
  if (code === expected) return text;
  throw new ExpverError("E_DEMO", `\`${[program, ...args].join(" ")}\` failed with exit code ${code} in ${surroundings.cwd}\n${text}`, {
    details: { command: [program, ...args], exitCode: code, folder: surroundings.cwd },
  });
}

/** `expver` and `node` need not be on the PATH. */
function installed(program: string): [file: string, before: string[]] {
  if (program === "expver") return [process.execPath, [join(packageRoot(), "dist/main.cjs")]];
  return [program === "node" ? process.execPath : program, []];
}
