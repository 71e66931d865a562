/** `expver data init`: DVC's own files, as `dvc init` makes and stages them. `expver init` sets up everything else too. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fromTop } from "../../config/paths.ts";
import { findPlace, type Place } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { contextIn, gitResult } from "../../git/git.ts";
import { stageFiles } from "../../git/stage.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import { perform } from "../../journal/perform.ts";
import { moveToTrash, moveWhole, trashPlace } from "../../journal/trash.ts";
import type { Context } from "../../platform/context.ts";
import { isFolder, makeFolders, readTextIfExists } from "../../platform/files.ts";
import type { FileEdit } from "../../store/types.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { DVC_GITIGNORE, DVCIGNORE } from "../init/texts.ts";
import { textIn } from "../input.ts";
import { applyFileEdits, fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { refused } from "./refused.ts";

interface InitPlan extends Plan {
  /** Absolute. */
  root: string;
  edits: FileEdit[];
  noScm: boolean;
  replaces: boolean;
}

export interface DataInitResult {
  /** Absolute. */
  root: string;
  written: string[];
}

const NO_SCM = "[core]\n    no_scm = True\n";

export const dataInit: WriteWorkflow<Input, InitPlan, DataInitResult> = {
  async plan(context, input) {
    const root = physical(resolve(context.cwd, textIn(input.directory) ?? "."));
    const noScm = input.scm === false;
    if (noScm && input.subdir === true)
      throw new ExpverError("E_USAGE", "--no-scm and --subdir exclude each other", { details: { dialect: "dvc", exitCode: 255 } });
    const place = placeFor(context, { root, noScm });
    const dvc = join(root, ".dvc");
    const replaces = existsSync(dvc);
    refuseWrongPlace(place, { root, noScm, subdir: input.subdir === true });
    if (replaces && input.force !== true) {
      throw refused(`there is a .dvc in ${root} already`, "Begin anew with --force: the old one goes to the trash.");
    }
    if (replaces && noScm) throw refused(`${dvc} is in the way`, "Move it away yourself: without Git the trash would lie in it.");
    const files: [path: string, text: string][] = [
      [join(dvc, "config"), noScm ? NO_SCM : ""],
      ...(noScm ? [] : [[join(dvc, ".gitignore"), DVC_GITIGNORE] as [string, string]]),
      ...(existsSync(join(root, ".dvcignore")) ? [] : [[join(root, ".dvcignore"), DVCIGNORE] as [string, string]]),
    ];
    const edits = files.map(([path, after]) => ({ path, before: replaces ? null : readTextIfExists(path), after }));
    return {
      command: "data init",
      steps: [
        ...(replaces ? [{ verb: "delete", target: ".dvc", keeps: "the trash" }] : []),
        ...edits.map(({ path }) => ({ verb: "create", target: relative(root, path) })),
      ],
      destructive: replaces,
      fingerprint: fingerprintOf({ root, edits, replaces }),
      root,
      edits,
      noScm,
      replaces,
    };
  },

  async apply(context, { root, edits, noScm, replaces }) {
    makeFolders(root);
    const place = placeFor(context, { root, noScm });
    await prepareWriting(place, context);
    await perform(place, context, {
      command: "data init",
      argv: ["data", "init"],
      summary: `set up DVC in ${root}`,
      work: (operation) => {
        if (replaces) replaceFolder(place, operation, join(root, ".dvc"));
        applyFileEdits(place, operation, edits);
        if (place.repository !== null)
          stageFiles(
            place.repository,
            edits.map(({ path }) => path),
          );
      },
    });
    return { root, written: edits.map(({ path }) => relative(root, path)) };
  },
};

/** By an empty one. Without a digest: undo takes away whatever is in it by then, to where it waited. */
function replaceFolder(place: Place, operation: OpenOperation, folder: string): void {
  const [waiting, replaced] = [trashPlace(place, folder), trashPlace(place, folder)];
  makeFolders(waiting);
  operation.record({ kind: "move", from: fromTop(place, waiting), to: fromTop(place, folder), replaced });
  moveToTrash(place, folder, replaced);
  moveWhole(waiting, folder);
}

function placeFor(context: Context, { root, noScm }: { root: string; noScm: boolean }): Place {
  const bare: Place = { root, repository: null, dvcRoot: root, stateDir: join(root, ".dvc", "tmp", "expver"), cwd: root };
  return noScm ? bare : (findPlace(contextIn(context, standing(root))) ?? bare);
}

/** A folder that is yet to be made is below one that is there. */
function standing(folder: string): string {
  return isFolder(folder) ? folder : standing(dirname(folder));
}

function physical(folder: string): string {
  const there = standing(folder);
  return join(realpathSync(there), relative(there, folder));
}

function refuseWrongPlace({ repository }: Place, { root, noScm, subdir }: { root: string; noScm: boolean; subdir: boolean }): void {
  if (noScm) return;
  if (repository === null)
    throw refused(`${root} is not under Git`, "Run `git init` first, use --no-scm, or set up everything: expver init.");
  if (realpathSync(repository.root) !== root && !subdir) {
    throw refused(`${root} is not the top of its Git repository ${repository.root}`, "Run it there, or use --subdir.");
  }
  if (gitResult(repository, ["check-ignore", "-q", "--no-index", "--", join(root, ".dvc")], { allow: [1] }).code === 0) {
    throw refused(".dvc is ignored by Git", "Take it out of the ignore file that names it.");
  }
}
