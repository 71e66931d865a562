/**
 * What a tool's data has at its top, out of the same published schema as the command line's: nothing is required, because a page, chosen
 * fields and the budget leave things out, and what is further down would cost more words than it saves.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { packageRoot } from "../../platform/package-root.ts";

interface JsonSchema {
  $ref?: string;
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
}

type Definitions = Record<string, JsonSchema>;

export function dataSchema(commands: readonly string[]): z.ZodType {
  const { definitions } = JSON.parse(readFileSync(join(packageRoot(), "schemas/v1.json"), "utf8")) as { definitions: Definitions };
  const types = new Map<string, Set<string>>();
  const data = commands.flatMap((command) => dataOf(definitions, command));
  for (const shape of data) {
    for (const [name, property] of Object.entries(shape.properties ?? {})) {
      const known = types.get(name) ?? new Set();
      for (const type of shapesOf(definitions, property).flatMap(typesOf)) known.add(type);
      types.set(name, known);
    }
  }
  const fields = [...types].map(([name, known]) => [name, fieldOf(known).optional()]);
  const described = commands.map((command) => `expver ${command} --json`).join(", ");
  return z.looseObject(Object.fromEntries(fields)).describe(`the data of ${described}`);
}

/** A definition is the whole envelope, or, of the verbs that speak dvc's dialect, the bare value. */
function dataOf(definitions: Definitions, command: string): JsonSchema[] {
  const shapes = shapesOf(definitions, { $ref: `#/definitions/${command}` });
  const inside = shapes.flatMap(({ properties }) => (properties?.error?.type === "null" && properties.data ? [properties.data] : []));
  return inside.length === 0 ? shapes : inside.flatMap((one) => shapesOf(definitions, one));
}

/** What it may be or is made of, references followed. */
function shapesOf(definitions: Definitions, { $ref: reference, ...schema }: JsonSchema): JsonSchema[] {
  const named = reference === undefined ? undefined : definitions[decodeURIComponent(reference.slice("#/definitions/".length))];
  const parts = [...(named === undefined ? [] : [named]), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  const own = parts.length === 0 || schema.properties !== undefined ? [schema] : [];
  return [...own.map(({ anyOf, allOf, ...one }) => one), ...parts.flatMap((one) => shapesOf(definitions, one))];
}

function typesOf({ type, const: fixed, enum: choices }: JsonSchema): string[] {
  if (type !== undefined) return [type].flat();
  const values = choices ?? (fixed === undefined ? [] : [fixed]);
  return values.length === 0 ? ["any"] : values.map((one) => (one === null ? "null" : typeof one));
}

const FIELDS: Record<string, () => z.ZodType> = {
  string: () => z.string(),
  number: () => z.number(),
  integer: () => z.number(),
  boolean: () => z.boolean(),
  array: () => z.array(z.unknown()),
  object: () => z.looseObject({}),
};

/** Of several types: anything. */
function fieldOf(types: ReadonlySet<string>): z.ZodType {
  const [only, ...others] = types;
  return (others.length === 0 && only !== undefined ? FIELDS[only]?.() : undefined) ?? z.unknown();
}
