// Loaded with NODE_OPTIONS=--require into the built command line: writes down each file of ours that took its name before its bytes were on the
// disk, as after a power cut it might be empty (EXPVER_SYNC_LOG=FILE). Sees what the main thread writes.
const fs = require("node:fs");
const childProcess = require("node:child_process");
const { isMainThread } = require("node:worker_threads");
const { resolve, sep } = require("node:path");
const { syncBuiltinESMExports } = require("node:module");

const log = process.env.EXPVER_SYNC_LOG;
/** On the way to its name yet: in a staging folder, under a temporary name, or beside what it will replace. */
const ON_ITS_WAY = /[\\/]\.expver-[^\\/]*\.tmp[\\/]|\.tmp$|[\\/]trash[\\/][0-9a-f]+[\\/]kept[\\/]/;
const isOurs = isMainThread && /[\\/]dist[\\/]main\.cjs$/.test(process.argv[1] ?? "");
if (isOurs && log) {
  const write = fs.appendFileSync;
  const opened = new Map();
  const unsynced = new Set();
  const after = (module, name, then) => {
    const original = module[name];
    module[name] = function (...args) {
      const result = original.apply(this, args);
      then(result, ...args);
      return result;
    };
  };
  const pathOf = (file) => (typeof file === "number" ? opened.get(file) : resolve(String(file)));
  after(fs, "openSync", (descriptor, path) => opened.set(descriptor, resolve(String(path))));
  after(fs, "closeSync", (_, descriptor) => opened.delete(descriptor));
  after(fs, "writeSync", (_, descriptor) => opened.has(descriptor) && unsynced.add(opened.get(descriptor)));
  after(fs, "writeFileSync", (_, file) => unsynced.add(pathOf(file)));
  after(fs, "copyFileSync", (_, __, to) => unsynced.add(resolve(String(to))));
  after(fs, "fsyncSync", (_, descriptor) => unsynced.delete(opened.get(descriptor)));
  for (const name of ["unlinkSync", "rmSync"]) after(fs, name, (_, path) => unsynced.delete(resolve(String(path))));
  after(childProcess, "spawnSync", (_, program) => program === "sync" && unsynced.clear());
  for (const name of ["renameSync", "linkSync"]) {
    after(fs, name, (_, from, to) => {
      const source = resolve(String(from));
      for (const path of [...unsynced].filter((one) => one === source || one.startsWith(source + sep))) {
        const named = `${resolve(String(to))}${path.slice(source.length)}`;
        if (name === "renameSync") unsynced.delete(path);
        if (ON_ITS_WAY.test(named)) unsynced.add(named);
        else write(log, `${named}\n`);
      }
    });
  }
  // In memory nothing is ever synced: tests run there, and are to see what is done on a disk.
  const statfs = fs.statfsSync;
  fs.statfsSync = (...args) => Object.assign(statfs(...args), { type: 0xef53 });
  syncBuiltinESMExports();
}
