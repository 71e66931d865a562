/** Copies of the agent skill that do not fit this release. */
import { lookAtCopy, skillFolders } from "../skill/copies.ts";
import type { Check } from "./check.ts";

export const skillDrift: Check = {
  id: "skill-drift",
  title: "copies of the agent skill",
  find({ project, context }) {
    if (project === null) return [];
    return skillFolders(context, { isUser: false })
      .map(lookAtCopy)
      .flatMap(({ folder, state, version }) =>
        state === "other release"
          ? [
              {
                level: "warning" as const,
                what: `${folder} is the skill of expver ${version}: it may teach other commands`,
                remedy: "expver skill install",
              },
            ]
          : [],
      );
  },
};
