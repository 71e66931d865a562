/** `--columns` and `--differing`: which facts of the versions are shown. */
import { nearestWord } from "../../config/nearest.ts";
import { ExpverError } from "../../errors.ts";
import { canonicalNumber, canonicalParameter } from "../../versions/exact-numbers.ts";
import type { ListedVersion } from "./listed.ts";

export interface ColumnName {
  from: "metric" | "param" | "fact";
  name: string;
}

/** Facts beside the version's name, which is always there. */
const FACTS = ["rank", "kind", "date", "commit", "data", "runs", "notes", "description"];

interface Names {
  metrics: readonly string[];
  params: readonly string[];
}

/** In the order asked for. `metric.` and `param.` say which, where a name is several. Throws E_NOT_FOUND. */
export function chosenColumns(words: readonly string[], { metrics, params }: Names): ColumnName[] {
  return words
    .filter((word) => word !== "version")
    .map((word) => {
      if (FACTS.includes(word)) return { from: "fact", name: word };
      if (metrics.includes(word)) return { from: "metric", name: word };
      if (params.includes(word)) return { from: "param", name: word };
      const [, from, name = ""] = /^(metric|param)\.(.+)$/s.exec(word) ?? [];
      if ((from === "metric" && metrics.includes(name)) || (from === "param" && params.includes(name))) return { from, name };
      const known = [...metrics, ...params, ...FACTS];
      throw new ExpverError("E_NOT_FOUND", `no version has anything called ${JSON.stringify(word)}; known are ${known.join(", ")}`, {
        hint: `expver list --columns ${nearestWord(word, known) ?? known[0]}`,
        details: { asked: word, known },
      });
    });
}

/** Metrics and parameters that are not the same in all of these versions; 0.1 and 1e-1 are the same. */
export function differingColumns(versions: readonly ListedVersion[], { metrics, params }: Names): ColumnName[] {
  const meant = { metrics: canonicalNumber, params: canonicalParameter };
  const differs = (table: keyof typeof meant, name: string) =>
    new Set(versions.map((one) => (Object.hasOwn(one[table], name) ? meant[table](one[table][name] ?? "") : null))).size > 1;
  return [
    ...metrics.filter((name) => differs("metrics", name)).map((name): ColumnName => ({ from: "metric", name })),
    ...params.filter((name) => differs("params", name)).map((name): ColumnName => ({ from: "param", name })),
    ...(new Set(versions.map(({ data }) => data)).size > 1 ? [{ from: "fact", name: "data" } as const] : []),
    ...(new Set(versions.map(({ kind }) => kind)).size > 1 ? [{ from: "fact", name: "kind" } as const] : []),
  ];
}
