/** `expver mcp`: the Model Context Protocol on stdin and stdout. */

import { join, resolve } from "node:path";
import { loadSkills } from "@modelcontextprotocol/server/ext/skills/node";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { isFolder } from "../platform/files.ts";
import { packageRoot } from "../platform/package-root.ts";
import type { Input } from "../workflows/contract.ts";
import { Jobs } from "./command.ts";
import { Plans } from "./plans.ts";
import { allowedRepositories } from "./repositories.ts";
import { createServer } from "./server.ts";

/** Serves until stdin ends; then what is under way is asked to stop. */
export async function serveMcp(context: Context, { repository, readOnly, unconfirmed }: Input): Promise<void> {
  const roots = (Array.isArray(repository) ? repository : ["."]).map((typed) => folderOf(context, typed));
  // stdout belongs to the protocol, whatever a library may want to say.
  console.log = console.error;
  const jobs = new Jobs();
  const skills = await loadSkills(join(packageRoot(), "skills"));
  const session = {
    skills,
    repositories: allowedRepositories(context, roots),
    plans: new Plans(() => context.clock().getTime()),
    jobs,
    readOnly: readOnly === true,
    unconfirmed: unconfirmed === true,
  };
  await new Promise<void>((done) => {
    const handle = serveStdio(() => createServer(session), { onerror: (error) => console.error(`expver mcp: ${error.message}`) });
    const end = () => void handle.close().then(done);
    process.stdin.once("end", end).once("close", end);
    process.once("SIGINT", end).once("SIGTERM", end);
  });
  await jobs.stopAll();
}

function folderOf(context: Context, typed: string): string {
  const path = resolve(context.cwd, typed);
  if (isFolder(path)) return path;
  throw new ExpverError("E_NOT_FOUND", `--repository: there is no folder ${path}`, { details: { path } });
}
