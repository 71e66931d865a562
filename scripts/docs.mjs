// `npm run docs`: writes the pages of the manual that are made from the sources.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
// Beside node_modules, so that the bundle finds the packages it leaves out.
const folder = mkdtempSync(join(root, "dist-docs-"));
try {
  const outfile = join(folder, "manual.mjs");
  await build({
    entryPoints: [join(root, "scripts/manual.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
  });
  const { manualPages } = await import(pathToFileURL(outfile).href);
  for (const [path, text] of manualPages()) writeFileSync(join(root, path), text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
