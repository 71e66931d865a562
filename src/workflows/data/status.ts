/** `expver data status`: which outputs differ from their pointers. */
import { openProject } from "../../config/project.ts";
import { readPointers } from "../../store/pointers.ts";
import { type OutputStatus, outputStatus } from "../../store/status.ts";
import type { Input, ReadWorkflow } from "../contract.ts";

export interface DataStatus {
  outputs: { path: string; file: string; hash: string | null; state: OutputStatus["state"] }[];
}

export const dataStatus: ReadWorkflow<Input, DataStatus> = {
  async read(context) {
    const project = openProject(context);
    const states = outputStatus(project, readPointers(project));
    return { outputs: states.map(({ pointer, state }) => ({ path: pointer.path, file: pointer.file, hash: pointer.hash, state })) };
  },
};
