/** `-e`: a description as a person leaves it in their editor. */
import { ExpverError } from "../../errors.ts";
import { editText } from "../../git/editor.ts";
import type { Repository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";

export interface Draft {
  text: string;
  /** What is being described: `e0.2.0`, or a run. */
  subject: string;
  /** The line the tag will have, with `…` for the description. */
  line: string;
}

/** Null when nothing was left, or the editor failed: then there is to be no version. */
export async function editDescription(context: Context, repository: Repository, draft: Draft): Promise<string | null> {
  try {
    const text = await editText(repository, context.env, templateOf(draft));
    return text === "" ? null : text;
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    context.report({ kind: "warning", text: error.message, hint: error.hint });
    return null;
  }
}

function templateOf({ text, subject, line }: Draft): string {
  const comments = [
    `The description of ${subject}: one line, and what follows it as text. Its tag will begin`,
    `  ${line}`,
    "Lines that begin with # are left out; when nothing is left, no version is made.",
  ];
  return `${text}\n\n${comments.map((one) => `# ${one}`).join("\n")}\n`;
}

export function noDescription(what: string, hint: string, details: Record<string, unknown> = {}): ExpverError {
  return new ExpverError("E_NO_DESCRIPTION", `the description was left empty: ${what}`, { hint, details });
}
