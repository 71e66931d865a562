/** How a CSV file is written: what parts its cells, and what its first line calls the columns, where DuckDB has other names for them. */
import { statSync } from "node:fs";
import { ExpverError } from "../../errors.ts";
import type { DataFile } from "./data-file.ts";
import { type DuckDb, sqlText } from "./duckdb.ts";
import type { SettledColumn } from "./schema.ts";

export interface CsvForm {
  delimiter: string;
  quote: string;
  /** Cells of the first line: empty ones (an index that pandas wrote) and equal ones too. */
  header: readonly string[];
}

/** Throws E_DATA where nothing parts all lines into as many cells. */
export async function csvFormOf(db: DuckDb, { path, name, columns }: Pick<DataFile, "path" | "name" | "columns">): Promise<CsvForm> {
  const names = columns.map((column) => column.name);
  if (statSync(path).size === 0) return { delimiter: ",", quote: '"', header: names };
  const file = sqlText(path);
  const sniff = `SELECT Delimiter AS delimiter, Quote AS quote, SkipRows AS skip FROM sniff_csv(${file}, all_varchar = true, header = true)`;
  const [found] = await db.rows(sniff);
  const said = String(found?.delimiter);
  const delimiter = said === "\\t" ? "\t" : said;
  const quote = found?.quote === "'" ? "'" : '"';
  const reading = `read_csv(${file}, all_varchar = true, header = false, delim = ${sqlText(delimiter)}, skip = ${Number(found?.skip ?? 0)})`;
  const [first = {}] = await db.rows(`SELECT * FROM ${reading} LIMIT 1`);
  const header = Object.values(first).map((cell) => String(cell ?? ""));
  const [only = ""] = header;
  if (header.length === 1 && [",", ";", "\t", "|"].some((one) => one !== delimiter && only.includes(one)))
    throw new ExpverError("E_DATA", `${name}: its lines have not as many cells as its first one, ${only}`, { details: { file: path } });
  return { delimiter, quote, header: header.length === names.length ? header : names };
}

/** Of COPY. */
export function csvOptions({ delimiter, quote }: CsvForm, { header }: { header: boolean }): string {
  return `FORMAT csv, HEADER ${header}, DELIMITER ${sqlText(delimiter)}, QUOTE ${sqlText(quote)}, ESCAPE ${sqlText(quote)}`;
}

/** The first line of a file like the base with these columns; null: as DuckDB itself would write it. */
export function headerLine({ delimiter, quote, header }: CsvForm, columns: readonly SettledColumn[]): string | null {
  const names = columns.map(({ name }) => name);
  const own = [...header, ...names.slice(header.length)];
  if (own.every((text, index) => text === names[index])) return null;
  const isPlain = (text: string) => ![delimiter, quote, "\n", "\r"].some((one) => text.includes(one));
  const cells = own.map((text) => (isPlain(text) ? text : `${quote}${text.replaceAll(quote, quote + quote)}${quote}`));
  return `${cells.join(delimiter)}\n`;
}
