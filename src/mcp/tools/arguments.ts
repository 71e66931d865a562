/** Arguments that many tools take, described once. */
import * as z from "zod";

export const version = z.string().describe("version tag, such as e0.3.1");
export const versions = z.array(z.string()).max(50).describe("version tags, such as e0.3.1");
export const run = z.string().describe("run id or its beginning, such as quiet-otter-0412");
export const metric = z.string().describe("metric to rank by; default: the first of expver.yaml");
export const remote = z.string().describe("name of the DVC remote; default: the default one");
export const path = z.string().describe("file or folder, relative to the repository");
export const repository = z
  .string()
  .optional()
  .describe("absolute path of a repository or worktree; default: where the server was started");
