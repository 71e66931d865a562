/** The nouns of the version index. */

/** `e1.4.2` without its prefix. */
export interface VersionNumber {
  major: number;
  minor: number;
  patch: number;
}

export type VersionKind = "run" | "sweep" | "merge" | "manual";

/** `Run:` trailer: one run of a version with its own parameters as written. */
export interface RunEntry {
  run: string;
  params: Record<string, string>;
}

/** `Data:` and `Model:` trailers. */
export interface ArtifactEntry {
  hash: string;
  /** Bytes; null when unknown. */
  size: number | null;
  path: string;
}

export interface MetricEntry {
  name: string;
  /** Exact text. */
  value: string;
  direction: "max" | "min" | null;
}

/** Everything a tag message can say. What a hand-made tag does not say is empty or null. */
export interface VersionMessage {
  /** The first line's `key=value` pairs, in order. */
  headline: [key: string, value: string][];
  /** Human text: the first line's last part. */
  description: string;
  /** Free text between the first line and the trailers. */
  body: string;
  /** Null: no trailers, the chain is unrecorded. */
  kind: VersionKind | null;
  runs: RunEntry[];
  bestRun: string | null;
  merged: string[];
  /** Snapshot commit S. */
  code: string | null;
  dataHash: string | null;
  data: ArtifactEntry[];
  models: ArtifactEntry[];
  params: Record<string, string>;
  metrics: MetricEntry[];
  /** Trailers of other tools among ours, kept as they are. */
  other: [key: string, value: string][];
}

/** One tag of the registry. */
export interface Version {
  /** Tag name. */
  name: string;
  number: VersionNumber;
  /** Results commit R: what the tag points to, nested tags followed. Empty when it points to no commit (see `problems`). */
  commit: string;
  /** Object of the tag itself; null for a lightweight tag. */
  tagObject: string | null;
  /** `Ada <ada@example.com>`; null for a lightweight tag. */
  tagger: string | null;
  /** ISO 8601 with zone; of the commit for a lightweight tag. */
  date: string;
  /** ISO 8601 with zone: when its commit was made, whenever somebody made its tag, or made it anew. */
  committed: string;
  /** False: on no local or remote-tracking branch. */
  onBranch: boolean;
  /** True: made in this repository and not published from here since (`published.ts`). False says nothing. */
  unpublished: boolean;
  message: VersionMessage;
  /** What could not be read of it; empty for a whole tag. */
  problems: string[];
}
