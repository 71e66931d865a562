import type { Command } from "../src/workflows/contract.ts";

export const SCHEMA_FILE: string;
export function schemaText(root: string, catalogue: readonly Command[]): string;
