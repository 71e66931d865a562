/** Can expver write where it has to. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { topOf } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { gitPath } from "../../git/git.ts";
import { whyReadOnly } from "../../platform/file-system.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import type { Check, Finding } from "./check.ts";

export const indexLock: Check = {
  id: "index-lock",
  title: "a lock on the Git index",
  find({ place: { repository } }) {
    const path = repository === null ? null : gitPath(repository, "index.lock");
    if (path === null || !existsSync(path)) return [];
    const what = `the Git index is locked: ${path}`;
    return [{ level: "warning", what, remedy: `If no git command goes on, one that died left it: rm ${shellWord(path)}` }];
  },
};

export const readOnly: Check = {
  id: "read-only",
  title: "permission to write",
  find({ place, project }) {
    const { repository, stateDir } = place;
    const folders = [
      topOf(place),
      ...(repository === null ? [] : [repository.commonDir, join(repository.commonDir, "objects")]),
      stateDir,
      ...(project === null || repository?.bare ? [] : [cacheDir(project), resultsDatabase(project)]),
    ];
    return [...new Set(folders)].flatMap((path): Finding[] => {
      const why = existsSync(path) ? whyReadOnly(path) : null;
      if (why === null) return [];
      return [
        {
          level: "warning",
          what: `${path} cannot be written (${why}): commands that write will refuse`,
          remedy: `ls -ld ${shellWord(path)}`,
        },
      ];
    });
  },
};
