/** All faces that the command line has, in one bundle. */
import { main } from "./cli/main.ts";
import { CATALOGUE } from "./workflows/catalogue/index.ts";

/** Runs one command line and answers its exit code. */
export async function run(argv: string[]): Promise<number> {
  if (argv[0] !== "__complete") {
    const meant = argv[1] === "git-hook" ? (await import("./cli/dvc-hooks.ts")).meantByHook(argv) : argv;
    if (meant === null) return 0;
    return await main(meant, CATALOGUE, { mcp: async (...call) => (await import("./mcp/serve.ts")).serveMcp(...call) });
  }
  const { complete } = await import("./cli/complete.ts");
  await complete(argv.slice(1));
  return 0;
}
