/** Commands of git, dvc, MLflow and the original skill that are something else here: answered with what to type instead. */

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
  version: "Use `expver --version`; versions of experiments are in `expver list`.",
  search: "Did you mean `expver list` (versions) or `expver runs list` (runs)?",
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
  metrics: "Metrics are in `expver list` and `expver show VERSION`.",
  params: "Parameters are in `expver list` and `expver show VERSION`.",
  plots: "Plots are made by `dvc plots`.",
  artifacts: "Models are in `expver show VERSION`.",
  install: "Hooks that `dvc install` has written work; ours are installed with `expver hooks install`.",
  "git-hook": "Of dvc's hooks there are pre-commit, post-checkout and pre-push; `expver init` sets up a merge driver.",
  studio: "Studio is a service of DVC: use `dvc studio`.",
  completion: "Use `expver completion`.",
};

/** dvc's verbs about data that are still to come. */
const NOT_YET = ["import-db"];

/** What to type instead of `expver [group] word`, or null when the word is foreign to us. */
export function elsewhere(group: string, word: string): string | null {
  const table = group === "" ? AT_TOP : group === "data" ? NOT_DATA : {};
  if (Object.hasOwn(table, word)) return table[word] ?? null;
  if (group === "data" && NOT_YET.includes(word)) return `Use \`dvc ${word}\` meanwhile: its files and cache are these.`;
  return OPERANDS.find(([of, shape]) => of === group && shape.test(word))?.[2](word) ?? null;
}

/** A name where a command was expected: what it names can be shown. */
const OPERANDS: [group: string, shape: RegExp, said: (word: string) => string][] = [
  ["", /^[a-z]+\d+\.\d+\.\d+$/i, (word) => `Did you mean \`expver show ${word}\`?`],
  ["runs", /^[a-z]+-[a-z]+-\d{4}$/, (word) => `Did you mean \`expver runs show ${word}\`?`],
  ["ops", /^(\d{8}T\d{6}-)?[0-9a-f]{4}$/, (word) => `Did you mean \`expver ops show ${word}\`?`],
];
