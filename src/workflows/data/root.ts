/** `expver data root`: the way from here to the root of the DVC repository. */
import { realpathSync } from "node:fs";
import { relative } from "node:path";
import type { Input, ReadWorkflow } from "../contract.ts";
import { openData } from "./open-data.ts";

export interface LinesResult {
  lines: string[];
  exitCode: number;
}

export const dataRoot: ReadWorkflow<Input, LinesResult> = {
  async read(context) {
    const { dvcRoot, root } = openData(context);
    return { lines: [relative(realpathSync(context.cwd), dvcRoot ?? root) || "."], exitCode: 0 };
  },
};
