/** Settings for files that are made outside the worktree: they name programs and files from its top, or no program is to run. */
import { isAbsolute, join } from "node:path";
import { addedSettings } from "./added-settings.ts";
import { gitResult, type Repository } from "./git.ts";

/** Git runs filters in the worktree it writes: here in the repository's own, as a checkout does. */
export function filtersOfWorktree(repository: Repository): Record<string, string> {
  const { root, bare } = repository;
  if (bare) return {};
  // Git puts the path of the file where a smudge command says %f.
  const at = (folder: string, command: string) => `cd ${folder} && GIT_WORK_TREE=${folder} && export GIT_WORK_TREE && {\n${command}\n}`;
  const word = `'${root.replaceAll("'", "'\\''")}'`;
  return addedSettings(
    repository,
    settingsOf(repository).flatMap(([name, value]): [string, string][] => {
      if (name === "core.attributesfile")
        return value === "" || /^[~%]/.test(value) || isAbsolute(value) ? [] : [[name, join(root, value)]];
      if (value === "" || name.endsWith(".required")) return [];
      return [[name, at(name.endsWith(".smudge") ? word.replaceAll("%", "%%") : word, value)]];
    }),
  );
}

export function withoutFilters(repository: Repository): Record<string, string> {
  const drivers = settingsOf(repository).flatMap(([name]) => (name.startsWith("filter.") ? name.slice(0, name.lastIndexOf(".")) : []));
  return addedSettings(
    repository,
    [...new Set(drivers)].flatMap((driver): [string, string][] => [
      [`${driver}.smudge`, ""],
      [`${driver}.process`, ""],
      [`${driver}.required`, "false"],
    ]),
  );
}

/** The last of a name is the one that counts. */
function settingsOf(repository: Repository): [name: string, value: string][] {
  const names = "^(filter\\..*\\.(smudge|process|required)|core\\.attributesfile)$";
  const { stdout } = gitResult(repository, ["config", "-z", "--get-regexp", names], { allow: [1] });
  const settings = new Map<string, string>();
  for (const entry of stdout.toString("utf8").split("\0").filter(Boolean)) {
    const [name = "", ...value] = entry.split("\n");
    settings.set(name, value.join("\n"));
  }
  return [...settings];
}
