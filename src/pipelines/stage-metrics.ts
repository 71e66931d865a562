/** The metrics file that the pipelines of a repository name, when it is one. */
import { join, posix } from "node:path";
import { type Project, topOf } from "../config/project.ts";
import { loadYaml } from "../config/yaml.ts";
import { ExpverError } from "../errors.ts";
import { readTextIfExists } from "../platform/files.ts";
import { fieldsOf } from "../platform/mapping.ts";
import { isInside, listOf, outputsOf } from "./stages.ts";

export interface StageMetrics {
  /** From the top. */
  path: string;
  /** Else Git's. */
  isCached: boolean;
}

/** `pipelines`: paths of `dvc.yaml` files. Null when they name none, or several; a file that cannot be read names none: other readers say why. */
export function stageMetrics(project: Project, pipelines: readonly string[]): StageMetrics | null {
  const named = pipelines.flatMap((path) => metricsIn(path, readTextIfExists(join(topOf(project), path)) ?? ""));
  const files = new Map(named.filter(({ path }) => isInside(path) && /\.(?:json|ya?ml)$/i.test(path)).map((one) => [one.path, one]));
  const [only] = files.values();
  return files.size === 1 && only !== undefined && !only.path.includes("${") ? only : null;
}

function metricsIn(file: string, text: string): StageMetrics[] {
  const top = contentOf(file, text);
  const stages = Object.values(fieldsOf(top.stages)).map((body) => fieldsOf(fieldsOf(body).do ?? body));
  const own = stages.flatMap(({ metrics, wdir }) =>
    outputsOf(metrics).map(({ path, isCached }) => ({ path: placed(file, typeof wdir === "string" ? wdir : ".", path), isCached })),
  );
  // What is named beside the stages is somebody's output, or Git's.
  const others = listOf(top.metrics).flatMap((path) => (typeof path === "string" ? [placed(file, ".", path)] : []));
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
