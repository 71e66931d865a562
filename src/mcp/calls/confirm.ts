/** A person's yes to a plan. */
import { randomBytes } from "node:crypto";
import {
  acceptedContent,
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import { toJson } from "../../cli/envelope.ts";
import { ExpverError } from "../../errors.ts";
import { shellWord } from "../../platform/shell-word.ts";
import type { ShownPlan } from "../plans.ts";
import type { Session } from "../session.ts";
import { shownPlan, terminalLine } from "./shown-plan.ts";

/** Of the command line in the question. */
const LONGEST_LINE = 1_000;

export const sealed = createRequestStateCodec<{ plan: string; fingerprint: string }>({
  key: randomBytes(32),
  ttlSeconds: 900,
  bind: (ctx) => ctx.mcpReq.method,
});

/** True when the person said yes; else what to answer instead. Fails closed: no way to ask, nothing is done. */
export async function confirmed(
  server: McpServer,
  session: Session,
  plan: ShownPlan,
  ctx: ServerContext,
): Promise<true | InputRequiredResult> {
  if (session.unconfirmed && !plan.destructive) return true;
  const word = plan.destructive ? plan.fingerprint : "yes";
  const form = z.object({ confirm: z.string().describe(`type ${word} to apply it`) });
  const response = inputResponse(ctx.mcpReq.inputResponses, "confirm");
  const state = ctx.mcpReq.requestState<{ plan: string; fingerprint: string } | undefined>();
  if (response.kind !== "missing") {
    const isThis = state?.plan === plan.id && state.fingerprint === plan.fingerprint;
    const content = acceptedContent(ctx.mcpReq.inputResponses, "confirm", form);
    if (isThis && content?.confirm.trim().toLowerCase() === word) return true;
    session.plans.use(plan);
    throw new ExpverError("E_CONFIRM", `\`${plan.command}\` was not confirmed; nothing was changed, and the plan is void`, {
      hint: "Ask the person what they want instead.",
    });
  }
  if (!canAsk(server, ctx)) {
    throw new ExpverError("E_CONFIRM", `\`${plan.command}\` needs a person's yes, and this client cannot ask for it; nothing was changed`, {
      hint: `The person can type: ${terminalLine(plan)}`,
      details: { data: shownPlan(plan) },
    });
  }
  return inputRequired({
    inputRequests: {
      confirm: inputRequired.elicit({ message: questionOf(plan, word), requestedSchema: form }),
    },
    requestState: await sealed.mint({ plan: plan.id, fingerprint: plan.fingerprint }, ctx),
  });
}

function canAsk(server: McpServer, ctx: ServerContext): boolean {
  const envelope = ctx.mcpReq.envelope as Record<string, unknown> | undefined;
  const declared = envelope?.["io.modelcontextprotocol/clientCapabilities"] ?? server.server.getClientCapabilities();
  const way = typeof declared === "object" && declared !== null ? (declared as { elicitation?: object }).elicitation : undefined;
  // By an address only, no form can be shown; one that names no way shows forms.
  return way !== undefined && ("form" in way || !("url" in way));
}

function questionOf(plan: ShownPlan, word: string): string {
  const steps = plan.steps.slice(0, 12).map((step) => `  ${lineOf(step)}`);
  const more = plan.steps.length > steps.length ? [`  … and ${plan.steps.length - steps.length} more`] : [];
  const what = plan.destructive ? "This replaces or removes something." : "Nothing is replaced or removed.";
  return [shownLine(plan.argv), `in ${plan.repository}`, ...steps, ...more, what, `Type ${word} to apply it.`].join("\n");
}

/** As it would be typed, so that no word of it can look like a line of the question; one that is cut says so. */
function shownLine(argv: readonly string[]): string {
  const line = toJson(["expver", ...argv].map(shellWord).join(" ")).slice(1, -1);
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE)}… (${line.length - LONGEST_LINE} more characters)`;
}

function lineOf(step: unknown): string {
  const { verb, target, detail, keeps } = step as { verb?: string; target?: string; detail?: string; keeps?: string };
  const text = [verb, target, detail, keeps === undefined ? undefined : `(kept: ${keeps})`].filter(Boolean).join(" ");
  return toJson(text).slice(1, -1).slice(0, 200);
}
