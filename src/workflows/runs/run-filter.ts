/** `expver runs list --where`: the facts of a run by the names they go by. */
import { compileFilter, type Field } from "../filter/compile-filter.ts";
import { hashOrder, versionOrder } from "../filter/orders.ts";
import type { RunView } from "./run-views.ts";

const FIELDS: Record<string, Field<RunView>> = {
  run: { type: "text", of: (run) => run.run_id },
  status: { type: "text", of: (run) => run.status },
  command: { type: "text", of: (run) => run.command },
  message: { type: "text", of: (run) => run.message },
  start: { type: "time", of: (run) => run.start },
  end: { type: "time", of: (run) => run.end },
  seconds: { type: "value", of: ({ start, end }) => (end === null ? null : String((Date.parse(end) - Date.parse(start)) / 1000)) },
  exit_code: { type: "value", of: (run) => (run.exit_code === null ? null : String(run.exit_code)) },
  signal: { type: "text", of: (run) => run.signal },
  commit: { type: "text", of: (run) => run.git_commit, order: hashOrder },
  data: { type: "text", of: (run) => run.dvc_hash, order: hashOrder },
  dirty: { type: "yes or no", of: (run) => (run.dirty ? "yes" : "no") },
  host: { type: "text", of: (run) => run.host },
};

/** `prefix`: of version names. Throws E_USAGE that points at the column. */
export function runFilter(runs: readonly RunView[], where: string, prefix: string): (run: RunView) => boolean {
  return compileFilter<RunView>(where, {
    fields: { ...FIELDS, version: { type: "text", of: (run) => run.version, order: versionOrder(prefix) } },
    params: ({ params }) => params,
    metrics: ({ metrics }) => metrics,
    paramNames: new Set(runs.flatMap(({ params }) => Object.keys(params))),
    metricNames: new Set(runs.flatMap(({ metrics }) => Object.keys(metrics))),
  });
}
