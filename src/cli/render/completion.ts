/** The script itself: it is sourced. */
import type { CompletionScript } from "../../workflows/completion.ts";

export function renderCompletion({ script }: CompletionScript): string {
  return script;
}
