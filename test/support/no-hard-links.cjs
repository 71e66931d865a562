// Loaded with NODE_OPTIONS=--require into the built command line: a file system without hard links that says so by the code EXPVER_LINK_CODE.
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");

const code = process.env.EXPVER_LINK_CODE;
if (code) {
  fs.linkSync = (from, to) => {
    throw Object.assign(new Error(`${code}: link '${from}' -> '${to}'`), { code, syscall: "link", path: String(from), dest: String(to) });
  };
  syncBuiltinESMExports();
}
