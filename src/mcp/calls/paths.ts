/** Which paths a call may name. */
import type { Session } from "../session.ts";
import type { Tool, Values } from "../tools/tool.ts";

/** Throws E_OUTSIDE for one that leads out of the folders the server was started for. */
export function requirePaths({ repositories }: Session, folder: string, { tool, values }: { tool: Tool; values: Values }): void {
  const paths = (tool.paths ?? []).flatMap((name) => values[name] ?? []).map(String);
  for (const path of paths) repositories.require(folder, path);
}
