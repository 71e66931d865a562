/** Where `--out` puts a report: a folder's report.md and metric.svg, or, of a name that ends as Markdown does, that file and its picture beside it. */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";

export interface ReportPlaces {
  /** Absolute. */
  page: string;
  picture: string;
}

const MARKDOWN = /^\.(?:md|markdown|mdown|mkd)$/i;
/** What a page can be in, and ours is not. */
const OTHER_PAGE = /^\.(?:html?|pdf|txt|rst|adoc|tex|docx?|odt|ipynb|svg|png|json|csv|ya?ml)$/i;

/** Throws E_USAGE for a file that would be no Markdown. */
export function reportPlaces(context: Context, out: string): ReportPlaces {
  const path = resolve(context.cwd, out);
  const isFolder = /[/\\]$/.test(out) || (existsSync(path) && statSync(path).isDirectory());
  if (!isFolder && MARKDOWN.test(extname(path))) return { page: path, picture: join(dirname(path), `${stem(path)}.svg`) };
  if (!isFolder && (existsSync(path) || OTHER_PAGE.test(extname(path)))) {
    throw new ExpverError("E_USAGE", `a report is Markdown: ${out} names ${existsSync(path) ? "a file" : "something else"}`, {
      hint: `expver report --out ${shellWord(`${out.slice(0, out.length - extname(out).length)}.md`)}, or a folder: report.md and metric.svg go into it.`,
      details: { received: out },
    });
  }
  return { page: join(path, "report.md"), picture: join(path, "metric.svg") };
}

function stem(path: string): string {
  return basename(path, extname(path));
}
