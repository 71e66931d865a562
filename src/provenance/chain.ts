/** The hash chain of a version, link by link: tag → commits → pointers → objects, and rows → version, code, data. */

/** One claim, and what became of looking. */
export interface Link {
  kind: "tag" | "results commit" | "code" | "data hash" | "pointer" | "object" | "run" | "rows";
  /** What it is about: a commit, a path, a run. */
  target: string;
  /** `unread`: only a remote has it, of data or of Git, where it is not looked into. `unrecorded`: nobody ever said it, as with tags made by hand. Neither is damage. */
  state: "proven" | "unread" | "missing" | "wrong" | "unrecorded";
  /** What was found, for a person. */
  detail: string;
}

export interface Chain {
  version: string;
  links: Link[];
}

/** How the rest of a clone comes. A refetch by itself keeps to the filter of the clone, and brings nothing. */
export const UNSHALLOW = "git fetch --unshallow";
export const REFETCH = "git fetch --refetch --no-filter";

export function isBroken({ state }: Link): boolean {
  return state === "missing" || state === "wrong";
}
