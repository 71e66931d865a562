/** Finds which command a command line means, without building anything but the path to it. */

import { nearestWord } from "../config/nearest.ts";
import { ExpverError } from "../errors.ts";
import type { Command } from "../workflows/contract.ts";
import { EVERYWHERE, OF_DVC, OF_WRITERS } from "./face.ts";
import { elsewhere } from "./foreign-words.ts";

/** A word of the command language: a command, a group of commands, or both. */
export interface Node {
  /** Words from the start: `data remote`; empty for the root. */
  name: string;
  command?: Command;
  children: Map<string, Node>;
  /** Set below a group whose commands speak another tool's dialect. */
  dialect?: "dvc";
}

export interface Found {
  node: Node;
  /** What follows the command's own words, global options that stood before them included. */
  rest: string[];
}

export function commandTree(catalogue: readonly Command[]): Node {
  const root: Node = { name: "", children: new Map() };
  for (const command of catalogue) {
    place(root, command.name, command);
    for (const alias of command.aliases ?? []) place(root, alias, command);
  }
  return root;
}

/** Walks the words; options that every command has may stand anywhere before the command's own. */
export function findCommand(root: Node, argv: readonly string[]): Found {
  const before: string[] = [];
  let node = root;
  let at = 0;
  for (; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    const next = node.children.get(word);
    if (next) {
      node = next;
    } else if (node.dialect === "dvc" && AFTER_THE_WORDS.has(word) && node.children.size > 0) {
      // `dvc -q status` is `dvc status`: there only what follows the last word counts.
    } else if (isGlobalOption(word) && node.children.size > 0) {
      before.push(word);
      if (TAKES_VALUE.has(word) && at + 1 < argv.length) before.push(argv[++at] ?? "");
    } else {
      break;
    }
  }
  const rest = argv.slice(at);
  const word = rest[0];
  const isWord = word !== undefined && !word.startsWith("-");
  const takesWords = (node.command?.arguments?.length ?? 0) > 0 && isOwn(node);
  if (isWord && node.children.size > 0 && !takesWords) throw unknownCommand(node, word);
  return { node, rest: [...before, ...rest] };
}

/** Follows words exactly, for help: `help data add`. */
export function nodeAt(root: Node, words: readonly string[]): Node {
  let node = root;
  for (const word of words) {
    const next = node.children.get(word);
    if (!next) throw unknownCommand(node, word);
    node = next;
  }
  return node;
}

/** Sub-commands a person is shown, in catalogue order, each once. */
export function visibleChildren(node: Node): [word: string, child: Node][] {
  return [...node.children].filter(([, child]) => isVisible(child));
}

function isVisible(node: Node): boolean {
  if (node.command && isOwn(node) && node.command.hidden !== true) return true;
  return [...node.children.values()].some(isVisible);
}

const ABOUT: Record<string, string> = {
  advise: "Say which workflow, number, words or merge fits, and why",
  data: "Version data as dvc does: same files, flags, output and exit codes",
  "data cache": "Manage the cache",
  "data data": "Look at data as `dvc data` does",
  "data remote": "Manage where data is pushed to",
  hooks: "Install Git hooks that keep data and versions from being lost",
  models: "See which models there are; promote, keep and prune them",
  ops: "See what writing commands did here",
  runs: "See and steer running and past runs",
  skill: "Show and install the agent skill of this release",
  worktree: "Work on an experiment in a worktree and branch of its own",
};

/** One line about a command or a group. */
export function aboutNode(node: Node): string {
  return node.command && isOwn(node) ? node.command.summary : (ABOUT[node.name] ?? "");
}

/** False for a node whose command is reached by a further name, like the bare group `runs`. */
export function isOwn({ name, command }: Node): boolean {
  return command?.name === name;
}

function place(root: Node, name: string, command: Command): void {
  let node = root;
  for (const word of name.split(" ")) {
    const next: Node = node.children.get(word) ?? { name: node.name === "" ? word : `${node.name} ${word}`, children: new Map() };
    node.children.set(word, next);
    if (command.dialect) next.dialect = command.dialect;
    node = next;
  }
  if (command.name === name) node.command = command;
  else node.command ??= command;
}

const GLOBAL = [...EVERYWHERE, ...OF_WRITERS, ...OF_DVC].map(({ flags }) => ({
  words: flags.match(/--?[\w-]+/g) ?? [],
  value: /</.test(flags),
}));
const NAMES = new Set(GLOBAL.flatMap(({ words }) => words));
const TAKES_VALUE = new Set(GLOBAL.flatMap(({ words, value }) => (value ? words : [])));

const AFTER_THE_WORDS = new Set(["-q", "--quiet", "-v", "--verbose"]);

function isGlobalOption(word: string): boolean {
  return NAMES.has(word) || (word.includes("=") && NAMES.has(word.slice(0, word.indexOf("="))));
}

function unknownCommand(node: Node, word: string): ExpverError {
  const full = node.name === "" ? word : `${node.name} ${word}`;
  const known = [...node.children.entries()].filter(([, child]) => isVisible(child) || !isOwn(child)).map(([name]) => name);
  const meant = elsewhere(node.name, word) ?? suggestion(node, word, known);
  return new ExpverError("E_USAGE", `there is no command \`expver ${full}\``, {
    hint: meant ?? `See \`expver ${node.name === "" ? "" : `${node.name} `}--help\`.`,
    details: { word, known, ...(node.dialect ? { dialect: node.dialect } : {}) },
  });
}

function suggestion(node: Node, word: string, known: string[]): string | null {
  const meant = nearestWord(word, known);
  return meant === undefined ? null : `Did you mean \`expver ${node.name === "" ? meant : `${node.name} ${meant}`}\`?`;
}
