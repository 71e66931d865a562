/** The merge driver in Git's configuration: an attribute of the files (shared), and the command for it (this clone's own). */
import { git, gitResult, type Repository } from "./git.ts";

/** For each kind of file that is merged: a line of `.gitattributes`. */
export const DRIVER_ATTRIBUTES = { "any.dvc": "*.dvc merge=expver", "dvc.lock": "dvc.lock merge=expver" };
/** What a driver answers when the file is a conflict, and says so itself. */
export const CONFLICT_CODE = 4;

const COMMAND_KEY = "merge.expver.driver";
const NAME_KEY = "merge.expver.name";

/**
 * The shell command Git runs: the program that installed it, else the `expver` on the PATH. When neither is there, or it does
 * not come to its end, the file is merged as text, as if there were no driver.
 */
export function driverCommand(program: readonly [node: string, main: string]): string {
  const [node, main] = program.map(quoted);
  return [
    `if [ -x ${node} ] && [ -f ${main} ]; then ${node} ${main} merge-driver %O %A %B %P`,
    "else expver merge-driver %O %A %B %P",
    "fi",
    "code=$?",
    // Above 128 Git would take the driver for dead and give up the whole merge.
    `case $code in 0) exit 0;; ${CONFLICT_CODE}) exit 1;; esac`,
    "git merge-file -q --marker-size=%L -L ours -L base -L theirs %A %O %B && exit 0",
    "exit 1",
  ].join("; ");
}

/** The file a driver command begins with; null when it is not one of ours. */
export function driverProgram(command: string): string | null {
  const found = /\[ -f '((?:[^']|'\\'')*)' \]/.exec(command)?.[1];
  return found === undefined ? null : found.replaceAll("'\\''", "'").replaceAll("%%", "%");
}

/** The command this clone has; null when it has none. */
export function readDriver(repository: Repository): string | null {
  const { code, stdout } = gitResult(repository, ["config", "--get", COMMAND_KEY], { allow: [1] });
  return code === 0 ? stdout.toString("utf8").replace(/\n$/, "") : null;
}

/** For all worktrees of the clone. */
export function installDriver(repository: Repository, command: string): void {
  git(repository, ["config", "--local", NAME_KEY, "results by row, folders by entry, stages one by one"]);
  git(repository, ["config", "--local", COMMAND_KEY, command]);
}

/** How Git merges a path: the name of a driver, "set", "unset", or "unspecified". */
export function mergeAttribute(repository: Repository, path: string): string {
  const fields = git(repository, ["check-attr", "-z", "merge", "--", path]).split("\0");
  return fields[2] ?? "unspecified";
}

/** One word for the shell, and `%` as itself for Git. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''").replaceAll("%", "%%")}'`;
}
