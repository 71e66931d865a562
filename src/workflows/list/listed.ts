/** One version as the list knows it, and the names its facts go by in `--where`, `--sort` and `--columns`. */
import { formatHeadline } from "../../versions/headline.ts";
import { metricsOf, paramsOf, saidDataHash, saidStatus } from "../../versions/metrics.ts";
import type { Version, VersionKind, VersionNumber } from "../../versions/types.ts";
import type { Field } from "../filter/compile-filter.ts";
import { hashOrder, versionOrder } from "../filter/orders.ts";

export interface ListedVersion {
  /** Tag name. */
  version: string;
  number: VersionNumber;
  /** 1 = best by the metric the list is sorted by; null when it has no number there. Equal values share a rank. */
  rank: number | null;
  /** Null: a tag without trailers. */
  kind: VersionKind | null;
  /** ISO 8601 with zone. */
  date: string;
  commit: string;
  /** The tag's first line as it stands. */
  line: string;
  description: string;
  /** Exact texts by name. */
  metrics: Record<string, string>;
  params: Record<string, string>;
  /** The inputs' digest: whole from a trailer, as short as written from a first line; null when the tag says none. */
  data: string | null;
  runs: number;
  /** What its run ended as (`failed`); null: well, or the tag does not say. */
  status: string | null;
  onBranch: boolean;
  /** True only when it is known not to be on any remote; null when there is no remote. */
  unpublished: boolean | null;
  /** Data and models the tag names whose bytes are not in this cache, or not all of them. */
  lacking: string[];
  problems: string[];
}

interface ListedFacts {
  known: ReadonlySet<string>;
  hasRemote: boolean;
  lacking(version: Version): string[];
}

export function listedOf(version: Version, { known, hasRemote, lacking }: ListedFacts): ListedVersion {
  const { name, number, commit, date, message, onBranch, unpublished, problems } = version;
  return {
    version: name,
    number,
    rank: null,
    kind: message.kind,
    date,
    commit,
    line: formatHeadline(message),
    description: message.description,
    metrics: metricsOf(message, known),
    params: paramsOf(message, known),
    data: saidDataHash(message),
    runs: message.runs.length,
    status: saidStatus(message),
    onBranch,
    unpublished: hasRemote ? unpublished : null,
    lacking: lacking(version),
    problems,
  };
}

/** `prefix`: of version names. */
export function fieldsOf(prefix: string): Record<string, Field<ListedVersion>> {
  return {
    version: { type: "text", of: ({ version }) => version, order: versionOrder(prefix) },
    kind: { type: "text", of: ({ kind }) => kind },
    date: { type: "time", of: ({ date }) => date || null },
    commit: { type: "text", of: ({ commit }) => commit || null, order: hashOrder },
    description: { type: "text", of: ({ description }) => description || null },
    data: { type: "text", of: ({ data }) => data, order: hashOrder },
    runs: { type: "value", of: ({ runs }) => String(runs) },
    status: { type: "text", of: ({ status }) => status },
    branch: { type: "yes or no", of: ({ onBranch }) => yesOrNo(onBranch) },
    published: { type: "yes or no", of: ({ unpublished }) => (unpublished === null ? null : yesOrNo(!unpublished)) },
    cached: { type: "yes or no", of: ({ lacking }) => yesOrNo(lacking.length === 0) },
  };
}

function yesOrNo(value: boolean): string {
  return value ? "yes" : "no";
}
