// Preloaded into a command: writes its peak resident memory, in bytes, to the file EXPVER_PEAK names.
const { writeFileSync } = require("node:fs");
process.on("exit", () => {
  if (process.env.EXPVER_PEAK) writeFileSync(process.env.EXPVER_PEAK, String(process.resourceUsage().maxRSS * 1024));
});
