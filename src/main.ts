#!/usr/bin/env node
/** Entry point: owns the only exit. */
import { enableCompileCache } from "./platform/compile-cache.ts";
import { VERSION } from "./platform/version.ts";

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  process.stdout.write(`${VERSION}\n`);
} else {
  enableCompileCache();
  if (argv[0] === "__complete") {
    const { complete } = await import("./cli/complete.ts");
    await complete(argv.slice(1));
  } else {
    const { main } = await import("./cli/main.ts");
    const { CATALOGUE } = await import("./workflows/catalogue/index.ts");
    process.exitCode = await main(argv, CATALOGUE, { mcp: async (...call) => (await import("./mcp/serve.ts")).serveMcp(...call) });
  }
}
