/** The text of a DVC configuration file: ConfigObj's dialect, read as DVC reads it and written as DVC writes it. */
import { ExpverError } from "../../errors.ts";

/** Unquoted commas make a list. */
export type ConfigValue = string | string[];

/** Section (lower case, the inner quotes of `'remote "x"'` kept) → key (lower case) → value. */
export type Sections = Map<string, Map<string, ConfigValue>>;

/** Reads one file. Throws E_CONFIG naming the line. */
export function parseDvcConfig(text: string, file: string): Sections {
  const sections: Sections = new Map();
  let current: Map<string, ConfigValue> | undefined;
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = (lines[index] ?? "").trim();
    if (line === "" || line.startsWith("#")) continue;
    const bad = (what: string) =>
      new ExpverError("E_CONFIG", `${file}, line ${index + 1}: ${what}`, { details: { file, line: index + 1 } });
    const header = /^\[+(.*?)\]+\s*(?:#.*)?$/.exec(line)?.[1];
    if (header !== undefined) {
      const name = unquote(header.trim()).toLowerCase();
      if (sections.has(name)) throw bad(`section ${name} stands twice`);
      current = new Map();
      sections.set(name, current);
      continue;
    }
    const [, rawKey, rawValue] = /^("[^"]*"|'[^']*'|[^'"=][^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    if (rawKey === undefined || rawValue === undefined || current === undefined)
      throw bad(`neither a section nor \`key = value\`: ${line}`);
    const key = unquote(rawKey).toLowerCase();
    if (current.has(key)) throw bad(`${key} stands twice`);
    const triple = /^('''|""")/.exec(rawValue)?.[1];
    if (triple !== undefined) {
      let whole = rawValue.slice(3);
      while (!whole.includes(triple) && index + 1 < lines.length) {
        index += 1;
        whole += `\n${lines[index]}`;
      }
      if (!whole.includes(triple)) throw bad("a quote is not closed");
      current.set(key, whole.slice(0, whole.indexOf(triple)));
      continue;
    }
    const value = parseValue(rawValue);
    if (value === null) throw bad(`the value of ${key} does not parse: ${rawValue}`);
    current.set(key, value);
  }
  for (const [name, section] of sections) {
    const filled = filledIn(section, (key, lacking) => {
      const text = `${file}: ${name}.${key} asks for ${lacking}, which its section does not have: missing option "${lacking}" in interpolation`;
      return new ExpverError("E_CONFIG", text, {
        hint: "`%(name)s` stands for another value of the same section.",
        details: { file, exitCode: 255 },
      });
    });
    sections.set(name, filled);
  }
  return sections;
}

type Lacking = (key: string, lacking: string) => ExpverError;

/** `%(name)s` stands for another value of the section, as in ConfigObj. */
function filledIn(section: ReadonlyMap<string, ConfigValue>, lacking: Lacking): Map<string, ConfigValue> {
  const fill = (text: string, key: string, within: readonly string[]): string =>
    text.replaceAll(/%\(([^)]*)\)s/g, (_all, name: string) => {
      const value = section.get(name.toLowerCase());
      if (typeof value !== "string" || within.includes(name)) throw lacking(key, name);
      return fill(value, key, [...within, name]);
    });
  const filled = (value: ConfigValue, key: string) =>
    Array.isArray(value) ? value.map((one) => fill(one, key, [key])) : fill(value, key, [key]);
  return new Map([...section].map(([key, value]) => [key, filled(value, key)]));
}

/** The whole file anew, as DVC does: plain sections in order, then remotes, then machines and databases. Empty ones are dropped. */
export function renderDvcConfig(sections: Sections): string {
  const filled = [...sections].filter(([, section]) => section.size > 0);
  const rank = (name: string) => 1 + ["remote", "machine", "db"].findIndex((kind) => new RegExp(`^\\s*${kind}\\s*"`).test(name));
  const ordered = filled.sort(([one], [other]) => rank(one) - rank(other));
  const text = ordered
    .map(
      ([name, section]) => `[${quoteName(name)}]\n${[...section].map(([key, value]) => `    ${key} = ${renderValue(value)}\n`).join("")}`,
    )
    .join("");
  return text === "" ? "\n" : text;
}

// ConfigObj's own rule: items end at a comma or a comment; quotes may hold either.
const VALUE = /^((?:(?:".*?"|'.*?'|[^'",#][^,#]*?)\s*,\s*)*)(".*?"|'.*?'|[^'",#\s][^,]*?|)(?:\s*#.*)?$/;

/** Null when it does not parse. */
function parseValue(text: string): ConfigValue | null {
  if (/^,(?:\s*#.*)?$/.test(text)) return [];
  const match = VALUE.exec(text);
  if (match === null) return null;
  const [, list = "", last = ""] = match;
  if (list === "") return unquote(last);
  const items = [...list.matchAll(/(".*?"|'.*?'|[^'",#].*?)\s*,\s*/g)].map(([, item = ""]) => unquote(item));
  return last === "" ? items : [...items, unquote(last)];
}

function renderValue(value: ConfigValue): string {
  if (!Array.isArray(value)) return quote(value);
  if (value.length === 0) return ",";
  return value.length === 1 ? `${quote(value[0] ?? "")},` : value.map(quote).join(", ");
}

function quote(text: string): string {
  if (text === "") return '""';
  const both = text.includes("'") && text.includes('"');
  if (both || text.includes("\n")) return text.includes("'''") ? `"""${text}"""` : `'''${text}'''`;
  const needed = /[,#]/.test(text) || /^[ \t\r\v'"]|[ \t\r\v'"]$/.test(text);
  if (!needed) return text;
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}

function quoteName(name: string): string {
  return name.includes('"') ? `'${name}'` : name;
}

function unquote(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}
