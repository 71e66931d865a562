/** What is imported from another repository is never pushed, as with dvc: bytes that were changed here are in this cache alone. */
import { shownPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { shownAddress } from "../../../git/shown-address.ts";
import type { Context } from "../../../platform/context.ts";
import type { Pointer } from "../../../store/types.ts";

/** Says so of those that are imports. */
export function warnOfImports(project: Project, context: Context, changed: Iterable<Pointer>): void {
  for (const { path, file, source } of changed) {
    if (source === undefined) continue;
    const [typed, typedFile] = [typedPath(project, path), typedPath(project, file)];
    context.report({
      kind: "warning",
      text: `${shownPath(project, path)} was imported from ${shownAddress(source.url)}, and what is imported is never pushed: nobody else can get these bytes`,
      hint: `As data of your own: expver data remove ${typedFile} && expver data add ${typed}`,
    });
  }
}
