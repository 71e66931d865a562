/** Git's own pager: GIT_PAGER, core.pager, PAGER, and what Git was built with. */
import type { Context } from "../platform/context.ts";
import { runPager } from "../platform/pager.ts";
import { runProcess } from "../platform/processes.ts";

/** Shows a text as Git would show its own. False: there is no pager to use, and nothing has been shown. */
export function pageText(text: string, { cwd, env }: Pick<Context, "cwd" | "env">): boolean {
  const { code, stdout } = runProcess("git", ["var", "GIT_PAGER"], { cwd, env });
  const line = stdout.toString("utf8").trim();
  if (code !== 0 || line === "" || line === "cat") return false;
  // What Git sets where nobody has: end when it fits, keep colours, leave the text on the screen.
  return runPager(line, text, { cwd, env: { LESS: "FRX", LV: "-c", ...env } });
}
