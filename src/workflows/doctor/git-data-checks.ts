/** Bytes that Git has and the store should: every clone takes them, for ever. */
import { lstatSync } from "node:fs";
import { modelPlaces } from "../../config/model-places.ts";
import { absolutePath, typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { git } from "../../git/git.ts";
import { counted } from "../../platform/words.ts";
import type { Check, Finding } from "./check.ts";

export const dataInGit: Check = {
  id: "data-in-git",
  title: "data and models that Git has",
  find({ project }) {
    if (project?.repository == null || project.repository.bare) return [];
    const places = modelPlaces(project).map((place) => `:(top,literal)${place}`);
    const tracked = git(project.repository, [
      "ls-files",
      "-z",
      "--full-name",
      "--",
      ":(top,glob)**/files/md5/[0-9a-f][0-9a-f]/*",
      ...places,
    ]);
    const files = tracked.split("\0").flatMap((path) => (path === "" ? [] : [{ path, bytes: sizeOf(project, path) }]));
    const caches = new Map<string | null, typeof files>();
    for (const file of files) {
      const folder = /^(.*?)\/?files\/md5\/[0-9a-f]{2}\/[0-9a-f]{30}(?:\.dir)?$/.exec(file.path)?.[1] ?? null;
      if (caches.get(folder)?.push(file) === undefined) caches.set(folder, [file]);
    }
    const findings: Finding[] = [];
    for (const [folder, objects] of caches) {
      if (folder === null) continue;
      const bytes = objects.reduce((sum, { bytes: some }) => sum + some, 0);
      const place = typedPath(project, `${folder}${folder === "" ? "" : "/"}files/md5`);
      findings.push({
        level: "warning",
        what: `Git has ${counted(objects.length, "object")} of the data cache ${folder || "at the top"} (${bytes} bytes): every clone gets them`,
        remedy: `git rm -r -q --cached -- ${place} && git commit -m 'no cache in Git' (the files stay; commits that have them keep them)`,
      });
    }
    for (const { path, bytes } of caches.get(null) ?? []) {
      if (bytes < LARGE) continue;
      const typed = typedPath(project, path);
      findings.push({
        level: "warning",
        what: `Git has the model ${path} (${bytes} bytes), and will have each of its versions`,
        remedy: `git rm -q --cached -- ${typed} && expver data add ${typed}, then commit (the file stays; commits that have it keep it)`,
      });
    }
    return findings;
  },
};

/** A model that is small and text may be meant to be Git's. */
const LARGE = 1024 ** 2;

function sizeOf(project: Project, path: string): number {
  return lstatSync(absolutePath(project, path), { throwIfNoEntry: false })?.size ?? 0;
}
