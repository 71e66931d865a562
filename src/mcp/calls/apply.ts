/** The one tool that changes anything: it applies a plan that was shown. */

import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { ExpverError } from "../../errors.ts";
import { fitAnswer } from "../answer.ts";
import { type Job, type Outcome, withOptions } from "../command.ts";
import type { Session } from "../session.ts";
import { answering, Refusal, SOURCE, structured } from "./answering.ts";
import { confirmed } from "./confirm.ts";
import { answerOf, TEXT_OR_NULL, YES_OR_NO } from "./output.ts";
import { heartbeat } from "./waiting.ts";

const DONE = answerOf({
  state: { enum: ["done", "running"] },
  job: { ...TEXT_OR_NULL, description: "of what is running: for expver_run_status" },
  data: { description: "what the planned command answers with --json" },
  truncated: YES_OR_NO,
});

export function addApply(server: McpServer, session: Session): void {
  server.registerTool(
    "expver_apply",
    {
      title: "Apply a plan",
      description:
        "Does what a plan showed, once, after the person has confirmed it. Refused when the repository has changed since. Where the client cannot ask the person, nothing happens and the answer is the command to type in a terminal. Undo with expver_plan_recovery.",
      inputSchema: z.object({ plan: z.string().describe("id from an expver_plan_* tool") }),
      outputSchema: DONE,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    },
    (values, ctx) =>
      answering(async () => {
        const plan = session.plans.find(values.plan);
        const asked = await confirmed(server, session, plan, ctx);
        if (asked !== true) return asked;
        if (ctx.mcpReq.signal.aborted) throw new ExpverError("E_INTERRUPTED", `\`${plan.command}\` was cancelled before it began`);
        session.plans.use(plan);
        const job = session.jobs.start(plan.repository, withOptions(plan.argv, ["--plan", plan.fingerprint]), { isWriting: true });
        const beat = heartbeat(ctx);
        const outcome = await session.jobs.wait(job, { signal: ctx.mcpReq.signal });
        clearInterval(beat);
        return outcomeOf(outcome, job);
      }),
  );
}

function outcomeOf(outcome: Outcome, job: Job): CallToolResult {
  if (outcome.state === "running") return structured({ source: SOURCE, state: "running", job: job.id, data: null, truncated: false });
  const { envelope } = outcome;
  if (!envelope.ok && envelope.error !== null) throw new Refusal(envelope);
  const { data, truncated } = fitAnswer(envelope.data, { offset: 0, limit: 20, detail: "short" });
  return structured({ source: SOURCE, state: "done", job: null, data, truncated });
}
