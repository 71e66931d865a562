/** YAML as a tree that knows where each value stands in the text. The only file that imports js-yaml. */
import {
  CORE_SCHEMA,
  EVENT_ID,
  type Event,
  FAILSAFE_SCHEMA,
  getScalarValue,
  load,
  mergeTag,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from "js-yaml";
import { ExpverError } from "../errors.ts";

/** Offsets are UTF-16 positions in the text, end exclusive, quotes and brackets included. */
export type YamlNode =
  | { kind: "scalar"; text: string; style: "plain" | "single" | "double" | "block"; start: number; end: number }
  | { kind: "sequence"; items: YamlNode[]; flow: boolean; start: number; end: number }
  | { kind: "mapping"; entries: YamlEntry[]; flow: boolean; start: number; end: number }
  | { kind: "alias"; start: number; end: number };

export interface YamlEntry {
  key: YamlNode;
  value: YamlNode;
}

/** The first document, or null when the text holds nothing but comments. Throws E_CONFIG with file and line. */
export function parseYaml(text: string, file: string): YamlNode | null {
  const events = guarded(text, file, () => parseEvents(text, { filename: file }));
  return events.length === 0 ? null : buildTree(text, events);
}

/**
 * The first document as plain values, `undefined` when there is none. `exact` keeps every scalar as the text that was
 * written (`1e-5`, `007`); otherwise YAML 1.2 types. `<<` brings the keys of what it names. Duplicate keys are a mistake, and aliases of which a value grows that no walk gets
 * to the end of. Throws E_CONFIG with file and line.
 */
export function loadYaml(text: string, file: string, { exact = false }: { exact?: boolean } = {}): unknown {
  if (!/^[^#\s\uFEFF]|^\s*[^#\s\uFEFF]/m.test(text)) return undefined;
  const schema = exact ? EXACT : TYPED;
  const value = guarded(text, file, () => load(text, { filename: file, schema, maxAliases: -1, maxTotalMergeKeys: MOST_REPEATED }));
  if (text.includes("*")) refuseGrown(value, file);
  return value;
}

// Every reader of YAML in Python knows `<<: *name`.
const EXACT = FAILSAFE_SCHEMA.withTags(mergeTag);
const TYPED = CORE_SCHEMA.withTags(mergeTag);

// More than anybody means.
const MOST_REPEATED = 200_000;

/** What an alias stands for counts as often as it occurs. */
function refuseGrown(value: unknown, file: string): void {
  const known = new Map<object, number>();
  let written = 0;
  const sizeOf = (one: unknown): number => {
    const before = typeof one === "object" && one !== null ? known.get(one) : undefined;
    if (before !== undefined) return before;
    written += 1;
    if (typeof one !== "object" || one === null) return 1;
    // Met again inside of itself, it has no end.
    known.set(one, Number.POSITIVE_INFINITY);
    let size = 1;
    for (const inner of Object.values(one)) size += sizeOf(inner);
    known.set(one, size);
    return size;
  };
  if (sizeOf(value) - written <= MOST_REPEATED) return;
  throw new ExpverError("E_CONFIG", `${file}: its aliases (*name) stand for more than ${MOST_REPEATED} values`, {
    hint: `Write out in ${file} what is meant.`,
    details: { file },
  });
}

/** 1-based line of an offset. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

function guarded<Value>(text: string, file: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark === undefined ? lineOf(text, text.length) : error.mark.line + 1;
    throw new ExpverError("E_CONFIG", `${file}:${line}: not valid YAML: ${error.reason}`, {
      hint: `Correct line ${line} of ${file}.`,
      details: { file, line, reason: error.reason },
      cause: error,
    });
  }
}

function buildTree(text: string, events: Event[]): YamlNode {
  let next = 1; // 0 is the document itself
  let reached = 0; // end of the last token, where an empty value stands

  const read = (): YamlNode => {
    const event = events[next++];
    if (event === undefined) return emptyAt(reached);
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        if (event.valueStart < 0) return emptyAt(reached);
        const style = styleName(event.style);
        const quote = style === "single" || style === "double" ? 1 : 0;
        const start = style === "block" ? headerStart(text, event.valueStart) : event.valueStart - quote;
        reached = event.valueEnd + quote;
        return { kind: "scalar", text: getScalarValue(text, event), style, start, end: reached };
      }
      case EVENT_ID.ALIAS:
        reached = event.anchorEnd;
        return { kind: "alias", start: event.anchorStart - 1, end: event.anchorEnd };
      case EVENT_ID.SEQUENCE: {
        const items: YamlNode[] = [];
        reached = Math.max(reached, event.start + 1);
        while (events[next]?.type !== EVENT_ID.POP) items.push(read());
        return { kind: "sequence", items, ...closed(event, "]") };
      }
      case EVENT_ID.MAPPING: {
        const entries: YamlEntry[] = [];
        reached = Math.max(reached, event.start + 1);
        while (events[next]?.type !== EVENT_ID.POP) {
          const key = read();
          // An empty value stands after the colon, not after the key.
          if (isEmpty(events[next])) reached = afterColon(text, reached);
          entries.push({ key, value: read() });
        }
        return { kind: "mapping", entries, ...closed(event, "}") };
      }
      default:
        return emptyAt(reached);
    }
  };

  const closed = (event: { start: number; style: number }, bracket: string) => {
    next += 1; // the pop
    const flow = event.style === 2;
    if (flow) reached = skipTo(text, reached, bracket) + 1;
    return { flow, start: event.start, end: reached };
  };

  return read();
}

function emptyAt(offset: number): YamlNode {
  return { kind: "scalar", text: "", style: "plain", start: offset, end: offset };
}

function isEmpty(event: Event | undefined): boolean {
  return event?.type === EVENT_ID.SCALAR && event.valueStart < 0;
}

/** Behind the next colon, or where we are when the key has none (`{x, y}`). */
function afterColon(text: string, from: number): number {
  const match = /[\s]*:/y;
  match.lastIndex = from;
  return match.test(text) ? match.lastIndex : from;
}

/** Position of a closing bracket, stepping over blanks, commas and comments. */
function skipTo(text: string, from: number, bracket: string): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === bracket) return at;
    if (text[at] === "#") at = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
  }
  return text.length - 1;
}

/** A block scalar's value starts behind its header line; the node starts at `|` or `>`. */
function headerStart(text: string, valueStart: number): number {
  const line = text.slice(text.lastIndexOf("\n", valueStart - 2) + 1, valueStart);
  const header = /[|>][-+0-9]*\s*(#.*)?\r?\n?$/.exec(line);
  return header === null ? valueStart : valueStart - line.length + header.index;
}

function styleName(style: number): "plain" | "single" | "double" | "block" {
  if (style === SCALAR_STYLE.PLAIN) return "plain";
  if (style === SCALAR_STYLE.SINGLE_QUOTED) return "single";
  return style === SCALAR_STYLE.DOUBLE_QUOTED ? "double" : "block";
}
