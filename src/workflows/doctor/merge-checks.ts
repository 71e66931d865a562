/** Does Git merge pointers by what they point to here, and has a merge left one undecided. */
import { existsSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { absolutePath, typedPath } from "../../config/paths.ts";
import { gitResult } from "../../git/git.ts";
import { driverProgram, installDriver, mergeAttribute, readDriver } from "../../git/merge-driver.ts";
import { readUnmerged } from "../../git/unmerged.ts";
import { isMarked } from "../../merge/pointers/conflict-mark.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { isLockFile } from "../../store/pointers/pointers.ts";
import { ourDriver } from "../merge/our-driver.ts";
import type { Check, Finding } from "./check.ts";

export const mergeDriver: Check = {
  id: "merge-driver",
  title: "how Git merges pointers",
  find({ place: { repository, root }, context }) {
    if (repository === null || repository.bare) return [];
    const attribute = mergeAttribute(repository, relative(repository.root, join(root, "any.dvc")));
    if (attribute === "unspecified") {
      const what = "pointers that two branches have changed are merged by Git as text, which nearly always is a conflict";
      return [{ level: "note", what, remedy: "expver init" }];
    }
    if (attribute !== "expver") return [];
    const lock = relative(repository.root, join(root, "dvc.lock"));
    if (existsSync(join(root, "dvc.lock")) && mergeAttribute(repository, lock) === "unspecified")
      return [{ level: "note", what: "a dvc.lock that two branches have changed is merged by Git as text", remedy: "expver init" }];
    const command = readDriver(repository);
    const program = command === null ? null : driverProgram(command);
    const onPath = () => (context.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, "expver")));
    if (command !== null && (program === null || existsSync(program) || onPath())) return [];
    const what =
      command === null
        ? ".gitattributes names the merge driver of expver, and this clone has no command for it: pointers are merged as text"
        : `the merge driver of this clone calls ${program}, which is not there: pointers are merged as text`;
    return [{ level: "warning", what, remedy: "expver doctor --fix", fix: "set merge.expver.driver in .git/config" }];
  },
  fix({ place: { repository } }) {
    if (repository === null) return null;
    installDriver(repository, ourDriver());
    return "merge.expver.driver is set";
  },
};

export const undecidedPointers: Check = {
  id: "undecided-pointers",
  title: "pointers that a merge left undecided",
  find({ place }) {
    const { repository } = place;
    if (repository === null || repository.bare) return [];
    const unmerged = readUnmerged(repository).map(({ path }) => path);
    const pointers = unmerged.filter((path) => path.endsWith(".dvc") || isLockFile(path));
    const committed = markedFiles().filter((path) => !unmerged.includes(path));
    return [
      ...pointers.map(
        (path): Finding => ({
          level: "problem",
          what: `${path} is in conflict: both sides changed ${isLockFile(path) ? "what stages made" : "what it points to"}`,
          remedy: `expver merge --resolve ours ${typedPath(place, path)}, or theirs`,
        }),
      ),
      ...committed.map(
        (path): Finding => ({
          level: "problem",
          what: `${path} was added while it was undecided: it says what our side said, the other side's changes are not in it`,
          remedy: `git log -1 --merge -- ${typedPath(place, path)} shows the sides; remove its expver-conflict lines when ours is right`,
        }),
      ),
    ];

    function markedFiles(): string[] {
      if (repository === null) return [];
      // Whatever a person has set for patterns and colours.
      const asked = ["grep", "-l", "-z", "-G", "--no-color", "--full-name", "-e", "^# expver-conflict: ", "--", ":(top)*.dvc"];
      const files = gitResult(repository, asked, { allow: [1] })
        .stdout.toString("utf8")
        .split("\0")
        .filter(Boolean);
      return files.filter((path) => isMarked(readTextIfExists(absolutePath(place, path)) ?? ""));
    }
  },
};
