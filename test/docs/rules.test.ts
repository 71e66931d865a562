/** Every rule names a test that is there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const rows = [...readFileSync(join(root, "docs/rules.md"), "utf8").matchAll(/^\| .+ \| (test\/\S+\.ts): (.+) \|$/gm)];

it.each(rows.map(([, file = "", name = ""]) => [file, name]))("%s: %s", (file, name) => {
  expect(readFileSync(join(root, file), "utf8")).toContain(name);
});

it("there are rules", () => {
  expect(rows.length).toBeGreaterThan(30);
});
