/** Scalars that readers of YAML 1.1 (Python's PyYAML) take for something else than readers of YAML 1.2: `1e-4` a text, `yes` true, `010` eight. */
import { parseYaml, type YamlNode } from "./yaml.ts";
import { typedSource } from "./yaml-text.ts";

export interface Ambiguous {
  /** Keys joined with dots. */
  name: string;
  /** As it is written. */
  text: string;
  old: "a number" | "a boolean" | "a text" | "another number";
  /** Both read this as the number or truth that is most likely meant. */
  clear: string;
}

type Kind = "number" | "boolean" | "text";

const OLD_BOOLEAN = /^(yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const BOOLEAN = /^(true|True|TRUE|false|False|FALSE)$/;
const OLD_NUMBER = new RegExp(
  `^(${[
    "[-+]?0b[01_]+",
    "[-+]?0[0-7_]+",
    "[-+]?0",
    "[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])*",
    "[-+]?0x[0-9a-fA-F_]+",
    "[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?",
    "[-+]?\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?",
    "[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*",
  ].join("|")})$`,
);
const NUMBER = /^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)$/;
// `010`: eight to the former, ten to the latter.
const OCTAL = /^[-+]?0[0-7]+$/;

/** Those of a text, in its order. Throws E_CONFIG. */
export function ambiguousScalars(text: string, file: string): Ambiguous[] {
  const tree = parseYaml(text, file);
  return tree === null
    ? []
    : Array.from(scalarsIn(tree, []), ([names, scalar]) => judged(names.join("."), scalar)).filter((one) => one !== null);
}

function judged(name: string, text: string): Ambiguous | null {
  const [old, now] = [kindOf(text, OLD_BOOLEAN, OLD_NUMBER), kindOf(text, BOOLEAN, NUMBER)];
  if (old === now && !(old === "number" && OCTAL.test(text) && Number.parseInt(text, 8) !== Number(text))) return null;
  const clear = /^(yes|on)$/i.test(text)
    ? "true"
    : /^(no|off)$/i.test(text)
      ? "false"
      : typedSource(old === "number" ? text.replaceAll("_", "") : text);
  return { name, text, old: old === now ? "another number" : `a ${old}`, clear };
}

function kindOf(text: string, boolean: RegExp, number: RegExp): Kind {
  return boolean.test(text) ? "boolean" : number.test(text) ? "number" : "text";
}

function* scalarsIn(node: YamlNode, names: readonly string[]): Generator<[readonly string[], string]> {
  if (node.kind === "scalar" && node.style === "plain") yield [names, node.text];
  if (node.kind === "sequence") for (const [index, item] of node.items.entries()) yield* scalarsIn(item, [...names, String(index)]);
  if (node.kind !== "mapping") return;
  for (const { key, value } of node.entries) yield* scalarsIn(value, [...names, key.kind === "scalar" ? key.text : "?"]);
}
