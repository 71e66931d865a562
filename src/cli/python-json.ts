/** JSON as Python's `json.dumps` writes it, which is what dvc prints under `--json`. */
import { escapeOf } from "./text-width.ts";

const PIECE_LENGTH = 2 ** 16;

/** In pieces, to be printed one by one: the whole text of a million items would be a third of a command's memory. */
export function* pythonJson(value: unknown): Generator<string> {
  let piece = "";
  for (const part of partsOf(value)) {
    piece += part;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

/** Lists, also those in an object, item by item. */
function* partsOf(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield (index === 0 ? "[" : ", ") + whole(item);
    yield value.length === 0 ? "[]" : "]";
  } else if (typeof value === "object" && value !== null) {
    let before = "{";
    for (const [key, item] of pairsOf(value)) {
      yield `${before}${text(key)}: `;
      if (Array.isArray(item)) yield* partsOf(item);
      else yield whole(item);
      before = ", ";
    }
    yield before === "{" ? "{}" : "}";
  } else yield whole(value);
}

function whole(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(whole).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${pairsOf(value)
      .map(([key, item]) => `${text(key)}: ${whole(item)}`)
      .join(", ")}}`;
  }
  if (typeof value === "string") return text(value);
  return typeof value === "bigint" ? value.toString() : JSON.stringify(value ?? null);
}

function pairsOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, item]) => item !== undefined);
}

/** Everything beyond ASCII escaped; a character outside the basic plane is two escapes. */
function text(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escapeOf);
}
