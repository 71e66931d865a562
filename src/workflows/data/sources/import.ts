/** `expver data import` and `import-url`: data of another repository or place, tracked here with where it came from. */
import { basename, dirname, isAbsolute, relative, resolve } from "node:path";
import { absolutePath, pathFromUser } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { type Import, renderImportAgain } from "../../../store/pointers/import-file.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { openObjects, openRemote } from "../../../store/remotes/open-remote.ts";
import { isUrl } from "../../../store/settings/dvc-config.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import type { OutputContent, RepositorySource } from "../../../store/types.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { openData } from "../open-data.ts";
import { performLocked } from "../perform-locked.ts";
import { autostage } from "../tracking/autostage.ts";
import { refuseUntrackable, refuseWithoutFolder } from "../tracking/trackable.ts";
import { bringChained } from "../transfer/fetch-imports.ts";
import { bring, commitThere, copyOf, copyOfRepository } from "./bring.ts";
import { deliveryPath, nameInUrl, refusePointerName } from "./deliver.ts";
import { type Elsewhere, lookElsewhere, refuseUnkept } from "./elsewhere.ts";
import { type ForeignSettings, foreignSettings } from "./foreign-settings.ts";
import { fsConfigOf, pairsOf } from "./fs-config.ts";
import { describeImport } from "./import-address.ts";

interface ImportPlan extends Plan {
  from: Import;
  settings?: ForeignSettings;
  /** What is at the URL; null for a repository, and when it was not even looked for. */
  there: Elsewhere | null;
  /** Name of the remote the bytes go to instead of here; null: they do not. */
  remote: string | undefined | null;
  /** Stored path. */
  path: string;
  mode: "bring" | "lock" | "note" | "send";
}

export interface ImportResult {
  /** Stored path of the output. */
  path: string;
  /** Of the pointer file. */
  file: string;
  from: string;
  content: OutputContent | null;
}

export const dataImport: WriteWorkflow<Input, ImportPlan, ImportResult> = {
  async plan(context, input) {
    const settings = foreignSettings(context, input);
    const [url, path] = [String(input.url), String(input.path)];
    const from: Import = {
      kind: "repository",
      url,
      path: path.replace(/^\.\/|\/+$/g, ""),
      rev: textIn(input.rev) ?? null,
      lock: null,
      ...namedSettings(input),
    };
    return { ...planImport(context, input, { command: "data import", from, name: path, local: null }), settings };
  },
  apply: applyImport,
};

export const dataImportUrl: WriteWorkflow<Input, ImportPlan, ImportResult> = {
  async plan(context, input) {
    refuseTogether(input);
    const url = String(input.url);
    const options = fsConfigOf(input);
    if (input.versionAware === true) options.set("version_aware", "true");
    const local = isUrl(url) ? null : resolve(context.cwd, url);
    const plan = planImport(context, input, {
      command: "data import-url",
      from: { kind: "url", path: url, folder: "", hash: null, options, versions: null },
      name: nameInUrl(url),
      local,
    });
    const there = plan.mode === "note" ? null : await lookElsewhere(context, url, { options });
    if (there !== null) refuseUnkept(there);
    return { ...plan, there };
  },
  apply: applyImport,
};

/** As dvc writes them into the file: of a named remote, options are settings. */
function namedSettings(input: Input): Pick<RepositorySource, "config" | "remote"> {
  const [config, remote] = [textIn(input.config) ?? null, textIn(input.remote) ?? null];
  const options = Object.fromEntries(pairsOf("--remote-config", input.remoteConfig));
  if (Object.keys(options).length === 0) return { config, remote };
  if (remote === null) return { config, remote: options };
  if (config === null) return { config: { core: { remote }, remote: { [remote]: options } }, remote: null };
  throw new ExpverError("E_USAGE", "--config, --remote and --remote-config do not go together: the file could not say all of it", {
    hint: "Name the remote in the file of --config.",
    details: { dialect: "dvc", exitCode: 255 },
  });
}

interface Planned {
  command: string;
  from: Import;
  /** What the output is called after. */
  name: string;
  local: string | null;
}

function planImport(context: Context, input: Input, { command, from, name, local }: Planned): ImportPlan {
  const project = openData(context);
  // dvc reads no repository in which data depends on such a file.
  refusePointerName(from.path);
  const absolute = deliveryPath(context, { from: name, out: textIn(input.out), force: input.force === true });
  const path = pathFromUser(project, context, absolute);
  const others = readPointers(project).filter((pointer) => pointer.path !== path || pointer.stage !== undefined);
  refuseWithoutFolder(project, path);
  refuseUntrackable(project, [path], others);
  const placed = from.kind === "url" && local !== null ? { ...from, path: spelled(project, from.path, { local, path }) } : from;
  const mode = input.exec === false ? "note" : input.download === false ? "lock" : input.toRemote === true ? "send" : "bring";
  if (mode === "send") openObjects(project, textIn(input.remote));
  return {
    command,
    steps: [{ verb: mode === "bring" ? "import" : mode, target: path, detail: `from ${describeImport(placed)}` }],
    // dvc asks nothing here either; what is replaced is in the cache or the trash.
    destructive: false,
    fingerprint: fingerprintOf({ placed, path, mode }),
    from: placed,
    there: null,
    remote: mode === "send" ? textIn(input.remote) : null,
    path,
    mode,
  };
}

/** As typed, or relative to the pointer file, so that it means the same from there. */
function spelled(project: Project, typed: string, { local, path }: { local: string; path: string }): string {
  if (/^\w+:\/\//.test(typed)) return typed;
  const root = project.dvcRoot ?? project.root;
  const folder = dirname(absolutePath(project, path));
  return isAbsolute(typed) && !`${local}/`.startsWith(`${root}/`) ? typed : relative(folder, local);
}

async function applyImport(context: Context, plan: ImportPlan): Promise<ImportResult> {
  const { from, settings, there, remote, path, mode, command } = plan;
  const project = openData(context);
  const file = `${path}.dvc`;
  const start = {
    command,
    argv: [...command.split(" "), path],
    summary: `${command.slice("data ".length)} ${path} from ${describeImport(from)}`,
  };
  return performLocked(project, context, {
    ...start,
    writes: [path],
    work: async (operation) => {
      const make =
        from.kind === "repository"
          ? copyOfRepository(context, {
              ...from,
              rev: from.rev ?? "HEAD",
              settings,
              chained: bringChained,
              caches: [openCache(project)],
            })
          : there && copyOf(there);
      const brought = mode === "bring" && make !== null ? await bring(project, context, { path, make, operation }) : null;
      const sent = remote === null || there === null ? null : await there.send(project, openRemote(project, remote));
      const lock =
        from.kind === "repository" && mode === "lock"
          ? await commitThere(context, { ...from, rev: from.rev ?? "HEAD", settings, chained: bringChained })
          : null;
      const content = brought?.scan.content ?? sent;
      const before = readTextIfExists(absolutePath(project, file));
      const edit = {
        path: absolutePath(project, file),
        before,
        after: renderImportAgain(before, {
          from: from.kind === "repository" ? { ...from, lock: brought?.commit ?? lock } : from,
          name: basename(path),
          content,
          source: there && (await there.fields(project, content)),
          looked: mode !== "note",
        }),
      };
      const edits = [...ignoreEdits(project, [absolutePath(project, path)]), edit];
      applyFileEdits(project, operation, edits);
      autostage(project, edits);
      return { path, file, from: describeImport(from), content };
    },
  });
}

function refuseTogether({ toRemote, versionAware, remote, exec, download }: Input): void {
  if (toRemote === true && (exec === false || download === false || versionAware === true))
    throw new ExpverError("E_DATA", "--to-remote goes with none of --no-exec, --no-download, --version-aware");
  if (toRemote !== true && remote !== undefined)
    throw new ExpverError("E_DATA", "--remote goes with --to-remote only", { details: { exitCode: 1 } });
}
