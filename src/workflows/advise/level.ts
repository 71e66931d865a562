/** Major, minor or patch: from what has changed since the last version. */

import { someOf } from "../../platform/words.ts";
import type { Level } from "../../versions/tag-name.ts";
import type { SinceLast } from "./since-last.ts";

export interface LevelAdvice {
  level: Level;
  /** "guess": a person knows better; the reasons say why. */
  certainty: "sure" | "guess";
  reasons: string[];
}

const ARCHITECTURE_PARAM = /^(.*[._])?(model([._](name|type))?|arch|architecture|backbone|network|encoder|decoder)$/i;
const ARCHITECTURE_FILE = /(^|[/_.-])(models?|nets?|networks?|arch|architectures?|backbones?|layers?|modules?)([/_.-]|$)/i;
const NO_EFFECT = /(^|\/)(README|CHANGELOG|LICENSE|docs?\/|tests?\/|\.github\/)|\.(md|rst|txt)$/i;

export function adviseLevel({ last, code, data: fresh, goneData, params }: SinceLast): LevelAdvice {
  if (last === null) return { level: "minor", certainty: "sure", reasons: ["it is the first version"] };
  const architecture = params.filter(({ name }) => ARCHITECTURE_PARAM.test(name));
  const effective = code.filter((path) => !NO_EFFECT.test(path));
  const structure = effective.filter((path) => ARCHITECTURE_FILE.test(path));
  const since = `since ${last}`;
  const data = [...fresh, ...goneData.map((path) => `${path} is gone`)];
  if (data.length > 0) {
    const reasons = [`data changed ${since}: ${someOf(data)}`, "a few corrected rows would be --minor"];
    return { level: "major", certainty: "guess", reasons };
  }
  if (architecture.length > 0) {
    const changes = architecture.map(({ name, before, now }) => `${name} ${before ?? "(none)"} → ${now}`);
    return { level: "major", certainty: "sure", reasons: [`another architecture ${since}: ${someOf(changes)}`] };
  }
  if (structure.length > 0) {
    const reasons = [
      `files that look like the model's structure changed ${since}: ${someOf(structure)}`,
      "a variation of it would be --minor",
    ];
    return { level: "major", certainty: "guess", reasons };
  }
  if (params.length > 0) {
    return { level: "minor", certainty: "sure", reasons: [`parameters changed ${since}: ${someOf(params.map(({ name }) => name))}`] };
  }
  if (effective.length > 0) {
    const reasons = [`code changed ${since}: ${someOf(effective)}`, "a fix that changes no result on purpose would be --patch"];
    return { level: "minor", certainty: "guess", reasons };
  }
  return { level: "patch", certainty: "sure", reasons: [`neither code, data nor parameters changed ${since}: a rerun`] };
}
