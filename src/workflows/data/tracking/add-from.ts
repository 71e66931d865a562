/** `expver data add --out` and `--to-remote`: data from elsewhere becomes an output, here or on a remote only. */
import { basename, join, resolve } from "node:path";
import { absolutePath, pathFromUser } from "../../../config/paths.ts";
import { topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { openObjects, openRemote } from "../../../store/remotes/open-remote.ts";
import { isUrl } from "../../../store/settings/dvc-config.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import { pointerEdit } from "../../../store/worktree/contents.ts";
import type { Input, Plan } from "../../contract.ts";
import { textIn, wordsOf } from "../../input.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { openData } from "../open-data.ts";
import { performLocked } from "../perform-locked.ts";
import { bring, copyOf } from "../sources/bring.ts";
import { deliveryPath, nameInUrl } from "../sources/deliver.ts";
import { type Elsewhere, lookElsewhere } from "../sources/elsewhere.ts";
import type { AddedOutput } from "./add-members.ts";
import { autostage } from "./autostage.ts";
import { refuseUntrackable, refuseWithoutFolder } from "./trackable.ts";

export interface AddFrom {
  there: Elsewhere;
  /** Stored path of the output. */
  path: string;
  /** Its bytes go there and nowhere else; null: they come here. */
  remote: { name: string | undefined } | null;
}

export async function planAddFrom(context: Context, input: Input): Promise<Plan & { from: AddFrom }> {
  const [typed = "", ...others] = wordsOf(input.path);
  const flag = input.toRemote === true ? "--to-remote" : "--out";
  const wrong = others.length > 0 ? "several paths" : input.glob === true ? "--glob" : input.commit === false ? "--no-commit" : null;
  if (wrong !== null) throw new ExpverError("E_DATA", `${flag} does not go with ${wrong}`);
  const project = openData(context);
  const path = pathFromUser(project, context, placeOf(context, input, { typed, top: topOf(project) }));
  refuseWithoutFolder(project, path);
  refuseUntrackable(project, [path], readPointers(project));
  const remote = input.toRemote === true ? { name: textIn(input.remote) } : null;
  if (remote !== null) openObjects(project, remote.name);
  const there = await lookElsewhere(context, typed);
  return {
    command: "data add",
    steps: [{ verb: remote === null ? "track" : "send", target: path, detail: `from ${there.location} → ${path}.dvc` }],
    destructive: false,
    fingerprint: fingerprintOf({ typed, path, remote }),
    from: { there, path, remote },
  };
}

/** Absolute: as --out says, else where the data is, and for data that is not in the repository its name, here. */
function placeOf(context: Context, input: Input, { typed, top }: { typed: string; top: string }): string {
  const out = textIn(input.out);
  if (out !== undefined) return deliveryPath(context, { from: nameInUrl(typed), out, force: input.force === true });
  const absolute = resolve(context.cwd, typed);
  return !isUrl(typed) && absolute.startsWith(`${top}/`) ? absolute : join(context.cwd, basename(nameInUrl(typed)));
}

export async function addFrom(context: Context, { there, path, remote }: AddFrom): Promise<AddedOutput> {
  const project = openData(context);
  const start = { command: "data add", argv: ["data", "add", "--", path], summary: `track ${path} from ${there.location}` };
  return performLocked(project, context, {
    ...start,
    writes: [path],
    work: async (operation) => {
      const content =
        remote === null
          ? (await bring(project, context, { path, make: copyOf(there), operation })).scan.content
          : await there.send(project, openRemote(project, remote.name));
      const pointer = readPointers(project).find((one) => one.path === path);
      const edit = pointerEdit(project, path, content, pointer);
      // As dvc: what stays where it is, is not hidden from Git.
      const edits = [...(remote === null ? ignoreEdits(project, [absolutePath(project, path)]) : []), edit];
      applyFileEdits(project, operation, edits);
      autostage(project, edits);
      return { path, ...content, changed: edit.before !== edit.after };
    },
  });
}
