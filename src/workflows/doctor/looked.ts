/** What several checks look at, read once for all of them. What a repair needs it looks at anew. */
import type { Place, Project } from "../../config/project.ts";
import { linkedWorktrees, type Worktree } from "../../git/worktrees.ts";
import { type Tracked, trackedOf } from "../../store/pointers/pointers.ts";
import { type Registry, readRegistry } from "../../versions/registry.ts";

export interface Looked {
  worktrees(): Worktree[];
  /** For checks that have a project. */
  registry(): Registry;
  /** Pointers and pipelines of the worktree. */
  tracked(): Tracked;
}

export function lookedAt({ repository }: Place, project: Project | null): Looked {
  const ofProject = <Value>(read: (project: Project) => Value) =>
    once(() => {
      if (project === null) throw new TypeError("this check needs a project");
      return read(project);
    });
  return {
    worktrees: once(() => (repository === null ? [] : linkedWorktrees(repository))),
    registry: ofProject((one) => readRegistry(one)),
    tracked: ofProject((one) => trackedOf(one, null)),
  };
}

/** One that throws is asked again: each check says why it could not look. */
function once<Value>(read: () => Value): () => Value {
  let known: { value: Value } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}
