/** What killed commands left in the journal. */
import { dropDeadLease, listLeases } from "../../journal/lease.ts";
import { openOperations } from "../../journal/operations.ts";
import { brokenOperations } from "../../journal/recover.ts";
import { trashEntries } from "../../journal/trash-contents.ts";
import { lifeOf, whereIs } from "../../platform/processes.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { cacheTrashOf } from "../../store/objects/cache.ts";
import { repair } from "../prepare.ts";
import type { Check, Finding } from "./check.ts";

export const killedOperations: Check = {
  id: "killed-operations",
  title: "operations whose process died",
  find({ place }) {
    const broken = new Set(brokenOperations(place).map(({ id }) => id));
    return openOperations(place).flatMap(({ id, command, summary, owner, worktree }): Finding[] => {
      const what = `\`expver ${command}\` ${id}${summary ? ` (${summary})` : ""}`;
      const life = lifeOf(owner);
      if (broken.has(id)) {
        const remedy = "expver doctor --fix, or any writing command";
        return [{ level: "problem", what: `${what} was killed half-way`, remedy, fix: `repair ${id}`, subject: id }];
      }
      if (life === "dead")
        return [{ level: "warning", what: `${what} was killed in ${worktree}`, remedy: `expver -C ${shellWord(worktree)} doctor --fix` }];
      if (life === "unknown") {
        return [
          {
            level: "note",
            what: `${what} began on ${whereIs(owner)}; whether it still runs cannot be seen from here`,
            remedy: "Run expver doctor there.",
          },
        ];
      }
      return [];
    });
  },
  async fix({ place, context }, { subject = "" }) {
    const recovered = await repair(place, context);
    const isOpen = brokenOperations(place).some(({ id }) => id === subject);
    return isOpen ? null : (recovered.find(({ id }) => id === subject)?.outcome ?? "repaired already");
  },
};

/** Nothing empties the trash by itself: whoever wonders where the disk went finds it here. */
export const largeTrash: Check = {
  id: "large-trash",
  title: "what the trash keeps",
  find({ place, context }) {
    const entries = trashEntries(place, { cacheTrash: cacheTrashOf(place), now: context.clock() });
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (bytes < LARGE_TRASH) return [];
    const what = `the trash keeps ${bytes} bytes that commands replaced or removed (${entries.length} times)`;
    return [{ level: bytes < 10 * LARGE_TRASH ? "note" : "warning", what, remedy: "expver ops purge --older-than 30d" }];
  },
};

const LARGE_TRASH = 1024 ** 3;

export const staleLeases: Check = {
  id: "stale-leases",
  title: "leases of dead processes",
  find({ place }) {
    return listLeases(place).flatMap(({ name, owner }): Finding[] => {
      const life = lifeOf(owner);
      if (life === "alive") return [];
      if (life === "unknown") {
        return [
          {
            level: "note",
            what: `${name} is held by process ${owner.pid} on ${whereIs(owner)}`,
            remedy: "Look there whether it still runs.",
          },
        ];
      }
      const remedy = "Nothing to do: the next command that needs it takes it.";
      return [
        { level: "note", what: `${name} was held by process ${owner.pid}, which is dead`, remedy, fix: `free ${name}`, subject: name },
      ];
    });
  },
  fix({ place }, { subject = "" }) {
    return dropDeadLease(place, subject) ? `${subject} is free` : `${subject} was taken meanwhile`;
  },
};
