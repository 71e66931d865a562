/** Globs of `expver.yaml`: `*` within one name, `**` over folders, `?`, `[abc]`, `{a,b}`. A pattern that names a folder means all in it. */

/** A test over stored paths (relative, with `/`). No pattern matches nothing. */
export function matchGlobs(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map((pattern) => new RegExp(`^${translate(pattern)}(/.*)?$`, "su"));
  return (path) => tests.some((test) => test.test(path));
}

function translate(pattern: string): string {
  let result = "";
  let braces = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const rest = pattern.slice(at);
    const set = /^\[([!^]?)((?:[^\]\\/]|\\.)+)\]/.exec(rest);
    if (/^\*\*(\/|$)/.test(rest) && (at === 0 || pattern[at - 1] === "/")) {
      result += rest.startsWith("**/") ? "(?:[^/]+/)*" : ".+";
      at += rest.startsWith("**/") ? 2 : 1;
    } else if (rest.startsWith("*")) result += "[^/]*";
    else if (rest.startsWith("?")) result += "[^/]";
    else if (set !== null && isClass(classOf(set))) {
      result += classOf(set);
      at += set[0].length - 1;
    } else if (rest.startsWith("{") && rest.includes("}")) {
      result += "(?:";
      braces += 1;
    } else if (rest.startsWith("}") && braces > 0) {
      result += ")";
      braces -= 1;
    } else if (rest.startsWith(",") && braces > 0) result += "|";
    else if (rest.startsWith("\\") && rest.length > 1) {
      result += literal(rest[1] ?? "");
      at += 1;
    } else result += literal(rest[0] ?? "");
  }
  return result + ")".repeat(braces);
}

function classOf([, not, members = ""]: RegExpExecArray): string {
  return `[${not ? "^/" : ""}${members.replace(/[\\[\]]/g, "\\$&")}]`;
}

/** `[z-a]` is none: its bracket is a bracket. */
function isClass(text: string): boolean {
  try {
    return new RegExp(text, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

/** Whether anything in it stands for more than itself. */
export function isGlob(text: string): boolean {
  return /[*?[\]{}\\]/.test(text);
}

/** A text in which nothing has another meaning. */
export function globOf(text: string): string {
  return text.replace(/[\\*?[\]{},]/g, "\\$&");
}

function literal(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
