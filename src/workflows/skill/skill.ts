/** `expver skill`: the agent skill of this release, shown, installed where agents look, checked, removed. */
import { dirname, join } from "node:path";
import { nearestWord } from "../../config/nearest.ts";
import { findPlace } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { applyTextEdits, setText, type TextEdit } from "../../journal/file-edits.ts";
import { perform } from "../../journal/perform.ts";
import type { Context } from "../../platform/context.ts";
import { makeFolders, readTextIfExists, setMode } from "../../platform/files.ts";
import { VERSION } from "../../platform/version.ts";
import { counted } from "../../platform/words.ts";
import type { Input, Plan, ReadWorkflow, WriteWorkflow } from "../contract.ts";
import { textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { copiedFiles, lookAtCopy, type SkillCopy, skillFiles, skillFolders, untouchedFiles } from "./copies.ts";

export interface SkillPage {
  version: string;
  file: string;
  text: string;
  /** All files of the skill. */
  files: string[];
}

export const skillShow: ReadWorkflow<Input, SkillPage> = {
  async read(_context, input) {
    const files = skillFiles();
    const file = textIn(input.file) ?? "SKILL.md";
    const text = files.get(file);
    if (text !== undefined) return { version: VERSION, file, text, files: [...files.keys()] };
    const near = nearestWord(file, [...files.keys()]);
    throw new ExpverError("E_NOT_FOUND", `the skill has no ${file}${near === undefined ? "" : `; did you mean ${near}?`}`, {
      hint: `It has ${[...files.keys()].join(", ")}.`,
      details: { file },
    });
  },
};

export interface SkillCheck {
  version: string;
  copies: SkillCopy[];
  /** 5: a copy is of another release or was edited. */
  exitCode: number;
}

export const skillCheck: ReadWorkflow<Input, SkillCheck> = {
  async read(context) {
    const folders = [
      ...(findPlace(context) === null ? [] : skillFolders(context, { isUser: false })),
      ...skillFolders(context, { isUser: true }),
    ];
    const copies = [...new Set(folders)].map(lookAtCopy);
    const differs = copies.some(({ state }) => state === "other release" || state === "edited");
    return { version: VERSION, copies, exitCode: differs ? 5 : 0 };
  },
};

export interface SkillPlan extends Plan {
  isUser: boolean;
  edits: TextEdit[];
  kept: string[];
}

export interface SkillDone {
  folders: string[];
  files: number;
  /** Edited files that were left as they are, or kept beside under another name. */
  kept: string[];
}

export const skillInstall: WriteWorkflow<Input, SkillPlan, SkillDone> = {
  async plan(context, input) {
    const isUser = input.user === true;
    const copies = skillFolders(context, { isUser }).map(lookAtCopy);
    const inTheWay = copies.filter(({ state }) => state === "edited" || state === "not ours");
    if (inTheWay.length > 0 && input.force !== true) throw refusal(inTheWay);
    const files = copiedFiles();
    const kept: string[] = [];
    const edits = copies.flatMap(({ folder, edited, state }) =>
      [...files].flatMap(([name, after]): TextEdit[] => {
        const path = join(folder, name);
        const before = readTextIfExists(path);
        const isTheirs = before !== null && before !== after && (edited.includes(name) || state === "not ours");
        if (!isTheirs) return [{ path, before, after }];
        const beside = freeName(`${path}.edited`);
        kept.push(beside);
        return [
          { path: beside, before: null, after: before },
          { path, before, after },
        ];
      }),
    );
    return planOf("skill install", { isUser, edits, kept, verb: "write", folders: copies.map(({ folder }) => folder) });
  },
  apply: async (context, plan) => write(context, plan),
};

export const skillRemove: WriteWorkflow<Input, SkillPlan, SkillDone> = {
  async plan(context, input) {
    const isUser = input.user === true;
    const copies = skillFolders(context, { isUser }).map(lookAtCopy);
    const edits = copies.flatMap(({ folder }) =>
      untouchedFiles(folder).map(
        (name): TextEdit => ({ path: join(folder, name), before: readTextIfExists(join(folder, name)), after: null }),
      ),
    );
    const kept = copies.flatMap(({ folder, edited }) => edited.map((name) => join(folder, name)));
    const there = copies.filter(({ state }) => state !== "missing").map(({ folder }) => folder);
    return planOf("skill remove", { isUser, edits, kept, verb: "remove", folders: there });
  },
  apply: async (context, plan) => write(context, plan),
};

interface PlanFacts {
  isUser: boolean;
  edits: TextEdit[];
  kept: string[];
  verb: string;
  folders: string[];
}

function planOf(command: string, { isUser, edits, kept, verb, folders }: PlanFacts): SkillPlan {
  const changing = edits.filter(({ before, after }) => before !== after);
  return {
    command,
    steps: folders.flatMap((folder) => {
      const count = changing.filter(({ path }) => path.startsWith(`${folder}/`)).length;
      return count === 0 ? [] : [{ verb, target: folder, detail: `the skill of expver ${VERSION}`, count }];
    }),
    // Nothing but copies of this package's own files is replaced or removed.
    destructive: false,
    fingerprint: fingerprintOf({ changing }),
    isUser,
    edits: changing,
    kept,
  };
}

/** In a repository it is an operation like any other; the user's own folder is written file by file. */
async function write(context: Context, { command, isUser, edits, kept }: SkillPlan): Promise<SkillDone> {
  const folders = [...new Set(edits.map(({ path }) => path.slice(0, path.indexOf("/skills/expver") + "/skills/expver".length)))];
  const place = isUser ? null : findPlace(context);
  if (place === null) {
    for (const { path, after } of edits) {
      if (after !== null) makeFolders(dirname(path));
      setText(path, after);
    }
  } else if (edits.length > 0) {
    await prepareWriting(place, context);
    await perform(place, context, {
      command,
      argv: command.split(" "),
      summary: `${command}: ${counted(edits.length, "file")}`,
      work: async (operation) => applyTextEdits(place, operation, edits),
    });
  }
  for (const { path, after } of edits) if (after !== null && path.includes("/scripts/")) setMode(path, 0o755);
  return { folders, files: edits.length, kept };
}

function refusal(copies: readonly SkillCopy[]): ExpverError {
  const what = copies.map(({ folder, edited, state }) =>
    state === "not ours" ? `${folder} is not of expver` : `${folder} (${edited.join(", ")})`,
  );
  return new ExpverError("E_UNSAVED", `a copy of the skill was edited, and is left as it is: ${what.join("; ")}`, {
    hint: "expver skill install --force keeps edited files beside the new ones, as NAME.edited.",
    details: { copies },
  });
}

function freeName(path: string): string {
  for (let count = 0; ; count += 1) {
    const name = count === 0 ? path : `${path}-${count}`;
    if (readTextIfExists(name) === null) return name;
  }
}
