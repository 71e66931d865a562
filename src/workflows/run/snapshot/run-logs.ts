/** What programs and other tools write about runs, by names that nothing else has: never code, whoever has written it. */

/** MLflow, Weights & Biases, Lightning, Hydra, CatBoost, Aim, Neptune, SwanLab, Ultralytics, PyTorch's SummaryWriter: the folder, and what only these put into one of that name. */
const FOLDERS = [
  { name: "mlruns", holds: /^/ },
  { name: "mlartifacts", holds: /^/ },
  { name: "wandb", holds: /^(?:(?:offline-)?run-|latest-run|debug)/ },
  { name: "lightning_logs", holds: /^version_\d+\// },
  { name: "outputs", holds: /^\d{4}-\d\d-\d\d\// },
  { name: "multirun", holds: /^\d{4}-\d\d-\d\d\// },
  { name: "catboost_info", holds: /^/ },
  { name: ".aim", holds: /^/ },
  { name: ".neptune", holds: /^/ },
  { name: "swanlog", holds: /^/ },
  { name: "runs", holds: /^(?:(?:detect|segment|classify|pose|obb|train|val)\/[\w-]+|[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_[^/]+)\// },
];
/** TensorBoard, MLflow 3 (its default store, which grows with each run), nohup(1). */
const FILES = [
  { pattern: "mlflow.db*", name: /^mlflow\.db(?:-wal|-shm|-journal)?$/ },
  { pattern: "events.out.tfevents.*", name: /^events\.out\.tfevents\./ },
  { pattern: "nohup.out", name: /^nohup\.out$/ },
];

export interface RunLog {
  /** The file, or the folder that stands for all in it. */
  path: string;
  /** For an ignore file. */
  pattern: string;
}

export function runLog(path: string): RunLog | null {
  const parts = path.split("/");
  for (const { name, holds } of FOLDERS) {
    const depth = parts.indexOf(name);
    const below = parts.slice(depth + 1).join("/");
    if (depth !== -1 && below !== "" && holds.test(below)) return { path: parts.slice(0, depth + 1).join("/"), pattern: `${name}/` };
  }
  const file = FILES.find(({ name }) => name.test(parts.at(-1) ?? ""));
  return file === undefined ? null : { path, pattern: file.pattern };
}
