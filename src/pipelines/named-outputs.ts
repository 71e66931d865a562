/** The one metrics file, the one model and the one file of parameters that the pipelines of a repository name. */
import { join, posix } from "node:path";
import { isModelName } from "../config/model-places.ts";
import { type Project, topOf } from "../config/project.ts";
import { loadYaml } from "../config/yaml.ts";
import { ExpverError } from "../errors.ts";
import { readTextIfExists } from "../platform/files.ts";
import { fieldsOf, itemsOf } from "../platform/mapping.ts";
import { isInside, outputsOf } from "./stages.ts";

export interface StageMetrics {
  /** From the top. */
  path: string;
  /** Else Git's. */
  isCached: boolean;
}

/** `pipelines`: paths of `dvc.yaml` files. Null when they name none, or several; a file that cannot be read names none: other readers say why. */
export function stageMetrics(project: Project, pipelines: readonly string[]): StageMetrics | null {
  const named = pipelines.flatMap((path) => metricsIn(path, readTextIfExists(join(topOf(project), path)) ?? ""));
  return onlyOne(named.filter(({ path }) => /\.(?:json|ya?ml)$/i.test(path)));
}

/** Of the `dvc.yaml` in this folder: the artifact whose type is `model`, else the output that is called like one. Relative to the folder; null as above. */
export function stageModel(root: string): string | null {
  const top = contentOf("dvc.yaml", readTextIfExists(join(root, "dvc.yaml")) ?? "");
  const artifacts = Object.values(fieldsOf(top.artifacts)).map((artifact) => fieldsOf(artifact));
  const typed = artifacts.flatMap(({ type, path }) =>
    type === "model" && typeof path === "string" ? [{ path: posix.normalize(path) }] : [],
  );
  const made = stagesIn(top).flatMap(({ outs, wdir }) =>
    outputsOf(outs).map(({ path }) => ({ path: placed("dvc.yaml", typeof wdir === "string" ? wdir : ".", path) })),
  );
  return (onlyOne(typed) ?? onlyOne(made.filter(({ path }) => isModelName(path))))?.path ?? null;
}

/** The YAML or JSON file of parameters that the `dvc.yaml` in this folder names, relative to the folder; `params.yaml` need not be named. Null as above. */
export function stageParams(root: string): string | null {
  const top = contentOf("dvc.yaml", readTextIfExists(join(root, "dvc.yaml")) ?? "");
  const named = stagesIn(top).flatMap(({ params, wdir }) =>
    itemsOf(params)
      .flatMap((item) => (typeof item === "string" ? ["params.yaml"] : Object.keys(fieldsOf(item))))
      .map((path) => ({ path: placed("dvc.yaml", typeof wdir === "string" ? wdir : ".", path) })),
  );
  const others = itemsOf(top.params).flatMap((path) => (typeof path === "string" ? [{ path: placed("dvc.yaml", ".", path) }] : []));
  return onlyOne([...named, ...others].filter(({ path }) => /\.(?:json|ya?ml)$/i.test(path)))?.path ?? null;
}

/** Null for none, several, one elsewhere, and one whose name is DVC's to resolve. */
function onlyOne<T extends { path: string }>(named: readonly T[]): T | null {
  const files = new Map(named.filter(({ path }) => isInside(path)).map((one) => [one.path, one]));
  const [only] = files.values();
  return files.size === 1 && only !== undefined && !only.path.includes("${") ? only : null;
}

function stagesIn(top: Record<string, unknown>): Record<string, unknown>[] {
  return Object.values(fieldsOf(top.stages)).map((body) => fieldsOf(fieldsOf(body).do ?? body));
}

function metricsIn(file: string, text: string): StageMetrics[] {
  const top = contentOf(file, text);
  const own = stagesIn(top).flatMap(({ metrics, wdir }) =>
    outputsOf(metrics).map(({ path, isCached }) => ({ path: placed(file, typeof wdir === "string" ? wdir : ".", path), isCached })),
  );
  // What is named beside the stages is somebody's output, or Git's.
  const others = itemsOf(top.metrics).flatMap((path) => (typeof path === "string" ? [placed(file, ".", path)] : []));
  return [...others.map((path) => ({ path, isCached: false })), ...own];
}

function contentOf(file: string, text: string): Record<string, unknown> {
  try {
    return fieldsOf(loadYaml(text, file));
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return {};
  }
}

function placed(file: string, folder: string, path: string): string {
  return /^(?:\w+:)?\//.test(path) ? path : posix.join(posix.dirname(file), folder, path);
}
