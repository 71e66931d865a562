/** The hook files: short shell that first runs what was there before, and lets Git go on where expver is gone. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { packageRoot } from "../../platform/package-root.ts";

export const HOOKS = ["pre-push", "pre-rebase", "reference-transaction"] as const;
export type HookName = (typeof HOOKS)[number];

/** In the second line of each of ours. */
const MARK = "# A hook of expver";
/** What the hook is called that stood there before. */
export const BEFORE = ".before-expver";

/** Every commit passes here: no program is started for a branch that only goes forward. */
const ONLY_REWRITTEN = [
  '[ "$1" = prepared ] || exit 0',
  'case "$said" in *" refs/heads/"*) ;; *) exit 0 ;; esac',
  "if say | while read -r _ new ref; do",
  '  case "$ref" in refs/heads/*) ;; *) continue ;; esac',
  '  was=$(git rev-parse -q --verify "$ref^{commit}") || continue',
  '  git merge-base --is-ancestor "$was" "$new" 2>/dev/null || exit 1',
  "done; then exit 0; fi",
];

/** The second line has a digest of the others: what was added by hand is not thrown away with the rest. */
export function hookScript(name: HookName): string {
  const [node, main] = [process.execPath, join(packageRoot(), "dist/main.cjs")].map(quoted);
  const call = (words: string) => `${words} hooks run ${name} -- "$@"`;
  const rest = [
    // By its own name: what manages hooks may have called this file otherwise, and call it from there.
    `before="$(dirname -- "$0")/${name}${BEFORE}"`,
    // All read what Git says on stdin, to the byte; a push of nothing says nothing.
    "said=$(cat; echo .)",
    `say() { printf '%s' "\${said%.}"; }`,
    'if [ -x "$before" ]; then say | "$before" "$@" || exit $?; fi',
    ...(name === "reference-transaction" ? ONLY_REWRITTEN : []),
    `if [ -x ${node} ] && [ -f ${main} ]; then say | ${call(`${node} ${main}`)}`,
    `elif command -v expver >/dev/null 2>&1; then say | ${call("expver")}`,
    "fi",
    // Git would refuse the change, and knows no --no-verify for it.
    ...(name === "reference-transaction" ? ["exit 0"] : []),
    "",
  ].join("\n");
  return `#!/bin/sh\n${MARK} ${digestOf(rest)}; \`expver hooks remove\` takes it out again, and brings back what was here before.\n${rest}`;
}

/** Of any release, and as that release wrote it; null: not of expver. */
export function isAsWritten(text: string): boolean | null {
  const [, second = "", ...rest] = text.split("\n");
  if (!second.startsWith(MARK)) return null;
  return second.startsWith(`${MARK} ${digestOf(rest.join("\n"))};`);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
