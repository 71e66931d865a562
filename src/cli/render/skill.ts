/** The skill and its copies, for people. */
import type { SkillCheck, SkillDone, SkillPage } from "../../workflows/skill/skill.ts";
import type { Terminal } from "../terminal.ts";

export function renderSkillShow({ text, file, files }: SkillPage, terminal: Terminal): string {
  if (!terminal.isTTY || file !== "SKILL.md") return text;
  return `${text}\n${terminal.style("dim", `Also: ${files.filter((name) => name !== file).join(", ")}`)}`;
}

export function renderSkillCheck({ version, copies }: SkillCheck): string {
  const lines = copies.map(({ folder, state, version: of, edited }) => {
    const more = state === "edited" ? `: ${edited.join(", ")}` : state === "other release" ? ` (${of}, this is ${version})` : "";
    return `${state}${more}  ${folder}`;
  });
  return lines.join("\n");
}

export function renderSkillDone({ folders, files, kept }: SkillDone): string {
  const done = files === 0 ? ["nothing to do"] : folders;
  return [...done, ...kept.map((path) => `kept  ${path}`)].join("\n");
}
