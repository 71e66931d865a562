/** Commands of git, dvc and the original skill that are something else here: answered with what to type instead. */

const AT_TOP: Record<string, string> = {
  push: "Did you mean `expver publish` (versions with their data) or `expver data push` (data only)?",
  pull: "Did you mean `expver sync` (versions and their data) or `expver data pull` (data only)?",
  fetch: "Did you mean `expver sync` (versions) or `expver data fetch` (data only)?",
  add: "Did you mean `expver data add`?",
  commit: "Did you mean `expver data commit` (data) or `expver run` (an experiment)?",
  status: "Did you mean `expver data status` (data) or `expver runs list` (runs)?",
  remote: "Did you mean `expver data remote`?",
  exp: "Experiments are `expver run`, `expver list` and `expver show`.",
  log: "Did you mean `expver list` (versions) or `expver ops` (what was done)?",
};

/** dvc's verbs that are not about data. */
const NOT_DATA: Record<string, string> = {
  exp: "Experiments are `expver run`, `expver list`, `expver show`.",
  experiments: "Experiments are `expver run`, `expver list`, `expver show`.",
  queue: "Queued experiments are `expver run --detach` and `expver runs`.",
  run: "Use `expver run`.",
  repro: "Stages are run by `dvc repro`; an experiment by `expver run`.",
  stage: "Stages are written with `dvc stage`; expver reads dvc.yaml and dvc.lock.",
  dag: "Stages are shown by `dvc dag`.",
  freeze: "Stages are frozen with `dvc freeze`.",
  unfreeze: "Stages are unfrozen with `dvc unfreeze`.",
  metrics: "Metrics are in `expver list` and `expver show VERSION`.",
  params: "Parameters are in `expver list` and `expver show VERSION`.",
  plots: "Plots are made by `dvc plots`.",
  artifacts: "Models are in `expver show VERSION`.",
  install: "Git hooks are installed with `dvc install`.",
  studio: "Studio is a service of DVC: use `dvc studio`.",
  completion: "Use `expver completion`.",
};

/** What to type instead of `expver [group] word`, or null when the word is foreign to us. */
export function elsewhere(group: string, word: string): string | null {
  const table = group === "" ? AT_TOP : group === "data" ? NOT_DATA : {};
  return Object.hasOwn(table, word) ? (table[word] ?? null) : null;
}
