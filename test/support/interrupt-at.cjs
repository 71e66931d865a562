// Loaded with NODE_OPTIONS=--require into the built command line: Ctrl-C at its Nth rename or removal of a path that contains a text
// (EXPVER_INTERRUPT="N text"). From then on each takes so long that who listens now and then has listened. See interrupt-at.ts.
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");

const [, limit, text] = /^(\d+) (.+)$/.exec(process.env.EXPVER_INTERRUPT ?? "") ?? [];
if (limit !== undefined && /[\\/]dist[\\/]main\.cjs$/.test(process.argv[1] ?? "")) {
  let count = 0;
  for (const name of ["renameSync", "rmSync", "unlinkSync"]) {
    const original = fs[name];
    fs[name] = function (...args) {
      if (args.some((arg) => typeof arg === "string" && arg.includes(text))) {
        count += 1;
        if (count === Number(limit)) process.kill(process.pid, "SIGINT");
        if (count >= Number(limit)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      }
      return original.apply(this, args);
    };
  }
  syncBuiltinESMExports();
}
