/**
 * What a tool's data has, out of the same published schema as the command line's: every field at its top, and every field of the rows that are
 * paged. Nothing is required, because a page, chosen fields and the budget leave things out, and what is further down would cost more words
 * than it saves.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../platform/package-root.ts";

export interface DataSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, DataSchema>;
  items?: DataSchema;
}

interface JsonSchema {
  $ref?: string;
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema | JsonSchema[];
}

type Definitions = Record<string, JsonSchema>;

/** `rows`: fields that hold lists of which the rows' fields are named too. */
export function dataSchema(commands: readonly string[], rows: readonly string[]): DataSchema {
  const { definitions } = JSON.parse(readFileSync(join(packageRoot(), "schemas/v1.json"), "utf8")) as { definitions: Definitions };
  const shapes = commands.flatMap((command) => dataOf(definitions, command));
  const fields = [...partsOf(definitions, shapes)].map(([name, parts]): [string, DataSchema] => {
    const field = typeOf(parts);
    if (!rows.includes(name) || field.type === undefined) return [name, field];
    const inside = parts.flatMap(({ items = [] }) => [items].flat().flatMap((item) => shapesOf(definitions, item)));
    const items = typeOf(inside);
    const properties = Object.fromEntries([...partsOf(definitions, inside)].map(([key, own]) => [key, typeOf(own)]));
    return [name, { ...field, items: { ...items, ...(Object.keys(properties).length > 0 ? { properties } : {}) } }];
  });
  const described = commands.map((command) => `expver ${command} --json`).join(", ");
  return { type: "object", description: `the data of ${described}`, properties: Object.fromEntries(fields) };
}

/** A definition is the whole envelope, or, of the verbs that speak dvc's dialect, the bare value. */
function dataOf(definitions: Definitions, command: string): JsonSchema[] {
  const shapes = shapesOf(definitions, { $ref: `#/definitions/${command}` });
  const inside = shapes.flatMap(({ properties }) => (properties?.error?.type === "null" && properties.data ? [properties.data] : []));
  return inside.length === 0 ? shapes : inside.flatMap((one) => shapesOf(definitions, one));
}

/** By name, what each field may be in any of the shapes. */
function partsOf(definitions: Definitions, shapes: readonly JsonSchema[]): Map<string, JsonSchema[]> {
  const parts = new Map<string, JsonSchema[]>();
  for (const { properties = {} } of shapes)
    for (const [name, property] of Object.entries(properties)) {
      parts.set(name, [...(parts.get(name) ?? []), ...shapesOf(definitions, property)]);
    }
  return parts;
}

/** What it may be or is made of, references followed. */
function shapesOf(definitions: Definitions, { $ref: reference, ...schema }: JsonSchema): JsonSchema[] {
  const named = reference === undefined ? undefined : definitions[decodeURIComponent(reference.slice("#/definitions/".length))];
  const parts = [...(named === undefined ? [] : [named]), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  const own = parts.length === 0 || schema.properties !== undefined ? [schema] : [];
  return [...own.map(({ anyOf, allOf, ...one }) => one), ...parts.flatMap((one) => shapesOf(definitions, one))];
}

/** Nothing said: it may be anything. */
function typeOf(shapes: readonly JsonSchema[]): DataSchema {
  const types = [...new Set(shapes.flatMap(typesOf))];
  const [only, ...others] = types;
  if (only === undefined || types.includes("any")) return {};
  return { type: others.length === 0 ? only : types };
}

function typesOf({ type, const: fixed, enum: choices }: JsonSchema): string[] {
  const values = choices ?? (fixed === undefined ? [] : [fixed]);
  const types = type === undefined ? values.map((one) => (one === null ? "null" : typeof one)) : [type].flat();
  return types.length === 0 ? ["any"] : types.map((one) => (one === "integer" ? "number" : one));
}
