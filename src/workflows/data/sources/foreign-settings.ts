/** `--config` and `--remote-config`, typed or in the file of an import: settings under which another repository is read, instead of its own. */
import { resolve } from "node:path";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { readDvcConfig, settingsIn } from "../../../store/settings/dvc-config.ts";
import type { Sections } from "../../../store/settings/dvc-config-file.ts";
import { checkDvcConfig } from "../../../store/settings/dvc-options.ts";
import type { RepositorySource, Settings } from "../../../store/types.ts";
import type { Input } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { withExitCode } from "../exit-codes.ts";
import { pairsOf } from "./fs-config.ts";
import { importUrl } from "./import-address.ts";

/** What makes them for the repository, once it is known; undefined: it is read as it says. */
export type ForeignSettings = ((project: Project) => Sections) | undefined;

/** Throws E_CONFIG, E_NOT_FOUND, E_USAGE. */
export function foreignSettings(context: Context, input: Input): ForeignSettings {
  const config = textIn(input.config);
  const options = pairsOf("--remote-config", input.remoteConfig);
  const settings = config === undefined ? new Map() : readSettings(resolve(context.cwd, config), `--config: there is no file ${config}`);
  return settingsWith(settings, { options, remote: textIn(input.remote), exitCode: input.showUrl === true ? 251 : 1 });
}

/** Those of an import. A relative file is looked for as a relative address is. Throws E_CONFIG, E_NOT_FOUND. */
export function importedSettings(
  project: Project,
  context: Context,
  { config, remote, file }: Pick<RepositorySource, "config" | "remote"> & { file: string },
): ForeignSettings {
  const settings =
    typeof config === "string"
      ? readSettings(resolve(context.cwd, importUrl(project, context, { url: config, file })), `${file}: its config ${config} is not there`)
      : sectionsOf(config ?? {});
  return settingsWith(settings, { options: typeof remote === "string" ? new Map() : textsOf(remote ?? {}), exitCode: 1 });
}

function readSettings(file: string, missing: string): Sections {
  const text = readTextIfExists(file);
  if (text === null) throw new ExpverError("E_NOT_FOUND", missing, { details: { path: file, exitCode: 255 } });
  return settingsIn(text, file);
}

/** `remote: {name: {…}}` is the section `remote "name"`. */
function sectionsOf(config: Settings): Sections {
  return new Map(
    Object.entries(config).flatMap(([section, values]) => {
      if (typeof values === "string") return [];
      const named = Object.entries(values).flatMap(([name, value]) =>
        typeof value === "string" ? [] : [[`${section} "${name}"`.toLowerCase(), textsOf(value)] as const],
      );
      return [[section, textsOf(values)] as const, ...named];
    }),
  );
}

function textsOf(settings: Settings): Map<string, string> {
  return new Map(Object.entries(settings).flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])));
}

interface RemoteOptions {
  /** Of the remote. */
  options: ReadonlyMap<string, string>;
  /** Its name; default: the default one there. */
  remote?: string | undefined;
  /** For one that is none. */
  exitCode: number;
}

function settingsWith(settings: Sections, { options, remote: asked, exitCode }: RemoteOptions): ForeignSettings {
  if (settings.size === 0 && options.size === 0) return undefined;
  if (options.size === 0) return () => settings;
  return (project) => {
    // In a repository without a remote dvc gives this name to its cache.
    const name = asked?.toLowerCase() ?? readDvcConfig({ ...project, settings }).defaultRemote ?? "auto-generated-upstream";
    const header = `remote "${name}"`;
    const remote = new Map([...(settings.get(header) ?? []), ...options]);
    const url = readDvcConfig({ ...project, settings: new Map([...settings, [header, remote]]) }).remotes.get(name)?.url;
    refuseUnknown(new Map([[header, new Map([...remote, ["url", url ?? ""]])]]), exitCode);
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
