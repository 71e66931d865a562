/** The Python that a command runs with, as far as its words and the environment tell, and what it says of itself. */
import { closeSync, openSync, readSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { isFile } from "../../../platform/files.ts";
import { findProgram } from "../../../platform/find-program.ts";
import { runProcess } from "../../../platform/processes.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface PythonFacts {
  /** As the program is called: `python3.11`. */
  name: string;
  /** As `3.11.2`. */
  version: string;
  /** `sys.prefix`. */
  prefix: string;
  /** Absolute folders it looks for modules in, the first ones first. */
  path: string[];
}

const PYTHON = /^(python|pypy)[\d.]*(\.exe)?$/;
/** They start another program in the environment they are in themselves; after them come their own options. */
const WRAPPERS = ["env", "nice", "nohup", "ionice", "setsid", "stdbuf", "taskset", "time", "timeout", "numactl", "xvfb-run"];
/** They run a program in the `.venv` of the project, as it is. */
const PROJECT_RUNNERS = ["poetry", "pdm"];
/** What these start is elsewhere, or no Python's at all; or they install first what a lock file says (uv), which is recorded as a file. */
const ELSEWHERE =
  /^(docker|podman|nerdctl|singularity|apptainer|ssh|kubectl|sbatch|srun|conda|mamba|micromamba|pixi|uvx?|rye|pipx|hatch|tox|nox|node|npm|npx|julia|Rscript|R)$/;
/** Installed for itself, as a tool is; what it runs are commands of its stages. */
const OWN_PYTHON = ["dvc"];

/** Path or name of the interpreter; null: none, or it cannot be told. It is better not to say than to say what another one has. */
export function pythonOf({ argv, cwd, env }: { argv: readonly string[]; cwd: string; env: Env }): string | null {
  const [program = "", first] = withoutWrappers(argv);
  const name = basename(program);
  if (PYTHON.test(name)) return program;
  if (PROJECT_RUNNERS.includes(name)) return first === "run" ? pythonOfProject(cwd) : null;
  if (ELSEWHERE.test(name)) return null;
  const file = findProgram(program, { cwd, env });
  const interpreter = file === null || OWN_PYTHON.includes(name) ? null : shebangOf(file);
  if (interpreter !== null && PYTHON.test(basename(interpreter))) return interpreter;
  const active = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  return active ? pythonIn(active) : null;
}

/** `env LR=1 python train.py` runs python. */
function withoutWrappers(argv: readonly string[]): readonly string[] {
  if (!WRAPPERS.includes(basename(argv[0] ?? ""))) return argv;
  const python = argv.findIndex((word) => PYTHON.test(basename(word)));
  return python < 0 ? argv : argv.slice(python);
}

function pythonOfProject(cwd: string): string | null {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const found = pythonIn(join(folder, ".venv"));
    if (found !== null || dirname(folder) === folder) return found;
  }
}

function pythonIn(prefix: string): string | null {
  const path = join(prefix, "bin", "python");
  return isFile(path) ? path : null;
}

/** The program that runs a script: of `#!/usr/bin/env python3` the name. */
function shebangOf(file: string): string | null {
  const [, line] = /^#!\s*([^\n]*)/.exec(headOf(file)) ?? [];
  const words = (line ?? "").trim().split(/\s+/);
  const word = basename(words[0] ?? "") === "env" ? words.slice(1).find((one) => !one.startsWith("-")) : words[0];
  return word || null;
}

function headOf(file: string): string {
  try {
    const head = Buffer.alloc(256);
    const descriptor = openSync(file, "r");
    try {
      return head.toString("latin1", 0, readSync(descriptor, head, 0, head.length, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return ""; // whoever starts it says what is wrong
  }
}

const MARK = "expver asks";
const QUESTION = `import sys; print("\\n".join(["${MARK}", sys.version.split()[0], sys.prefix] + sys.path))`;
/** On a cold drive of a network it may take its time. */
const PATIENCE_MS = 20_000;

/** Null when it does not answer. */
export function askPython(interpreter: string, { cwd, env }: { cwd: string; env: Env }): PythonFacts | null {
  try {
    const { code, stdout } = runProcess(interpreter, ["-c", QUESTION], { cwd, env, timeoutMs: PATIENCE_MS });
    // What runs at its start may print, too.
    const lines = stdout.toString("utf8").split(/\r?\n/);
    const [version, prefix, ...path] = lines.slice(lines.indexOf(MARK) + 1);
    if (code !== 0 || !lines.includes(MARK) || version === undefined || prefix === undefined) return null;
    return { name: basename(interpreter), version, prefix, path: path.filter((folder) => isAbsolute(folder)) };
  } catch {
    return null;
  }
}
