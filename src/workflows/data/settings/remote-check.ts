/** `expver data remote check`: what may be done on a remote, tried with an object of our own. */

import { probeRemote, type RemoteProbes } from "../../../store/remotes/probe.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { openData } from "../open-data.ts";

export interface RemoteCheck extends RemoteProbes {
  exitCode: number;
}

export const remoteCheck: ReadWorkflow<Input, RemoteCheck> = {
  async read(context, input) {
    const found = await probeRemote(openData(context), textIn(input.name));
    return { ...found, exitCode: found.probes.some(({ state }) => state === "failed") ? 1 : 0 };
  },
};
