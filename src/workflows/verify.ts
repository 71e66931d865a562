/** `expver verify [V…]`: the hash chain of versions, both ways. */
import { openProject, requireRepository } from "../config/project.ts";
import { letGoOfClosed } from "../platform/sqlite.ts";
import { type Chain, isBroken, type Link } from "../provenance/chain.ts";
import { objectChecks } from "../provenance/verify-objects.ts";
import { checksOf, expectObjects, VERSIONS_TOGETHER, verifyVersion } from "../provenance/verify-version.ts";
import { pickVersion, readVersions } from "../versions/registry.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { textIn, wordsOf } from "./input.ts";
import { OTHER_PREFIX, ofOtherProjects } from "./other-projects.ts";

export interface Verified {
  versions: (Chain & { state: "whole" | "broken" | "unread" | "unrecorded" })[];
  links: Record<Link["state"], number>;
  /** 5 when a link is missing or wrong. */
  exitCode: number;
}

export const verify: ReadWorkflow<Input, Verified> = {
  async read(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const all = readVersions(project);
    const names = wordsOf(input.version);
    const elsewhere = names.length === 0 ? ofOtherProjects(project, all) : new Set<string>();
    if (elsewhere.size > 0) {
      const text = `not looked at: ${[...elsewhere].join(", ")}, of another project of this repository: verify there`;
      context.report({ kind: "warning", text, hint: OTHER_PREFIX });
    }
    const versions =
      names.length === 0
        ? all.filter(({ name }) => !elsewhere.has(name))
        : names.map((name) => pickVersion(all, name, project.config.versions.prefix));
    const objects = objectChecks(project, context, {
      quick: input.quick === true,
      cloud: input.cloud === true,
      remote: textIn(input.remote),
    });
    const checks = checksOf(project, repository, versions, objects);
    const chains: Verified["versions"] = [];
    for (const [index, version] of versions.entries()) {
      if (index % VERSIONS_TOGETHER === 0) await expectObjects(versions.slice(index, index + VERSIONS_TOGETHER), checks);
      // Each has its own database.
      if (index % 50 === 49) await letGoOfClosed();
      const chain = await verifyVersion(project, repository, version, checks);
      const [tag] = chain.links;
      const isUnread = chain.links.some(({ state }) => state === "unread");
      const sound = isUnread ? "unread" : tag?.state === "unrecorded" ? "unrecorded" : "whole";
      chains.push({ ...chain, state: chain.links.some(isBroken) ? "broken" : sound });
    }
    const links = { proven: 0, unread: 0, missing: 0, wrong: 0, unrecorded: 0 };
    for (const { state } of chains.flatMap((chain) => chain.links)) links[state] += 1;
    return { versions: chains, links, exitCode: links.missing + links.wrong > 0 ? 5 : 0 };
  },
};
