/**
 * The files in which the tools of the clouds keep accounts: sections of `key = value` or `key: value`, keys in any case, as Python's
 * configparser has it. A nested block's keys are `block.key`.
 */
export function parseIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | null = null;
  let block = "";
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const header = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      const name = header.replace(/\s+/g, " ").replaceAll(/["']/g, "");
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      block = "";
      continue;
    }
    const [, indent = "", typed = "", value = ""] = /^(\s*)([^=:]+?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    const key = typed.toLowerCase();
    if (key === "" || section === null) continue;
    if (indent === "") block = value === "" ? key : "";
    const isNested = indent !== "" && block !== "";
    section.set(isNested ? `${block}.${key}` : key, value.replace(/\s[#;].*$/, ""));
  }
  return sections;
}
