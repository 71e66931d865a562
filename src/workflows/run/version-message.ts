/** What the tag of a run says: the suggested first line, and the exact values. */
import type { Project } from "../../config/project.ts";
import type { Pointer } from "../../store/types.ts";
import type { ArtifactEntry, MetricEntry, VersionMessage } from "../../versions/types.ts";

export interface MessageFacts {
  runId: string;
  message: string | null;
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
  const { runId, message, snapshot, dvcHash, dirty, inputs, models, params, given } = facts;
  const metrics = orderMetrics(config.metrics, facts.metrics);
  const lines = (message ?? "").split("\n");
  return {
    headline: headlineOf({ params, given, metrics, dvcHash }),
    description: lines[0]?.trim() ?? "",
    body: lines.slice(1).join("\n").trim(),
    kind: "run",
    runs: [{ run: runId, params: Object.fromEntries(Object.entries(params).filter(([name]) => given.includes(name))) }],
    bestRun: null,
    merged: [],
    code: snapshot,
    dataHash: dvcHash,
    data: inputs.flatMap(({ hash, size, path }) => (hash === null ? [] : [{ hash, size: size ?? null, path }])),
    models: [...models],
    params,
    metrics,
    other: dirty ? [["Dirty", "yes"]] : [],
  };
}

/** The primary metric: the first of `expver.yaml` that the run has, else its only or first one. */
export function orderMetrics(
  directions: Readonly<Record<string, "max" | "min">>,
  metrics: Readonly<Record<string, string>>,
): MetricEntry[] {
  const configured = Object.keys(directions).filter((name) => Object.hasOwn(metrics, name));
  const others = Object.keys(metrics).filter((name) => !configured.includes(name));
  return [...configured, ...others].map((name) => ({ name, value: metrics[name] ?? "", direction: directions[name] ?? null }));
}

interface HeadlineFacts {
  params: Readonly<Record<string, string>>;
  given: readonly string[];
  metrics: readonly MetricEntry[];
  dvcHash: string | null;
}

const KEY_PARAMS = 3;

/** `model=logreg`, up to three parameters (those typed first), the primary metric, `data=3a2f1b`. */
function headlineOf({ params, given, metrics, dvcHash }: HeadlineFacts): [string, string][] {
  const names = Object.keys(params);
  const model = names.find((name) => /^(model|model_(name|type)|(model|train)\.(name|type))$/i.test(name));
  const ordered = [...names.filter((name) => given.includes(name)), ...names.filter((name) => !given.includes(name))];
  const key = ordered.filter((name) => name !== model).slice(0, KEY_PARAMS);
  const primary = metrics[0];
  return [
    ...(model === undefined ? [] : [["model", params[model] ?? ""] as [string, string]]),
    ...key.map((name): [string, string] => [name, params[name] ?? ""]),
    ...(primary === undefined ? [] : [[primary.name, primary.value] as [string, string]]),
    ...(dvcHash === null ? [] : [["data", dvcHash.slice(0, 6)] as [string, string]]),
  ];
}
