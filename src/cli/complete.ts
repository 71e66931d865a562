/**
 * `expver __complete -- WORDS…`: what the word under the cursor (the last one) may become, one a line, `value<TAB>help`. Called by the
 * scripts of `expver completion` at every press of the key, so it loads no parser, and nothing at all for plain words. A first
 * line `:files`, `:folders` or `:commands` asks the shell to complete those itself.
 */
import { resolve } from "node:path";
import { systemContext } from "../platform/context.ts";
import { CATALOGUE } from "../workflows/catalogue/index.ts";
import type { Command, Completes, OptionSpec } from "../workflows/contract.ts";
import { aboutNode, commandTree, type Node, visibleChildren } from "./command-tree.ts";
import { EVERYWHERE } from "./face.ts";
import { flagNames, optionsOf } from "./options.ts";
import { oneLine } from "./text-width.ts";

type ValueKind = Exclude<Completes, "nothing"> | "files" | "folders" | "shell" | null;
type Candidate = [value: string, help: string];

export async function complete(argv: string[]): Promise<void> {
  const words = argv[0] === "--" ? argv.slice(1) : argv;
  const lines = await candidates(words, CATALOGUE).catch(() => []);
  process.stdout.write(lines.map(([value, help]) => `${value}${help ? `\t${help}` : ""}\n`).join(""));
}

async function candidates(given: string[], catalogue: readonly Command[]): Promise<Candidate[]> {
  const words = joinEquals(given);
  const current = words.words.at(-1) ?? "";
  const before = words.words.slice(0, -1);
  const { node, used, options, after, directory } = walk(before, commandTree(catalogue));
  if (after !== null) return node.command?.passThrough ? [[after === 0 ? ":commands" : ":files", ""]] : [];
  const pending = pendingOption(before, options);
  if (pending !== null && (pending.flags.includes("<") || !current.startsWith("-")))
    return values(kindOf(pending.flags, pending.completes), current, "", directory);
  const equals = /^(--[\w-]+)=(.*)$/s.exec(current);
  if (equals) {
    const [, flag = "", start = ""] = equals;
    const option = options.find(({ flags }) => flagNames(flags).includes(flag));
    return values(kindOf(option?.flags ?? "", option?.completes), start, words.split ? "" : `${flag}=`, directory);
  }
  if (current.startsWith("-")) return matching(optionCandidates(options, before), current);
  const children = visibleChildren(node).map(([word, child]): Candidate => [word, aboutNode(child)]);
  if (children.length > 0 && used === 0) {
    const found = matching(children, current);
    if (found.length > 0 || !node.command) return found;
  }
  const list = node.command?.arguments ?? [];
  const last = list.at(-1);
  const argument = list[used] ?? (last?.variadic || last?.name.endsWith("…") ? last : undefined);
  return argument ? values(kindOf(`<${argument.name}>`, argument.completes), current, "", directory) : [];
}

interface Walked {
  node: Node;
  options: OptionSpec[];
  /** Operands after the command's own words. */
  used: number;
  /** Words after `--`, or null before it. */
  after: number | null;
  directory: string;
}

function walk(words: string[], root: Node): Walked {
  let node = root;
  let used = 0;
  let directory = ".";
  const options = () => (node.command ? optionsOf(node.command) : EVERYWHERE);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--") return { node, options: options(), used, after: words.length - at - 1, directory };
    const takesValue = options().find(({ flags }) => flagNames(flags).includes(word) && /[<[]/.test(flags));
    // One that may stand without a value has none before the next option.
    if (takesValue && (takesValue.flags.includes("<") || !(words[at + 1] ?? "-").startsWith("-"))) {
      if (word === "-C") directory = words[at + 1] ?? ".";
      at += 1;
    } else if (word.startsWith("-")) continue;
    else if (used === 0 && node.children.has(word)) node = node.children.get(word) ?? node;
    else used += 1;
    if (used > 0 && node.command?.passThrough) return { node, options: options(), used, after: words.length - at, directory };
  }
  return { node, options: options(), used, after: null, directory };
}

/** The option whose value the cursor is in, when the word before it is one that takes a value. */
function pendingOption(before: string[], options: OptionSpec[]): OptionSpec | null {
  const last = before.at(-1) ?? "";
  return options.find(({ flags, completes }) => (flags.includes("<") || completes) && flagNames(flags).includes(last)) ?? null;
}

/** bash splits `--metric=acc` into three words and replaces only the last. */
function joinEquals(given: string[]): { words: string[]; split: boolean } {
  const at = given.length - (given.at(-1) === "=" ? 1 : 2);
  if (at < 1 || given[at] !== "=" || !given[at - 1]?.startsWith("--")) return { words: given, split: false };
  return { words: [...given.slice(0, at - 1), `${given[at - 1]}=${given[at + 1] ?? ""}`], split: true };
}

/** What a placeholder of the catalogue stands for: `<version>`, `[RUN]`, `<file>`. */
function kindOf(flags: string, completes?: Completes): ValueKind {
  if (completes !== undefined) return completes === "nothing" ? null : completes;
  const name = (/[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? "").replace(/[.\u2026]/g, "").toLowerCase();
  if (/^(v\d?|version\d?)$/.test(name)) return "version";
  if (/^run(-id|_id)?$/.test(name)) return "run";
  if (/^metric$/.test(name)) return "metric";
  if (/^(dir|folder)$/.test(name)) return "folders";
  if (/^(file|path|target|out|output|db)s?$/.test(name)) return "files";
  return name === "shell" ? "shell" : null;
}

async function values(kind: ValueKind, start: string, prefix: string, directory: string): Promise<Candidate[]> {
  if (kind === null) return [];
  if (kind === "files" || kind === "folders") return [[`:${kind}`, ""]];
  const words = kind === "shell" ? ["bash", "zsh", "fish"] : kind;
  if (typeof words !== "string")
    return matching(
      words.map((word) => [`${prefix}${word}`, ""]),
      `${prefix}${start}`,
    );
  const { completionValues } = await import("../workflows/completion-values.ts");
  const context = systemContext();
  const found = await completionValues({ ...context, cwd: resolve(context.cwd, directory) }, words);
  return matching(found, start).map(([value, help]) => [`${prefix}${value}`, help]);
}

function optionCandidates(options: OptionSpec[], before: string[]): Candidate[] {
  const shown = options.filter(
    ({ flags, hidden, repeatable }) => !hidden && (repeatable || !flagNames(flags).some((flag) => before.includes(flag))),
  );
  return [...shown, { flags: "--help", help: "show help" }].flatMap(({ flags, help }) =>
    flagNames(flags)
      .filter((flag) => flag.startsWith("--") || flag === "-C")
      .map((flag): Candidate => [flag, help]),
  );
}

/** One line each: neither value nor help may break the protocol, or steer the terminal. */
function matching(all: Candidate[], start: string): Candidate[] {
  const seen = new Set<string>();
  return all
    .filter(([value]) => value.startsWith(start) && oneLine(value) === value && !seen.has(value) && seen.add(value))
    .map(([value, help]) => [value, oneLine(help.replace(/\s+/g, " "))]);
}
