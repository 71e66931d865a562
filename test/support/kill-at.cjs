// Loaded with NODE_OPTIONS=--require into the built command line: kills it, as a power cut would, just before its Nth change
// to the file system, its Nth start of a program or its Nth question to a server (EXPVER_KILL_AT=N). A worker thread counts by itself. See kill-at.ts.
const fs = require("node:fs");
const http = require("node:http");
const childProcess = require("node:child_process");
const { syncBuiltinESMExports } = require("node:module");

const CHANGES = [
  "renameSync",
  "writeSync",
  "writeFileSync",
  "appendFileSync",
  "mkdirSync",
  "rmSync",
  "rmdirSync",
  "unlinkSync",
  "linkSync",
  "symlinkSync",
  "copyFileSync",
  "cpSync",
  "chmodSync",
  "fchmodSync",
  "ftruncateSync",
  "truncateSync",
  "utimesSync",
];
const STARTS = ["spawnSync", "spawn", "execFileSync"];

const limit = Number(process.env.EXPVER_KILL_AT);
const isOurs = /[\\/]dist[\\/](main\.cjs|worker\.cjs)$/.test(process.argv[1] ?? "");
if (isOurs && limit > 0) {
  let count = 0;
  const counted = (original) =>
    function (...args) {
      count += 1;
      if (count === limit) process.kill(process.pid, "SIGKILL");
      return original.apply(this, args);
    };
  for (const name of CHANGES) fs[name] = counted(fs[name]);
  for (const name of STARTS) childProcess[name] = counted(childProcess[name]);
  http.request = counted(http.request);
  fs.promises.open = counted(fs.promises.open);
  syncBuiltinESMExports();
}
