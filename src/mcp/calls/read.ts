/** A call of a reading tool. */
import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { ExpverError } from "../../errors.ts";
import { cutText, type Fitted, fitAnswer, pageOf } from "../answer.ts";
import type { Ended, Job } from "../command.ts";
import type { Session } from "../session.ts";
import { repository } from "../tools/arguments.ts";
import { dataSchema } from "../tools/data-schema.ts";
import type { Tool, Values } from "../tools/tool.ts";
import { answering, Refusal, SOURCE, structured, textOf } from "./answering.ts";
import { answerOf, LIST, listOf, NUMBER_OR_NULL, TEXT, YES_OR_NO } from "./output.ts";
import { requirePaths } from "./paths.ts";
import { endOf } from "./waiting.ts";

const PAGING = {
  limit: z.number().int().min(1).max(500).optional().describe("rows; default 20"),
  offset: z.number().int().min(0).optional().describe("first row; `next` of the page before"),
  fields: z.array(z.string()).max(50).optional().describe("only these fields of each row"),
};
const detail = z.enum(["short", "full"]).optional().describe("short: about 8,000 characters (default); full: at most 30,000");

const ANSWER = {
  total: NUMBER_OR_NULL,
  shown: NUMBER_OR_NULL,
  truncated: YES_OR_NO,
  next: NUMBER_OR_NULL,
  cut: LIST,
  warnings: listOf({ text: TEXT, hint: TEXT }),
};

export function addReading(server: McpServer, session: Session, tool: Tool): void {
  const input = z.object({ ...tool.input, repository, ...(tool.rows === undefined ? {} : PAGING), detail });
  server.registerTool(
    tool.name,
    {
      title: tool.title,
      description: tool.description,
      inputSchema: input,
      outputSchema: answerOf({ ...ANSWER, data: dataSchema(tool.commands ?? [], tool.rows ?? []) }),
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: tool.openWorld === true },
    },
    (values, ctx) =>
      answering(async () => {
        const job = jobOf(session, tool, values);
        const { envelope } = await endOf(session, job, ctx, tool.patience ?? "Ask for less, or type it in a terminal.");
        if (envelope.error !== null) throw new Refusal(envelope);
        return answer(fitAnswer(envelope.data, pageOf(values as Parameters<typeof pageOf>[0], tool)), envelope.warnings);
      }),
  );
}

/** A new process, or one that an application left under way. */
function jobOf(session: Session, tool: Tool, values: Values): Job {
  const { jobs, repositories } = session;
  if (typeof values.job !== "string") {
    const folder = repositories.choose(textOf(values.repository));
    requirePaths(session, folder, { tool, values });
    return jobs.start(folder, tool.words(values));
  }
  const job = jobs.find(values.job);
  if (job !== undefined) return job;
  throw new ExpverError("E_NOT_FOUND", `there is no job ${JSON.stringify(values.job.slice(0, 40))} under way`, {
    hint: "expver_status of=operations tells what was done.",
  });
}

function answer(fitted: Fitted, warnings: Ended["envelope"]["warnings"]): CallToolResult {
  return structured({
    source: SOURCE,
    ...fitted,
    warnings: warnings.slice(0, 5).map(({ text, hint }) => ({ text: cutText(text, 400), ...(hint ? { hint: cutText(hint, 200) } : {}) })),
  });
}
