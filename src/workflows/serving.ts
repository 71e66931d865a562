/** Commands that serve a protocol: only the entry point has the servers; every other caller is told so. */
import { ExpverError } from "../errors.ts";
import type { Input, ReadWorkflow } from "./contract.ts";

export const serving: ReadWorkflow<Input, never> = {
  read: async () => {
    throw new ExpverError("E_USAGE", "this command answers a protocol and is started by itself, as a program", {
      hint: "Put `expver mcp` into the settings of the agent's client.",
    });
  },
};
