/** Where there is a data remote: bytes that only this machine has. Without one the cache, which stays, is the place. */
import type { Project } from "../../../config/project.ts";
import { throwUnlessFailure } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { counted } from "../../../platform/words.ts";
import { readDvcConfig } from "../../../store/settings/dvc-config.ts";
import { surveyPush } from "../../../store/transfer/transfer.ts";
import type { Pointer } from "../../../store/types.ts";
import { type Finding, single } from "./finding.ts";

export async function objectFindings(
  project: Project,
  context: Context,
  { pointers, remedy }: { pointers: () => readonly Pointer[]; remedy: string },
): Promise<Finding[]> {
  if (project.dvcRoot === null || readDvcConfig(project).defaultRemote === null) return [];
  try {
    const { lacking, bytes } = await surveyPush(project, pointers(), context);
    if (lacking === 0) return [];
    const what = `${counted(lacking, "object")} that the data remote does not have`;
    return [{ category: "objects", what, count: lacking, bytes, examples: [], remedy }];
  } catch (error) {
    throwUnlessFailure(error);
    return [single("objects", `the data remote cannot be asked: ${error.message}`, error.hint)];
  }
}
