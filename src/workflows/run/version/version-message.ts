/** What the tag of a run says: the suggested first line, and the exact values. */

import type { Project } from "../../../config/project.ts";
import type { Pointer } from "../../../store/types.ts";
import { artifactEntries } from "../../../versions/artifacts.ts";
import { orderMetrics, suggestHeadline } from "../../../versions/suggest.ts";
import type { ArtifactEntry, VersionMessage } from "../../../versions/types.ts";

export interface MessageFacts {
  runId: string;
  message: string | null;
  /** Fit to be shown: what describes a run of which nothing else is known. */
  command: string;
  snapshot: string | null;
  dvcHash: string | null;
  dirty: boolean;
  inputs: readonly Pointer[];
  models: readonly ArtifactEntry[];
  /** As given on the command line come first in the headline. */
  given: readonly string[];
  /** Secrets hidden. */
  params: Record<string, string>;
  metrics: Record<string, string>;
}

export function versionMessage({ config }: Project, facts: MessageFacts): VersionMessage {
  const { runId, message, command, snapshot, dvcHash, dirty, inputs, models, params, given } = facts;
  const metrics = orderMetrics(config.metrics, facts.metrics);
  const headline = suggestHeadline({ params, given, metrics, dataHash: dvcHash });
  const text = message?.trim() || (headline.length === 0 ? command : "");
  const lines = text.split("\n");
  return {
    headline,
    description: lines[0]?.trim() ?? "",
    body: lines.slice(1).join("\n").trim(),
    kind: "run",
    runs: [{ run: runId, params: Object.fromEntries(Object.entries(params).filter(([name]) => given.includes(name))) }],
    bestRun: null,
    merged: [],
    code: snapshot,
    dataHash: dvcHash,
    data: artifactEntries(inputs),
    models: [...models],
    params,
    metrics,
    other: dirty ? [["Dirty", "yes"]] : [],
  };
}
