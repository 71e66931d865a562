/** A text in a person's pager. */
import { spawnSync } from "node:child_process";

/** `line` is a shell's, as Git understands it. False: it could not be started, and nothing has been shown. */
export function runPager(
  line: string,
  text: string,
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string | undefined>> },
): boolean {
  // While the pager runs, Ctrl-C is for it.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    const { status, error } = spawnSync("sh", ["-c", line], { cwd, env, input: text, stdio: ["pipe", "inherit", "inherit"] });
    const isLeftEarly = error !== undefined && "code" in error && error.code === "EPIPE";
    return (error === undefined || isLeftEarly) && status !== 126 && status !== 127;
  } finally {
    process.off("SIGINT", ignore);
  }
}
