/** JSON as Python's `json.dumps` writes it, which is what dvc prints under `--json`. */
import { escapeOf } from "./text-width.ts";

export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) {
    // What a text is made of is kept until all of it is needed: of a million items in one go that would be most of a command's memory.
    const pieces: string[] = [];
    for (const some of piecesOf(value)) pieces.push(some.map((item) => pythonJson(item ?? null)).join(", "));
    return `[${pieces.join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${pairs.map(([key, item]) => `${text(key)}: ${pythonJson(item)}`).join(", ")}}`;
  }
  if (typeof value === "string") return text(value);
  return typeof value === "bigint" ? value.toString() : JSON.stringify(value ?? null);
}

function* piecesOf(items: readonly unknown[]): Generator<readonly unknown[]> {
  for (let from = 0; from < items.length; from += 1000) yield items.slice(from, from + 1000);
}

/** Everything beyond ASCII escaped; a character outside the basic plane is two escapes. */
function text(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escapeOf);
}
