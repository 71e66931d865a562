/** Parameters of a run: what was typed and what `params.yaml` says, as exact text, and how they reach the command. */
import { basename, join } from "node:path";
import type { Project } from "../../../config/project.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { ambiguousScalars } from "../../../config/yaml-versions.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { flatten } from "./flatten.ts";
import { withoutSettings } from "./sweep-keys.ts";

/** `k=v` texts of the command line. The last of a name wins, as in most programs. */
export function parseGiven(
  texts: readonly string[],
  { option, example } = { option: "--param ", example: "--param lr=0.1" },
): Record<string, string> {
  const entries = texts.map((text): [string, string] => {
    const at = text.indexOf("=");
    const name = text.slice(0, Math.max(at, 0)).trim();
    if (name === "") {
      throw new ExpverError("E_USAGE", `${option}${JSON.stringify(text)} is not of the form name=value`, {
        hint: `Write ${example}`,
        details: { received: text },
      });
    }
    return [name, text.slice(at + 1)];
  });
  return Object.fromEntries(entries);
}

/** The parameters of the project's `params:` file, nested keys joined with dots; none when the project names no file. */
export function readParameterFile({ root, config }: Project): Record<string, string> {
  if (config.params === null) return {};
  const text = readTextIfExists(join(root, config.params));
  return text === null ? {} : flatten(withoutSettings(loadYaml(text, basename(config.params), { exact: true })));
}

/** What Python reads as something else than programs with YAML 1.2 do; nothing is changed. */
export function warnAmbiguous({ root, config }: Project, { report }: Pick<Context, "report">): void {
  const text = config.params === null ? null : readTextIfExists(join(root, config.params));
  const found = text === null || config.params === null ? [] : ambiguousScalars(text, basename(config.params));
  const [first] = found;
  if (first === undefined) return;
  const named = found.slice(0, 5).map(({ name, text: value, old }) => `${name}: ${value} (${old} to Python's PyYAML)`);
  const more = found.length > 5 ? `, and ${found.length - 5} more` : "";
  report({
    kind: "warning",
    text: `${config.params} has values that YAML 1.1 and 1.2 read differently: ${named.join(", ")}${more}`,
    hint: `Write what both read alike, such as ${first.name}: ${first.clear}, or quote what is a text.`,
  });
}

/** `{name}` of a known parameter becomes its value; all other braces stay (JSON, templates of the program). */
export function substitute(argv: readonly string[], parameters: Readonly<Record<string, string>>): { argv: string[]; unknown: string[] } {
  const unknown = new Set<string>();
  const filled = argv.map((argument) =>
    argument.replace(/\{([A-Za-z_][\w.-]*)\}/g, (whole, name: string) => {
      if (Object.hasOwn(parameters, name)) return parameters[name] ?? "";
      if (argument === whole || argument.endsWith(`=${whole}`)) unknown.add(name);
      return whole;
    }),
  );
  return { argv: filled, unknown: [...unknown] };
}

/** `EXPVER_PARAM_<NAME>` for each and `EXPVER_PARAMS`, a JSON object in which numbers keep the digits they were written with. */
export function parameterEnvironment(parameters: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(parameters);
  const members = entries.map(([name, value]) => `${JSON.stringify(name)}: ${jsonOf(value)}`);
  return {
    ...Object.fromEntries(entries.map(([name, value]) => [`EXPVER_PARAM_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`, value])),
    EXPVER_PARAMS: `{${members.join(", ")}}`,
  };
}

function jsonOf(value: string): string {
  return /^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null)$/.test(value) ? value : JSON.stringify(value);
}
