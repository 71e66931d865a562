/** What the run ran on, as far as it can be told cheaply: part of the answer to "would it come out the same again?". */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { basename, join } from "node:path";
import { isMissing } from "../../../platform/files.ts";
import { runProcess } from "../../../platform/processes.ts";
import type { InstalledPackages } from "../../../results/packages.ts";
import { gpus } from "./gpus.ts";
import { installedPackages } from "./installed-packages.ts";
import { askPython, type PythonFacts, pythonOf } from "./python.ts";

/** Files that fix the versions of packages. */
export const LOCK_FILES = [
  "package-lock.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "requirements.txt",
  "uv.lock",
  "poetry.lock",
  "Pipfile.lock",
  "conda-lock.yml",
  "environment.yml",
  "environment.yaml",
];

export interface EnvironmentOptions {
  /** Where lock files may be, the nearest first. */
  roots: readonly string[];
  cwd: string;
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
}

export interface Environment {
  /** JSON with its own digest in front: equal digests mean equal in all that is recorded here. */
  text: string;
  /** Those of `packages` in the text; null: it is not known with what Python it runs. */
  packages: InstalledPackages | null;
}

export function describeEnvironment({ roots, cwd, argv, env }: EnvironmentOptions): Environment {
  const interpreter = pythonOf({ argv, cwd, env });
  const python = interpreter === null ? null : askPython(interpreter, { cwd, env });
  const packages = python === null ? null : packagesIn(python);
  const facts = {
    platform: `${process.platform} ${arch()} ${release()}`,
    cpu: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown"}`,
    memory: totalmem(),
    program: python === null ? programVersion(argv[0] ?? "", { cwd, env }) : `${python.name} Python ${python.version}`,
    ...gpus(),
    devices: env.CUDA_VISIBLE_DEVICES ?? null,
    ...(packages === null ? {} : { packages: packages.digest }),
    locks: Object.fromEntries(
      LOCK_FILES.flatMap((name) =>
        roots
          .flatMap((root) => fileDigest(join(root, name)))
          .slice(0, 1)
          .map((digest) => [name, digest]),
      ),
    ),
  };
  return { text: JSON.stringify({ digest: digestOf(JSON.stringify(facts)), ...facts }), packages };
}

function packagesIn(python: PythonFacts): InstalledPackages | null {
  const versions = installedPackages(python);
  return Object.keys(versions).length === 0 ? null : { digest: digestOf(JSON.stringify(versions)), versions };
}

/** Only of interpreters we know to answer quickly: asking an unknown program for its version may start anything. */
function programVersion(program: string, options: Pick<EnvironmentOptions, "cwd" | "env">): string | null {
  if (!/^(node|julia|Rscript|R)(\.exe)?$/.test(basename(program))) return null;
  try {
    const { code, stdout, stderr } = runProcess(program, ["--version"], options);
    const said = `${stdout.toString("utf8")}${stderr}`.trim().split("\n")[0] ?? "";
    return code === 0 && said !== "" ? `${basename(program)} ${said}` : null;
  } catch {
    return null;
  }
}

function fileDigest(path: string): string[] {
  try {
    return [lockDigest(readFileSync(path))];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** As it is recorded. */
export function lockDigest(bytes: Uint8Array): string {
  return digestOf(bytes);
}

function digestOf(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex").slice(0, 12);
}
