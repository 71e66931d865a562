/**
 * Loads a bundle with what V8 made of it the last time. To read the whole program anew costs a third of a short command.
 *
 * Node ≥ 22.8 keeps compiled code by itself; before that we do, in a folder for temporary files that nobody else may write, since V8
 * runs what it finds there. A file is named by everything it depends on, holds a checksum, and is safe to delete at any time.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";

/** Digest of the bundle, put in by the build: V8 itself compares no more than the length of the source. */
export type BuildDigest = string;

// Each name has the code rewritten once; whoever feeds us names without end is not worth more.
const MOST_NAMES = 100;
const OLD_MS = 30 * 24 * 3600 * 1000;

/**
 * Answers what the CommonJS bundle at this path exports; it may not hold a call of `import()`, which compiled code that was kept cannot
 * answer. `uses` names what this run is going to do: code for other things is kept beside it.
 */
export function loadBundle(path: string, build: BuildDigest, uses: string): unknown {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown };
  const load = nodeModule.createRequire(path);
  if (enableCompileCache !== undefined) {
    enableCompileCache();
    return load(path);
  }
  const kept = keptCode(`${build}-${process.version}-${process.arch}`);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${readFileSync(path, "latin1")}\n})`, {
    filename: path,
    ...(kept.code === null ? {} : { cachedData: kept.code }),
  });
  const isRefused = kept.code === null || script.cachedDataRejected === true;
  const names = isRefused ? [] : kept.names;
  if (!names.includes(uses) && names.length < MOST_NAMES) {
    process.once("exit", () => kept.keep([...names, uses], script));
  }
  const module = { exports: {} };
  script.runInThisContext()(module.exports, load, module, path, dirname(path));
  return module.exports;
}

interface KeptCode {
  code: Buffer | null;
  /** What was done when the code was kept. */
  names: string[];
  keep(names: readonly string[], script: Script): void;
}

const NOTHING: KeptCode = { code: null, names: [], keep() {} };

/** File: 4 bytes of checksum over the rest, 4 bytes of length of the names, the names as lines, the code. */
function keptCode(key: string): KeptCode {
  const user = process.getuid?.() ?? "user";
  const folder = join(tmpdir(), `expver-compiled-${user}`);
  if (process.env.NODE_DISABLE_COMPILE_CACHE || !isOurs(folder)) return NOTHING;
  const file = join(folder, key);
  return {
    ...read(file),
    keep(names, script) {
      const text = Buffer.from(names.join("\n"));
      const head = Buffer.alloc(8);
      const rest = [text, script.createCachedData()];
      head.writeUInt32LE(text.length, 4);
      head.writeUInt32LE(crc32(Buffer.concat([head.subarray(4), ...rest])), 0);
      const temporary = `${file}.${process.pid}.tmp`;
      try {
        writeFileSync(temporary, Buffer.concat([head, ...rest]), { flag: "wx", mode: 0o600 });
        renameSync(temporary, file);
        removeOld(folder);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}

function read(file: string): Pick<KeptCode, "code" | "names"> {
  try {
    const bytes = readFileSync(file);
    const end = 8 + bytes.readUInt32LE(4);
    if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return NOTHING;
    return { names: bytes.toString("utf8", 8, end).split("\n"), code: bytes.subarray(end) };
  } catch {
    return NOTHING;
  }
}

/** What other versions, and killed starts, have left. */
function removeOld(folder: string): void {
  const oldest = Date.now() - OLD_MS;
  for (const name of readdirSync(folder)) {
    if (lstatSync(join(folder, name)).mtimeMs < oldest) rmSync(join(folder, name), { force: true });
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
