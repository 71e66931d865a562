/** A call of a planning tool: the command's dry run, kept to be applied once. */
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { toJson } from "../../cli/envelope.ts";
import { ExpverError } from "../../errors.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { withOptions } from "../command.ts";
import type { ShownPlan } from "../plans.ts";
import type { Session } from "../session.ts";
import { repository } from "../tools/arguments.ts";
import type { Tool } from "../tools/tool.ts";
import { answering, Refusal, structured, textOf } from "./answering.ts";
import { requirePaths } from "./paths.ts";
import { PLAN, shownPlan } from "./shown-plan.ts";
import { endOf } from "./waiting.ts";

/** Of a command line that a person is asked about. */
const LONGEST_COMMAND = 8_000;

export function addPlanning(server: McpServer, session: Session, tool: Tool): void {
  server.registerTool(
    tool.name,
    {
      title: tool.title,
      description: `${tool.description} Changes nothing: shows steps and a plan for expver_apply.`,
      inputSchema: z.object({ ...tool.input, repository }),
      outputSchema: PLAN,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: tool.openWorld === true },
    },
    (values, ctx) =>
      answering(async () => {
        const folder = session.repositories.choose(textOf(values.repository));
        requirePaths(session, folder, { tool, values });
        const argv = tool.words(values);
        refuseLong(argv);
        const job = session.jobs.start(folder, withOptions(argv, ["--dry-run"]));
        const { envelope } = await endOf(session, job, ctx, "Plan less at once, or type it in a terminal.");
        if (!envelope.ok) throw new Refusal(envelope);
        const { command, steps, destructive, fingerprint } = envelope.data as ShownPlan;
        const plan = session.plans.keep({ repository: folder, argv, command, steps, destructive, fingerprint });
        return structured(shownPlan(plan));
      }),
  );
}

/** A plan's command line is shown to a person and to the model as a whole. */
function refuseLong(argv: readonly string[]): void {
  const length = toJson(argv.map(shellWord), 0).length;
  if (length <= LONGEST_COMMAND) return;
  throw new ExpverError("E_USAGE", `a command line of ${length} characters is more than a person can confirm (${LONGEST_COMMAND})`, {
    hint: "Put a long command into a script, and long values into params.yaml.",
  });
}
