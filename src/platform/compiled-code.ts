/**
 * Loads a bundle with what V8 made of it the last time. To read the whole program anew costs half of a short command.
 *
 * The build cuts a bundle into parts, so that a command reads no more than it uses. Which parts it used is kept, and the next time they
 * are one script; what V8 compiled of that script is kept too. Both lie in a folder for temporary files that nobody else may write,
 * since V8 runs what it finds there. A file is named by everything it depends on, holds a checksum, and is safe to delete at any time.
 */
import { lstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";

/** How the build cut a bundle. */
export interface BundleParts {
  /** Tells one build of it from another: V8 itself compares no more than the length of the source. */
  digest: string;
  /**
   * Bytes of each part, all Latin-1, one behind the other. A part is a CommonJS module written as a function expression; to `require()`
   * a number means that part, and `__later()` answers a function that loads it when it is first called. The first is where the bundle begins.
   */
  lengths: number[];
}

type Load = (id: string | number) => unknown;
type Part = (
  exports: object,
  require: Load,
  later: (id: string | number) => () => unknown,
  module: Module,
  filename: string,
  dirname: string,
) => void;
type Module = { exports: object };

/** What is kept: the parts that were used, in order, and what V8 compiled of them, unless they were new. */
interface Kept {
  parts: number[];
  code: Buffer | null;
}

// Of half a megabyte each. Whoever feeds us words without end is not worth more.
const MOST_FILES = 100;
const OLD_MS = 30 * 24 * 3600 * 1000;

/**
 * Answers what the bundle at this path exports; it may not hold a call of `import()`, which compiled code that was kept cannot answer.
 * `uses` names what this run is going to do, in words for a file name: it reads no code that only other things need.
 */
export function loadBundle(path: string, { digest, lengths }: BundleParts, uses: string): unknown {
  // Open for good: what is needed later comes from this build, also when another has taken its place.
  const file = openSync(path, "r");
  const starts = [0];
  for (const length of lengths) starts.push((starts.at(-1) as number) + length);
  /** Of an array of these parts. */
  const sourceOf = (parts: readonly number[]) => {
    const bytes = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + (lengths[part] as number) + 1, 1));
    let at = 0;
    for (const part of parts) {
      at += bytes.write(at === 0 ? "[" : ",", at);
      at += readSync(file, bytes, at, lengths[part] as number, starts[part] as number);
    }
    bytes.write("]", at);
    return bytes.toString("latin1");
  };

  const keeper = keeperOf([digest, process.version, process.arch, uses].join("-"));
  const kept = keeper.read() ?? { parts: [0], code: null };
  const script = new Script(sourceOf(kept.parts), {
    filename: path,
    ...(kept.code === null ? {} : { cachedData: kept.code }),
  });
  const compiled = script.runInThisContext() as Part[];
  const functions = new Map(kept.parts.map((part, index) => [part, compiled[index] as Part]));

  const load = createRequire(path);
  const modules = new Map<number, Module>();
  const more: number[] = [];
  const use: Load = (id) => {
    if (typeof id === "string") return load(id);
    const known = modules.get(id);
    if (known !== undefined) return known.exports;
    let part = functions.get(id);
    if (part === undefined) {
      more.push(id);
      [part] = new Script(sourceOf([id]), { filename: path }).runInThisContext() as [Part];
    }
    const module = { exports: {} };
    modules.set(id, module);
    part(module.exports, use, later, module, path, dirname(path));
    return module.exports;
  };
  const later = (id: string | number) => {
    let loaded: unknown;
    return () => {
      loaded ??= use(id);
      return loaded;
    };
  };
  process.once("exit", () => {
    if (more.length > 0) keeper.keep({ parts: [...kept.parts, ...more], code: null });
    else if (kept.code === null || script.cachedDataRejected === true) keeper.keep({ ...kept, code: script.createCachedData() });
  });
  return use(0);
}

interface Keeper {
  /** Null when nothing is kept, or it is damaged. */
  read(): Kept | null;
  keep(kept: Kept): void;
}

/** File: a line of JSON (the parts), the code if there is any, 4 bytes of checksum over both. */
function keeperOf(name: string): Keeper {
  const user = process.getuid?.() ?? "user";
  const folder = join(tmpdir(), `expver-compiled-${user}`);
  if (process.env.NODE_DISABLE_COMPILE_CACHE || !isOurs(folder)) return { read: () => null, keep() {} };
  const file = join(folder, name);
  return {
    read() {
      try {
        const bytes = readFileSync(file);
        const content = bytes.subarray(0, -4);
        if (crc32(content) !== bytes.readUInt32LE(content.length)) return null;
        const end = content.indexOf("\n");
        const code = content.subarray(end + 1);
        return { parts: JSON.parse(content.toString("latin1", 0, end)), code: code.length === 0 ? null : code };
      } catch {
        return null;
      }
    },
    keep({ parts, code }) {
      const content = Buffer.concat([Buffer.from(`${JSON.stringify(parts)}\n`), ...(code === null ? [] : [code])]);
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32LE(crc32(content));
      const temporary = `${file}.${process.pid}.tmp`;
      try {
        writeFileSync(temporary, Buffer.concat([content, checksum]), { flag: "wx", mode: 0o600 });
        renameSync(temporary, file);
        removeOld(folder);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}

/** What other versions, killed starts and rare commands have left. */
function removeOld(folder: string): void {
  const files = readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => ({ path, at: lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
  const oldest = Date.now() - OLD_MS;
  for (const [index, { path, at }] of files.sort((a, b) => b.at - a.at).entries()) {
    if (index >= MOST_FILES || at < oldest) rmSync(path, { force: true });
  }
}

/** The folder for temporary files is everybody's: a folder of this name that is another's, or open to others, is not used. */
function isOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    // It is there, or cannot be made.
  }
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory()) return false;
  return process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o077) === 0);
}
