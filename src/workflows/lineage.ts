/** `expver lineage V`: what data and code made this version and its model, back to the beginning. */
import { openProject, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { type Lineage, lineageOf } from "../provenance/lineage.ts";
import { readUses } from "../provenance/uses-index.ts";
import { pickVersion, readVersions } from "../versions/registry.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";

export const lineage: ReadWorkflow<Input, Lineage> = {
  async read(context, input) {
    const project = openProject(context);
    requireRepository(project);
    const name = textIn(input.version);
    if (name === undefined)
      throw new ExpverError("E_USAGE", "lineage needs a version", { hint: "expver lineage e0.1.0; `expver list` shows them all." });
    const versions = readVersions(project);
    const version = pickVersion(versions, name, project.config.versions.prefix);
    return lineageOf({ versions, uses: readUses(project, versions) }, version);
  },
};
