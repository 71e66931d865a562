/** `--config` and `--remote-config`: settings under which another repository is read, instead of its own. */
import { resolve } from "node:path";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { readDvcConfig, settingsIn } from "../../../store/dvc-config.ts";
import type { Sections } from "../../../store/dvc-config-file.ts";
import { checkDvcConfig } from "../../../store/dvc-options.ts";
import type { Input } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { withExitCode } from "../exit-codes.ts";
import { pairsOf } from "./fs-config.ts";

type Settings = NonNullable<Project["settings"]>;

/** What makes them for the repository, once it is known; undefined: it is read as it says. Throws E_CONFIG, E_NOT_FOUND, E_USAGE. */
export function foreignSettings(context: Context, input: Input): ((project: Project) => Settings) | undefined {
  const config = textIn(input.config);
  const options = pairsOf("--remote-config", input.remoteConfig);
  if (config === undefined && options.size === 0) return undefined;
  const file = config === undefined ? null : resolve(context.cwd, config);
  const text = file === null ? "" : readTextIfExists(file);
  if (text === null)
    throw new ExpverError("E_NOT_FOUND", `--config: there is no file ${config}`, { details: { path: config, exitCode: 255 } });
  const settings: Settings = settingsIn(text, file ?? context.cwd);
  if (options.size === 0) return () => settings;
  return (project) => {
    // In a repository without a remote dvc gives this name to its cache.
    const name = textIn(input.remote)?.toLowerCase() ?? readDvcConfig({ ...project, settings }).defaultRemote ?? "auto-generated-upstream";
    const header = `remote "${name}"`;
    const remote = new Map([...(settings.get(header) ?? []), ...options]);
    const url = readDvcConfig({ ...project, settings: new Map([...settings, [header, remote]]) }).remotes.get(name)?.url;
    refuseUnknown(new Map([[header, new Map([...remote, ["url", url ?? ""]])]]), input.showUrl === true ? 251 : 1);
    return new Map([...settings, [header, remote], ["core", new Map([...(settings.get("core") ?? []), ["remote", name]])]]);
  };
}

/** With the code of the command, as with dvc. */
function refuseUnknown(sections: Sections, exitCode: number): void {
  try {
    checkDvcConfig(sections);
  } catch (error) {
    throw error instanceof ExpverError ? withExitCode(error, exitCode) : error;
  }
}
