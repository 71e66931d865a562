/**
 * The library: `track()` for programs that log, and what a program wants to read of versions and runs. The answers are the
 * `data` of the same command's `--json`; failures are {@link ExpverError}s with the codes of docs/errors.md.
 */
import { openProject } from "./config/project.ts";
import { systemContext } from "./platform/context.ts";
import type { VersionList } from "./workflows/list.ts";
import type { RunView } from "./workflows/runs/run-views.ts";
import type { ShownVersion } from "./workflows/show.ts";

export { ERROR_CODES, type ErrorCode, ExpverError } from "./errors.ts";
export { type LoggedRow, type Track, type TrackOptions, track } from "./results/track.ts";
export type { ListedVersion } from "./workflows/list/listed.ts";
export type { VersionList } from "./workflows/list.ts";
export type { RunView } from "./workflows/runs/run-views.ts";
export type { ShownVersion } from "./workflows/show.ts";

/** Where to look. */
export interface PlaceOptions {
  /** A folder of the project. Default: the working directory. */
  cwd?: string | undefined;
}

export interface ListOptions extends PlaceOptions {
  /** Metrics, parameters, `version` or `date`, with `-` the other way round. Default: the primary metric, best first. */
  sort?: string | undefined;
  /** The filter language of `expver list --where`. */
  where?: string | undefined;
}

/**
 * Every version with its exact parameters and metrics, as `expver list`. Throws `E_NO_PROJECT`, `E_CONFIG`; `E_NOT_FOUND` when
 * no version has the metric to sort by.
 */
export async function listVersions({ cwd, sort, where }: ListOptions = {}): Promise<VersionList> {
  const { list } = await import("./workflows/list.ts");
  return list.read(contextAt(cwd), { sort, where });
}

/** All that is known of one version, as `expver show`. Throws `E_NOT_FOUND`, and `E_NO_PROJECT`, `E_NO_GIT`, `E_CONFIG`. */
export async function showVersion(version: string, { cwd }: PlaceOptions = {}): Promise<ShownVersion> {
  const { show } = await import("./workflows/show.ts");
  return show.read(contextAt(cwd), { version });
}

/** Every run, the latest first, with exact parameters and metrics; as `expver runs list --all`. Throws `E_NO_PROJECT`, `E_CONFIG`. */
export async function listRuns({ cwd }: PlaceOptions = {}): Promise<RunView[]> {
  const runs = await import("./workflows/runs/run-views.ts");
  return runs.listRuns(openProject(contextAt(cwd)));
}

/** One run by its id or an unambiguous beginning of it, the latest without; as `expver runs show`. Throws `E_NOT_FOUND` too. */
export async function showRun(run?: string, { cwd }: PlaceOptions = {}): Promise<RunView> {
  const runs = await import("./workflows/runs/run-views.ts");
  return runs.findRun(openProject(contextAt(cwd)), run);
}

function contextAt(cwd: string | undefined): ReturnType<typeof systemContext> {
  return systemContext(cwd === undefined ? {} : { cwd });
}
