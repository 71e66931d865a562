// `npm run docs`: writes what is made from the sources: pages of the manual, and the schemas of --json.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
// Beside node_modules, so that the bundle finds the packages it leaves out.
const folder = mkdtempSync(join(root, "dist-docs-"));
try {
  const { catalogue, manualPages } = await bundled("manual");
  for (const [path, text] of manualPages()) write(path, text);
  const schemas = await import("./schemas.mjs").catch(packageMissing);
  if (schemas !== null) write(schemas.SCHEMA_FILE, schemas.schemaText(root, catalogue));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Pages can be renewed all the same; that the schemas are stale then, a test tells. */
function packageMissing(error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error("the schemas of --json were not renewed: npm ci first");
  return null;
}

async function bundled(name) {
  const outfile = join(folder, `${name}.mjs`);
  const entryPoints = [join(root, `scripts/${name}.ts`)];
  await build({ entryPoints, outfile, bundle: true, format: "esm", platform: "node", packages: "external" });
  return import(pathToFileURL(outfile).href);
}

function write(path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
