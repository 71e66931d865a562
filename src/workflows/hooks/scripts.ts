/** The hook files: short shell that first runs what was there before, and lets Git go on where expver is gone. */
import { join } from "node:path";
import { packageRoot } from "../../platform/package-root.ts";

export const HOOKS = ["pre-push", "pre-rebase"] as const;
export type HookName = (typeof HOOKS)[number];

/** In the second line of each of ours. */
export const MARK = "# A hook of expver";
/** What the hook was called that stood there before. */
export const BEFORE = ".before-expver";

export function hookScript(name: HookName): string {
  const [node, main] = [process.execPath, join(packageRoot(), "dist/main.js")].map(quoted);
  const call = (words: string) => `${words} hooks run ${name} "$@"`;
  return [
    "#!/bin/sh",
    `${MARK}; \`expver hooks remove\` takes it out again, and brings back what was here before.`,
    // Both read what Git says on stdin.
    "said=$(cat)",
    `if [ -x "$0${BEFORE}" ]; then printf '%s\\n' "$said" | "$0${BEFORE}" "$@" || exit $?; fi`,
    `if [ -x ${node} ] && [ -f ${main} ]; then printf '%s\\n' "$said" | ${call(`${node} ${main}`)}`,
    `elif command -v expver >/dev/null 2>&1; then printf '%s\\n' "$said" | ${call("expver")}`,
    "fi",
    "",
  ].join("\n");
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
