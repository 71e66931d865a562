/** The files of a report take their places as one operation; what had their names is in the trash. */

import { basename, join } from "node:path";
import { fromTop } from "../../config/paths.ts";
import { openProject } from "../../config/project.ts";
import { perform } from "../../journal/perform.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists, removePath, writeFileAtomic } from "../../platform/files.ts";
import { makeStaging } from "../../store/objects/staging.ts";
import { placeCopies } from "../place-copies.ts";
import { prepareWriting } from "../prepare.ts";

/** Absolute paths. A file that has its text already is left alone. */
export async function putFiles(context: Context, files: readonly { path: string; text: string }[]): Promise<void> {
  const changed = files.filter(({ path, text }) => readTextIfExists(path) !== text);
  if (changed.length === 0) return;
  const project = openProject(context);
  await prepareWriting(project, context);
  const staging = makeStaging(join(project.stateDir, "tmp"));
  const copies = changed.map(({ path, text }) => ({
    path: fromTop(project, path),
    made: join(staging, basename(path)),
    text,
  }));
  try {
    for (const { made, text } of copies) writeFileAtomic(made, text);
    await perform(project, context, {
      command: "report",
      argv: ["report"],
      summary: `write ${copies.map(({ path }) => path).join(", ")}`,
      work: (operation) => placeCopies(project, operation, { copies, anywhere: true }),
    });
  } finally {
    removePath(staging);
  }
}
