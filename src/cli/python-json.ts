/** JSON as Python's `json.dumps` writes it, which is what dvc prints under `--json`. */
import { escapeOf } from "./text-width.ts";

export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item ?? null)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${pairs.map(([key, item]) => `${text(key)}: ${pythonJson(item)}`).join(", ")}}`;
  }
  if (typeof value === "string") return text(value);
  return typeof value === "bigint" ? value.toString() : JSON.stringify(value ?? null);
}

/** Everything beyond ASCII escaped; a character outside the basic plane is two escapes. */
function text(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escapeOf);
}
