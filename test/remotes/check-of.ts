/** What `expver data remote check` says of a place. */

import { renderRemoteCheck } from "../../src/cli/render/remote-check.ts";
import { type RemoteCheck, remoteCheck } from "../../src/workflows/data/settings/remote-check.ts";
import { makeRepository } from "../support/repository.ts";
import { PIPE } from "../support/terminal.ts";
import type { Site } from "./conformance.ts";

export async function checkOf({
  url,
  options = {},
  env = {},
}: Pick<Site, "url" | "options" | "env">): Promise<RemoteCheck & { states: string; text: string }> {
  const repository = makeRepository({ env });
  for (const args of [
    ["init"],
    ["remote", "add", "-d", "store", url],
    ...Object.entries(options).map((option) => ["remote", "modify", "--local", "store", ...option]),
  ]) {
    const { code, stderr } = repository.expver(["data", ...args]);
    if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  }
  const check = await remoteCheck.read(repository.context, {});
  return { ...check, states: check.probes.map(({ step, state }) => `${step} ${state}`).join(", "), text: renderRemoteCheck(check, PIPE) };
}
