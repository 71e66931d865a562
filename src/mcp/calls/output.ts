/** What a tool answers, as JSON Schema: written out, for a library's way to say it takes half as many words again in every client's context. */
import { fromJsonSchema, type StandardSchemaWithJSON } from "@modelcontextprotocol/server";
import { SOURCE } from "./answering.ts";

export const TEXT = { type: "string" };
export const NUMBER = { type: "number" };
export const YES_OR_NO = { type: "boolean" };
export const LIST = { type: "array" };
export const NUMBER_OR_NULL = { type: ["number", "null"] };
export const TEXT_OR_NULL = { type: ["string", "null"] };

/** These fields and `source`, all of them always there. */
export function answerOf(fields: Record<string, object>): StandardSchemaWithJSON<Record<string, unknown>> {
  const properties = { source: { const: SOURCE }, ...fields };
  return fromJsonSchema<Record<string, unknown>>({ type: "object", properties, required: Object.keys(properties) });
}

/** A list of things that have some of these fields. */
export function listOf(fields: Record<string, object>): object {
  return { type: "array", items: { type: "object", properties: fields } };
}
