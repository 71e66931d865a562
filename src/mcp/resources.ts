/** Resources: a version as JSON, and the manual's pages. */
import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { toJson } from "../cli/envelope.ts";
import { ExpverError } from "../errors.ts";
import { fitAnswer } from "./answer.ts";
import type { Jobs } from "./command.ts";
import type { Repositories } from "./repositories.ts";

/** Listed ones: each has its address all the same. */
const MOST = 50;

export function addResources(server: McpServer, { jobs, repositories }: { jobs: Jobs; repositories: Repositories }): void {
  const ask = async (argv: string[]) => {
    const outcome = await jobs.wait(jobs.start(repositories.choose(undefined), argv));
    if (outcome.state === "running") throw new ExpverError("E_INTERRUPTED", `expver ${argv.join(" ")} takes too long here`);
    if (outcome.envelope.error !== null) throw new ExpverError("E_NOT_FOUND", outcome.envelope.error.message);
    return outcome.envelope.data;
  };
  server.registerResource(
    "version",
    new ResourceTemplate("expver://version/{version}", {
      list: async () => {
        const { versions } = (await ask(["list", "--all", "--sort", "date"])) as { versions: { version: string; line: string }[] };
        return {
          resources: versions.slice(0, MOST).map(({ version, line }) => ({
            uri: `expver://version/${encodeURIComponent(version)}`,
            name: version,
            description: toJson(line).slice(1, -1).slice(0, 120),
            mimeType: "application/json",
          })),
        };
      },
    }),
    { title: "Experiment version", description: "Everything a version left behind, as `expver show --json`", mimeType: "application/json" },
    async (uri, { version }) => {
      const data = await ask(["show", "--", decodeURIComponent(String(version))]);
      const fitted = fitAnswer(data, { offset: 0, limit: 20, detail: "full" });
      return { contents: [{ uri: uri.href, mimeType: "application/json", text: toJson(fitted, 0) }] };
    },
  );
}
