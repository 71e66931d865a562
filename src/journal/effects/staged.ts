/** Index entries set, those of a conflict too. */
import type { Place } from "../../config/project.ts";
import { readIndexEntries, setIndexEntries, setUnmerged } from "../../git/index-file.ts";
import { resolveCommit } from "../../git/refs.ts";
import { unfinished } from "../../git/status.ts";
import { readUnmerged } from "../../git/unmerged.ts";
import type { IndexEntry } from "../types.ts";
import type { EffectOf, SmallKind, Standing } from "./kind.ts";

export const index: SmallKind<EffectOf<"index">> = {
  target: ({ entries }) => `index: ${entries.map(({ path }) => path).join(", ")}`,
  stand({ repository }, { entries }) {
    if (repository === null) return { state: "other", now: "no index" };
    const now = readIndexEntries(
      repository,
      entries.map(({ path }) => path),
    );
    return together(
      entries.map(({ path, before, after }) => {
        const key = entryKey(now.get(path) ?? null);
        return key === entryKey(after) ? "after" : key === entryKey(before) ? "before" : { foreign: path };
      }),
    );
  },
  takeBack({ repository }, { entries }) {
    if (repository === null) return;
    const old = entries.map(({ path, before }) => ({ path, mode: before?.mode ?? "", object: before?.object ?? null }));
    setIndexEntries(repository, old);
  },
};

/** A conflict of one path is up to three entries, one a stage. */
export const unmerged: SmallKind<EffectOf<"unmerged">> = {
  target: ({ paths }) => `index: ${paths.map(({ path }) => path).join(", ")} in conflict`,
  stand({ repository }, effect) {
    if (repository === null) return { state: "other", now: "no index" };
    const standing = together(sidesOf(repository, effect));
    if (standing.state !== "after") return standing;
    const isOver = unfinished(repository) === null || resolveCommit(repository, "HEAD") !== effect.head;
    return isOver ? { state: "other", now: "the merge it belongs to has ended" } : standing;
  },
  takeBack({ repository }, { paths }) {
    if (repository === null) return;
    setUnmerged(
      repository,
      paths.map(({ path, before }) => ({ path, ...before })),
    );
  },
};

type PathState = "after" | "before" | { foreign: string };

function sidesOf(repository: NonNullable<Place["repository"]>, { paths }: EffectOf<"unmerged">): PathState[] {
  const conflicts = new Map(readUnmerged(repository).map((one) => [one.path, one]));
  const staged = readIndexEntries(
    repository,
    paths.map(({ path }) => path),
  );
  return paths.map(({ path, before, after }) => {
    const now = conflicts.get(path);
    if (now === undefined) return entryKey(staged.get(path) ?? null) === entryKey(after) ? "after" : { foreign: path };
    const isSame = SIDES.every((side) => entryKey(now[side] ?? null) === entryKey(before[side] ?? null));
    return isSame ? "before" : { foreign: path };
  });
}

const SIDES = ["base", "ours", "theirs"] as const;

/** Half set counts as standing: taking back sets every entry. */
function together(states: readonly PathState[]): Standing {
  for (const state of states) if (typeof state === "object") return { state: "other", now: `${state.foreign} is staged differently` };
  return { state: states.includes("after") ? "after" : "before" };
}

function entryKey(entry: IndexEntry | null): string {
  return entry === null ? "" : `${entry.mode} ${entry.object}`;
}
