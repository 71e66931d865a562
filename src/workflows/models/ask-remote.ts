/** `--cloud`, `--remote NAME`: which objects the data remote has. */
import { throwUnlessFailure } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { keyOf, type ObjectName } from "../../store/objects/layout.ts";
import { openRemote } from "../../store/remotes/open-remote.ts";
import type { Input } from "../contract.ts";
import { textIn } from "../input.ts";
import type { Survey } from "./survey.ts";

export interface AskedRemote {
  name: string;
  has(objects: readonly ObjectName[]): boolean;
}

/** Null when none is to be asked, or it does not answer, which is a warning: what is read stands without it. */
export async function askRemote(
  context: Context,
  { project }: Pick<Survey, "project">,
  input: Input,
  objects: readonly ObjectName[],
): Promise<AskedRemote | null> {
  const name = textIn(input.remote);
  if (input.cloud !== true && name === undefined) return null;
  try {
    const remote = openRemote(project, name);
    const there = new Set((await remote.present(objects, context)).map(keyOf));
    return { name: remote.name, has: (wanted) => wanted.every((object) => there.has(keyOf(object))) };
  } catch (error) {
    throwUnlessFailure(error);
    context.report({ kind: "warning", text: `the remote could not be asked: ${error.message}`, hint: error.hint });
    return null;
  }
}
