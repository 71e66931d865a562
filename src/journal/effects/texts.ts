/** Small files rewritten, and folders made for them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Place, topOf } from "../../config/project.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { removeEmptyFolder, setTexts } from "../file-edits.ts";
import { compare, type EffectOf, type SmallKind } from "./kind.ts";

export const files: SmallKind<EffectOf<"file">> = {
  target: ({ path }) => path,
  stand: (place, effect) =>
    compare(readTextIfExists(join(topOf(place), effect.path)), effect, (text) => (text === null ? "gone" : "changed")),
  takeBack: (place, effect) => takeFilesBack(place, [effect]),
};

/** Many at once take hardly longer than one. */
export function takeFilesBack(place: Place, effects: readonly EffectOf<"file">[]): void {
  setTexts(effects.map(({ path, before }) => ({ path: join(topOf(place), path), text: before })));
}

export const folders: SmallKind<EffectOf<"folder">> = {
  target: ({ path }) => path,
  stand: (place, { path }) => ({ state: existsSync(join(topOf(place), path)) ? "after" : "before" }),
  takeBack: (place, { path }) => {
    removeEmptyFolder(join(topOf(place), path));
  },
};
