/** The packages a lock file names, with the versions it fixes; null for a text that is not what the file's name says. */

import { loadYaml } from "../../config/yaml.ts";
import { fieldsOf, itemsOf } from "../../platform/mapping.ts";
import { pythonName } from "../../platform/python-name.ts";

/** Versions by package; one that is there several times has several. */
export type Packages = Map<string, string[]>;

type Entry = readonly [name: string, version: string];

/** By the file's name. Those of Python are compared under their normal names. */
const READERS: Record<string, (text: string) => Entry[]> = {
  "package-lock.json": npmEntries,
  "pnpm-lock.yaml": pnpmEntries,
  "yarn.lock": yarnEntries,
  "requirements.txt": (text) => requirementEntries(text.replace(/\\\r?\n/g, " ").split("\n")),
  "uv.lock": tomlEntries,
  "poetry.lock": tomlEntries,
  "Pipfile.lock": pipfileEntries,
  "conda-lock.yml": condaLockEntries,
  "environment.yml": condaEntries,
  "environment.yaml": condaEntries,
};

export function packagesIn(file: string, text: string): Packages | null {
  const read = READERS[file];
  if (read === undefined) return null;
  try {
    const found = new Map<string, Set<string>>();
    for (const [name, version] of read(text)) found.set(name, (found.get(name) ?? new Set()).add(version));
    return new Map([...found].map(([name, versions]) => [name, [...versions].sort()]));
  } catch {
    return null;
  }
}

/** Versions 2 and 3 have a flat table of places, version 1 nests what a package has for itself. */
function npmEntries(text: string): Entry[] {
  const lock = fieldsOf(JSON.parse(text));
  const placed = Object.entries(fieldsOf(lock.packages)).flatMap(([place, value]) => {
    const { version, name } = fieldsOf(value);
    const last = place.lastIndexOf("node_modules/");
    return last < 0 || typeof version !== "string" ? [] : [[typeof name === "string" ? name : place.slice(last + 13), version] as const];
  });
  return lock.packages === undefined ? nestedEntries(lock.dependencies) : placed;
}

function nestedEntries(dependencies: unknown): Entry[] {
  return Object.entries(fieldsOf(dependencies)).flatMap(([name, value]) => {
    const { version, dependencies: own } = fieldsOf(value);
    return [...(typeof version === "string" ? [[name, version] as const] : []), ...nestedEntries(own)];
  });
}

/** `/name/1.0`, `/name@1.0`, `name@1.0(peer@2.0)`: by the age of the file. */
function pnpmEntries(text: string): Entry[] {
  return Object.keys(fieldsOf(fieldsOf(loadYaml(text, "pnpm-lock.yaml", { exact: true })).packages)).flatMap((key) => {
    const [, name, version] = /^\/?((?:@[^/]+\/)?[^@/]+)[@/]([^(_]+)/.exec(key) ?? [];
    return name === undefined || version === undefined ? [] : [[name, version] as const];
  });
}

/** A block has a line of what is asked for, and below it the version that was taken. */
function yarnEntries(text: string): Entry[] {
  let name: string | undefined;
  return text.split("\n").flatMap((line): Entry[] => {
    if (/^[^\s#]/.test(line)) name = /^"?((?:@[^/"]+\/)?[^@"]+)@/.exec(line)?.[1];
    const version = /^ {2}version:? "?([^"\s]+)/.exec(line)?.[1];
    return name === undefined || version === undefined ? [] : [[name, version]];
  });
}

/** As its own tools write TOML: a key a line. What follows in tables of their own is not the package's version. */
function tomlEntries(text: string): Entry[] {
  return text
    .split(/^\[\[package\]\]\s*$/m)
    .slice(1)
    .flatMap((block): Entry[] => {
      const [head = ""] = block.split(/^\[/m);
      const textOf = (key: string) => new RegExp(`^${key} = "([^"]*)"`, "m").exec(head)?.[1];
      const name = textOf("name");
      return name === undefined ? [] : [[pythonName(name), textOf("version") ?? "(no version)"]];
    });
}

function pipfileEntries(text: string): Entry[] {
  const lock = fieldsOf(JSON.parse(text));
  return [lock.default, lock.develop].flatMap((section) =>
    Object.entries(fieldsOf(section)).map(([name, value]) => {
      const { version, ref } = fieldsOf(value);
      return [pythonName(name), String(version ?? ref ?? "(no version)").replace(/^==/, "")] as const;
    }),
  );
}

/** `name==1.0`; what fixes no version is named with what it asks for. */
function requirementEntries(lines: readonly string[]): Entry[] {
  return lines.flatMap((line): Entry[] => {
    const text =
      line
        .replace(/(^|\s)#.*/, "")
        .replace(/\s--?\w.*/, "")
        .split(";")[0]
        ?.trim() ?? "";
    const [, name, asked] = /^([A-Za-z0-9][\w.-]*)(?:\s*\[[^\]]*\])?\s*(.*)$/.exec(text) ?? [];
    return name === undefined || asked === undefined ? [] : [[pythonName(name), asked.replace(/^={2,3}\s*/, "") || "(no version)"]];
  });
}

/** Once for every platform. */
function condaLockEntries(text: string): Entry[] {
  const { package: packages } = fieldsOf(loadYaml(text, "conda-lock.yml", { exact: true }));
  return itemsOf(packages).flatMap((one) => {
    const { name, version } = fieldsOf(one);
    return typeof name === "string" && typeof version === "string" ? [[name, version] as const] : [];
  });
}

function condaEntries(text: string): Entry[] {
  const { dependencies } = fieldsOf(loadYaml(text, "environment.yml", { exact: true }));
  return itemsOf(dependencies).flatMap((one): Entry[] => {
    if (typeof one !== "string") return requirementEntries(itemsOf(fieldsOf(one).pip).filter((line) => typeof line === "string"));
    const [, name, asked] = /^(?:[^:\s]+::)?([^\s=<>!~[]+)\s*(.*)$/.exec(one) ?? [];
    return name === undefined || asked === undefined ? [] : [[name, asked.replace(/^={1,2}\s*/, "") || "(no version)"]];
  });
}
