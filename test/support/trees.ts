/** Folders as values: written from, compared as, and made at random. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Text or bytes by path; null is an empty folder. */
export type Tree = Record<string, string | Uint8Array | null>;

export function writeTree(folder: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    const absolute = join(folder, path);
    mkdirSync(content === null ? absolute : dirname(absolute), { recursive: true });
    if (content !== null) writeFileSync(absolute, content);
  }
}

/** Everything below a folder: bytes (hex), target of a link, or `folder`; with `modes` the permissions too. */
export function readTree(folder: string, { modes = false, skip = [] as string[] } = {}): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (inside: string) => {
    for (const name of readdirSync(join(folder, inside)).sort()) {
      if (skip.includes(name)) continue;
      const path = inside === "" ? name : `${inside}/${name}`;
      const stat = lstatSync(join(folder, path));
      const mode = modes && !stat.isSymbolicLink() ? ` ${(stat.mode & 0o777).toString(8)}` : "";
      if (stat.isDirectory()) {
        found[path] = `folder${mode}`;
        visit(path);
      } else if (stat.isSymbolicLink()) found[path] = `-> ${readlinkSync(join(folder, path))}`;
      else found[path] = `${readFileSync(join(folder, path)).toString("hex")}${mode}`;
    }
  };
  visit("");
  return found;
}

const NAMES = [
  "a",
  "b b",
  " lead",
  "-dash",
  "ünï",
  "日本",
  "😀",
  "\ufb00",
  "new\nline",
  "tab\t",
  "it's",
  'quo"te',
  "back\\slash",
  "#hash",
  "!bang",
  "st*r",
  "[x]",
  "a.txt",
  ".hidden",
  "UPPER",
  "x".repeat(90),
  "1e3",
  "null",
  "~",
  "%s",
  "$HOME",
  ",",
  "=",
  ":col",
  "{br}",
];

/** A folder of files with names of every kind, some empty, some equal, some folders empty, some deep. */
export function randomTree(random: () => number, files: number): Tree {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const tree: Tree = {};
  for (let index = 0; index < files; index += 1) {
    const depth = Math.floor(random() * 4);
    const folders = Array.from({ length: depth }, () => `${pick(NAMES)}_`);
    const path = [...folders, `${pick(NAMES)}${index}`].join("/");
    const kind = random();
    tree[path] = kind < 0.1 ? null : kind < 0.2 ? "" : kind < 0.35 ? "the same\r\n" : kind < 0.4 ? randomBytes(random, 3000) : `${index}\n`;
  }
  return tree;
}

function randomBytes(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

export function makeExecutable(path: string): void {
  chmodSync(path, 0o755);
}
