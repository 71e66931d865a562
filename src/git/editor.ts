/** Git's own editor: GIT_EDITOR, core.editor, VISUAL, EDITOR, and what Git was built with. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { runEditor } from "../platform/editor.ts";
import { removePath } from "../platform/files.ts";
import { gitResult, type Repository } from "./git.ts";

/** Throws E_GIT when there is none, or only the built-in one and no terminal for it: it would wait in silence for keys nobody types. */
export function editorOf(repository: Repository): string {
  const hint = "Set one: git config core.editor nano; or say it on the command line with -m.";
  if (process.stdin.isTTY !== true && !isChosen(repository)) throw new ExpverError("E_GIT", "there is no terminal for an editor", { hint });
  const { code, stdout, stderr } = gitResult(repository, ["var", "GIT_EDITOR"], { allow: [1, 128] });
  const line = stdout.toString("utf8").trim();
  if (code === 0 && line !== "") return line;
  throw new ExpverError("E_GIT", `there is no editor to use: ${stderr.trim() || "git var GIT_EDITOR says nothing"}`, {
    hint,
  });
}

function isChosen(repository: Repository): boolean {
  if (["GIT_EDITOR", "VISUAL", "EDITOR"].some((name) => repository.env[name])) return true;
  return gitResult(repository, ["config", "--get", "core.editor"], { allow: [1] }).code === 0;
}

/** The text as a person leaves it, without lines that begin with #; empty when nothing is left. Throws E_GIT when the editor fails. */
export async function editText(repository: Repository, env: Context["env"], text: string): Promise<string> {
  const line = editorOf(repository);
  const folder = mkdtempSync(join(repository.gitDir, "expver-edit-"));
  // Under Git's own name for such files editors know how to treat it.
  const file = join(folder, "TAG_EDITMSG");
  try {
    writeFileSync(file, text);
    const code = await runEditor(line, file, { cwd: repository.root, env });
    if (code !== 0) {
      throw new ExpverError("E_GIT", `the editor ${line} ended with exit code ${code}`, {
        hint: "See its message above; or say it on the command line with -m.",
      });
    }
    return withoutComments(readFileSync(file, "utf8"));
  } finally {
    removePath(folder);
  }
}

function withoutComments(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => !line.startsWith("#"));
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
}
