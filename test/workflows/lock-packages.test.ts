/** What each kind of lock file says of its packages, in the shapes its own tool writes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packagesIn } from "../../src/workflows/diff/lock-packages.ts";
import { LOCK_FILES } from "../../src/workflows/run/program/environment.ts";

const UV = `version = 1
requires-python = ">=3.12"

[[package]]
name = "Torch_Vision"
version = "0.19.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "numpy", version = "9.9", marker = "python_version < '3'" },
]

[package.metadata]
version = "not this"

[[package]]
name = "numpy"
version = "1.26.4"

[[package]]
name = "numpy"
version = "2.1.0"

[[package]]
name = "mine"
source = { virtual = "." }
`;

it.each<[file: string, text: string, found: Record<string, string[]>]>([
  ["uv.lock", UV, { "torch-vision": ["0.19.0"], numpy: ["1.26.4", "2.1.0"], mine: ["(no version)"] }],
  [
    "poetry.lock",
    '[[package]]\nname = "pandas"\nversion = "2.2.2"\ndescription = "x"\n\n[package.dependencies]\nversion = "no"\n',
    { pandas: ["2.2.2"] },
  ],
  [
    "requirements.txt",
    "# pip freeze\n-r other.txt\n--index-url https://x\nTorch == 2.1.0 ; python_version > '3.8'\nnumpy[all]>=1.26,<3\nuvicorn\n" +
      "safe==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nmine @ git+https://x/y@v1\n-e .\n",
    { torch: ["2.1.0"], numpy: [">=1.26,<3"], uvicorn: ["(no version)"], safe: ["1.0"], mine: ["@ git+https://x/y@v1"] },
  ],
  [
    "Pipfile.lock",
    JSON.stringify({
      _meta: {},
      default: { Six: { version: "==1.16.0", hashes: [] } },
      develop: { tool: { ref: "abc", git: "https://x" } },
    }),
    { six: ["1.16.0"], tool: ["abc"] },
  ],
  [
    "package-lock.json",
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        "": { name: "mine", version: "1.0.0" },
        "node_modules/@scope/a": { version: "1.2.3" },
        "node_modules/b": { version: "2.0.0" },
        "node_modules/@scope/a/node_modules/b": { version: "1.0.0" },
        "node_modules/linked": { resolved: "packages/linked", link: true },
      },
    }),
    { "@scope/a": ["1.2.3"], b: ["1.0.0", "2.0.0"] },
  ],
  [
    "package-lock.json",
    JSON.stringify({ lockfileVersion: 1, dependencies: { a: { version: "1.0.0", dependencies: { b: { version: "3.0.0" } } } } }),
    { a: ["1.0.0"], b: ["3.0.0"] },
  ],
  [
    "pnpm-lock.yaml",
    "lockfileVersion: '9.0'\npackages:\n  '@scope/a@1.2.3':\n    resolution: {integrity: sha512-x}\n  b@2.0.0(react@18.0.0):\n    engines: {node: '>=8'}\n  /c@3.0.0:\n    dev: true\n  /d/4.0.0:\n    dev: true\n",
    { "@scope/a": ["1.2.3"], b: ["2.0.0"], c: ["3.0.0"], d: ["4.0.0"] },
  ],
  [
    "yarn.lock",
    '# yarn lockfile v1\n\n"@scope/a@^1.0.0", "@scope/a@^1.2.0":\n  version "1.2.3"\n  dependencies:\n    version "^9"\n\nb@2:\n  version "2.0.0"\n',
    { "@scope/a": ["1.2.3"], b: ["2.0.0"] },
  ],
  ["yarn.lock", '__metadata:\n  version: 8\n\n"b@npm:^2":\n  version: 2.0.0\n  resolution: "b@npm:2.0.0"\n', { b: ["2.0.0"] }],
  [
    "conda-lock.yml",
    "version: 1\npackage:\n- name: numpy\n  version: 1.26.4\n  manager: conda\n  platform: linux-64\n- name: numpy\n  version: 1.26.4\n  manager: conda\n  platform: osx-64\n",
    { numpy: ["1.26.4"] },
  ],
  [
    "environment.yml",
    "name: x\nchannels: [conda-forge]\ndependencies:\n- python=3.10\n- conda-forge::numpy=1.26.4=py310_0\n- scipy >=1.10\n- pip\n- pip:\n  - Foo_Bar==1.0\n",
    { python: ["3.10"], numpy: ["1.26.4=py310_0"], scipy: [">=1.10"], pip: ["(no version)"], "foo-bar": ["1.0"] },
  ],
])("%s", (file, text, found) => {
  expect(Object.fromEntries(packagesIn(file, text) ?? [])).toEqual(found);
  expect(Object.fromEntries(packagesIn(file, text.replaceAll("\n", "\r\n")) ?? [])).toEqual(found);
});

it("every kind whose digest is recorded has a reader; a text of another kind is not guessed at", () => {
  for (const file of LOCK_FILES) expect(packagesIn(file, "\0 [}: no such thing")?.size ?? 0, file).toBe(0);
  expect(packagesIn("package-lock.json", "{")).toBeNull();
  expect(packagesIn("other.lock", "")).toBeNull();
});

it("this project's own lock file has the versions that are installed", () => {
  const root = join(import.meta.dirname, "../..");
  const found = packagesIn("package-lock.json", readFileSync(join(root, "package-lock.json"), "utf8"));
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(found?.get("vitest")).toEqual([devDependencies.vitest]);
  expect(found?.size).toBeGreaterThan(100);
});
