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

// Of about a megabyte each. Whoever feeds us words without end is not worth more.
const MOST_FILES = 100;
const OLD_MS = 30 * 24 * 3600 * 1000;

/**
 * Answers what the CommonJS bundle at this path exports; it may not hold a call of `import()`, which compiled code that was kept cannot
 * answer. `uses` names what this run is going to do, in words for a file name: it reads no code that only other things need.
 */
export function loadBundle(path: string, build: BuildDigest, uses: string): unknown {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown };
  const load = nodeModule.createRequire(path);
  if (enableCompileCache !== undefined) {
    enableCompileCache();
    return load(path);
  }
  const kept = keptCode([build, process.version, process.arch, uses].join("-"));
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${readFileSync(path, "latin1")}\n})`, {
    filename: path,
    ...(kept.code === null ? {} : { cachedData: kept.code }),
  });
  if (kept.code === null || script.cachedDataRejected === true) process.once("exit", () => kept.keep(script));
  const module = { exports: {} };
  script.runInThisContext()(module.exports, load, module, path, dirname(path));
  return module.exports;
}

interface KeptCode {
  code: Buffer | null;
  keep(script: Script): void;
}

/** File: the code, 4 bytes of checksum over it. */
function keptCode(name: string): KeptCode {
  const user = process.getuid?.() ?? "user";
  const folder = join(tmpdir(), `expver-compiled-${user}`);
  if (process.env.NODE_DISABLE_COMPILE_CACHE || !isOurs(folder)) return { code: null, keep() {} };
  const file = join(folder, name);
  return {
    code: read(file),
    keep(script) {
      const code = script.createCachedData();
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32LE(crc32(code));
      const temporary = `${file}.${process.pid}.tmp`;
      try {
        writeFileSync(temporary, Buffer.concat([code, checksum]), { flag: "wx", mode: 0o600 });
        renameSync(temporary, file);
        removeOld(folder);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}

function read(file: string): Buffer | null {
  try {
    const bytes = readFileSync(file);
    const code = bytes.subarray(0, -4);
    return crc32(code) === bytes.readUInt32LE(code.length) ? code : null;
  } catch {
    return null;
  }
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
