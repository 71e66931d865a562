/** The settings that several questions need, read in one process. */
import { gitResult, type Repository } from "./git.ts";

const NAMES =
  "^(branch\\..*\\.(pushremote|remote)|remote\\.(pushdefault|.*\\.url)|(commit|tag)\\.gpgsign|tag\\.forcesignannotated|core\\.hookspath|hook\\..*|push\\.recursesubmodules|submodule\\.recurse)$";
const read = new WeakMap<Repository, Map<string, string>>();

/** As they are now: names in Git's spelling, the last value of each. */
export function readSettings(repository: Repository): Map<string, string> {
  const output = gitResult(repository, ["config", "-z", "--get-regexp", NAMES], { allow: [1] }).stdout.toString("utf8");
  const settings = new Map(
    output
      .split("\0")
      .filter(Boolean)
      .map((pair) => {
        const at = pair.indexOf("\n");
        // A name alone means true.
        return at < 0 ? ([pair, "true"] as const) : ([pair.slice(0, at), pair.slice(at + 1)] as const);
      }),
  );
  read.set(repository, settings);
  return settings;
}

/** As they were when somebody last looked, for what is not to change while a command works. */
export function knownSettings(repository: Repository): Map<string, string> {
  return read.get(repository) ?? readSettings(repository);
}
