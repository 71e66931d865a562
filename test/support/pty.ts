/** The built command line in a real terminal: a pseudo-terminal of Python's, so that no compiler is needed. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { MAIN } from "./command-line.ts";
import { peer } from "./peers.ts";
import type { TestRepository } from "./repository.ts";

const DRIVER = join(import.meta.dirname, "terminal-driver.py");

export interface TerminalOptions {
  width?: number;
  env?: Record<string, string>;
  /** Each: wait until the terminal has shown this text, then type those keys. */
  keys?: [after: string, type: string][];
  cwd?: string;
}

export interface TerminalResult {
  /** Exit code; negative: the signal that ended it. */
  code: number;
  /** Everything that was written to the terminal, escape sequences included. */
  raw: string;
  /** The same without escape sequences, as lines. */
  lines: string[];
}

/** Python, or null when there is none; tests that need a terminal are skipped then. */
export const python = findPython();

/** Runs `expver …` in a terminal. */
export function expverInTerminal(repo: TestRepository, args: string[], options: TerminalOptions = {}): TerminalResult {
  return inTerminal(repo, [process.execPath, MAIN, ...args], options);
}

/** Runs any program in a terminal. */
export function inTerminal(repo: TestRepository, command: string[], options: TerminalOptions = {}): TerminalResult {
  const { width = 80, env = {}, keys = [], cwd } = options;
  const input = JSON.stringify({ command, width, keys });
  const { code, stdout, stderr } = repo.run(python ?? "python3", [DRIVER], {
    input,
    env: { TERM: "xterm-256color", NO_COLOR: "", ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (code !== 0) throw new Error(`the terminal failed: ${stderr}`);
  const { code: exit, text } = JSON.parse(stdout) as { code: number; text: string };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about.
  const plain = text.replace(/\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-9;?]*[ -/]*[@-~]/g, "");
  return { code: exit, raw: text, lines: plain.replaceAll("\r\n", "\n").split("\n") };
}

function findPython(): string | null {
  if (spawnSync("python3", ["-c", "import pty"]).status === 0) return "python3";
  return peer("python");
}
