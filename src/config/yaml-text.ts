/**
 * Values as YAML source that YAML 1.1 readers (Python's PyYAML) and YAML 1.2 readers understand alike: `1e-4` is a text to
 * the former and a number to the latter, so it is written `1.0e-4`; `yes`, `0o17`, `1_000`, `1:30` are quoted.
 */
import { loadYaml, parseYaml, type YamlNode } from "./yaml.ts";

export type YamlValue = string | number | boolean | null | readonly YamlValue[] | { readonly [key: string]: YamlValue };

const INTEGER = /^[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)$/;
const FLOAT = /^([-+]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([-+]?)([0-9]+))?$/;
const CONSTANT = /^(true|True|TRUE|false|False|FALSE|null|Null|NULL|~|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/;
// What some reader takes for a boolean, a number, a date or a special key although it is meant as a text.
const AMBIGUOUS = /^(\.[._].*|\.|y|n|yes|no|on|off|true|false|null|~|=|<<|[-+]?\.?(inf|nan)|[-+.]?[0-9].*)$/i;
// Begins and goes on with nothing that has a meaning in YAML, in flow collections either.
const SAFE = /^[\p{L}_/.$][\p{L}\p{N}_/.$*@%+~^=;()'"!|<>-]*( [\p{L}\p{N}_/.$*@%+~^=;()'"!|<>-]+)*$/u;
// `{lr}` stands for something else; YAML takes it for a mapping of `lr` to nothing.
const TEMPLATE = /^\{[^:{}]*[^:{}\s][^:{}]*\}$/;
// Control characters, lone surrogates, and what YAML 1.1 takes for a line break or a byte order mark.
const NEEDS_ESCAPE = /[\p{Cc}\p{Cs}\u2028\u2029\ufeff\ufffe\uffff]/gu;

/** A value in one line: texts stay texts, numbers numbers. */
export function yamlSource(value: YamlValue): string {
  if (value === null) return "null";
  if (typeof value === "string") return stringSource(value);
  if (typeof value === "number") return numberSource(value);
  if (typeof value === "boolean") return String(value);
  if (isList(value)) return `[${value.map(yamlSource).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${stringSource(key)}: ${yamlSource(item)}`)
    .join(", ")}}`;
}

/** Text typed for a parameter, as the value it was meant to be: `1e-4` a number, `true` a boolean, `[32, 16]` a list, the rest texts. */
export function typedSource(typed: string): string {
  const text = typed.trim();
  if (/^[[{]/.test(text) && !TEMPLATE.test(text)) {
    const node = parsedFlow(text);
    if (node !== null) return nodeSource(node);
  }
  return scalarSource(text) ?? stringSource(typed);
}

/** The same value in a JSON file, whose readers know no bare text. */
export function typedJson(typed: string): string {
  const node = parseYaml(typedSource(typed), "parameter");
  return node === null ? JSON.stringify(typed) : jsonOf(node);
}

/** A text, quoted only when it must be. */
export function stringSource(text: string, quote?: "single" | "double"): string {
  if (quote === undefined && SAFE.test(text) && !AMBIGUOUS.test(text)) return text;
  if (quote === "double" || text.search(NEEDS_ESCAPE) >= 0) {
    return JSON.stringify(text).replace(NEEDS_ESCAPE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }
  return `'${text.replaceAll("'", "''")}'`;
}

function numberSource(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value < 0 ? "-.inf" : ".inf";
  return scalarSource(Object.is(value, -0) ? "-0.0" : String(value)) ?? String(value);
}

/** Null when the text is neither a number nor a constant. The digits stay as written. */
function scalarSource(text: string): string | null {
  if (INTEGER.test(text) || CONSTANT.test(text)) return text;
  const [, sign = "", whole = "", fraction, exponentSign, exponent] = FLOAT.exec(text) ?? [];
  if (whole + (fraction ?? "") === "" || /^0[0-9]/.test(whole) || (fraction === undefined && exponent === undefined)) return null;
  const power = exponent === undefined ? "" : `e${exponentSign || "+"}${exponent}`;
  return `${sign}${whole || "0"}.${fraction || "0"}${power}`;
}

function nodeSource(node: YamlNode): string {
  switch (node.kind) {
    case "scalar":
      return node.style === "plain" ? typedScalar(node.text) : stringSource(node.text);
    case "sequence":
      return `[${node.items.map(nodeSource).join(", ")}]`;
    case "mapping":
      return `{${node.entries.map(({ key, value }) => `${nodeSource(key)}: ${nodeSource(value)}`).join(", ")}}`;
    case "alias":
      return "null";
  }
}

function jsonOf(node: YamlNode): string {
  switch (node.kind) {
    case "scalar":
      return node.style === "plain" ? jsonScalar(node.text) : JSON.stringify(node.text);
    case "sequence":
      return `[${node.items.map(jsonOf).join(", ")}]`;
    case "mapping":
      return `{${node.entries.map(({ key, value }) => `${JSON.stringify(key.kind === "scalar" ? key.text : jsonOf(key))}: ${jsonOf(value)}`).join(", ")}}`;
    case "alias":
      return "null";
  }
}

function jsonScalar(text: string): string {
  if (/^(null|~|)$/i.test(text)) return "null";
  if (/^(true|false)$/i.test(text)) return text.toLowerCase();
  // Python writes and reads these.
  if (/^\.nan$/i.test(text)) return "NaN";
  if (/^[-+]?\.inf$/i.test(text)) return text.startsWith("-") ? "-Infinity" : "Infinity";
  const number = text.replace(/^\+/, "");
  return /^-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?$/i.test(number) ? number : JSON.stringify(text);
}

function typedScalar(text: string): string {
  return text === "" ? "null" : (scalarSource(text) ?? stringSource(text));
}

function parsedFlow(text: string): YamlNode | null {
  try {
    const node = parseYaml(text, "parameter");
    // Refuses what has a key twice.
    loadYaml(text, "parameter");
    return node !== null && "flow" in node && node.end === text.length && !hasAlias(node) ? node : null;
  } catch {
    return null;
  }
}

function hasAlias(node: YamlNode): boolean {
  if (node.kind === "sequence") return node.items.some(hasAlias);
  if (node.kind === "mapping") return node.entries.some(({ key, value }) => hasAlias(key) || hasAlias(value));
  return node.kind === "alias";
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}
