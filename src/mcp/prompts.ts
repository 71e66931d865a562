/** Prompts a person picks: the three workflows. */
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";

const WORKFLOWS = [
  {
    name: "sequential",
    title: "One experiment after another",
    says: "One change at a time in this worktree: run it as one experiment, compare it with the best so far, say in one line what was learned.",
    steps: [
      "Look at expver_status and expver_list first; say what is not committed or published.",
      "Plan the run with expver_plan_run: the command, a short message that says what is tried, and the level (major: architecture or data; minor: parameters or features; patch: reruns and fixes). Show the steps, then expver_apply.",
      "Follow it with expver_run_status (wait=true); when it fails, read the log and say why.",
      "Compare with expver_diff against the best earlier version. Offer expver_plan_publish.",
    ],
  },
  {
    name: "parallel",
    title: "Many settings of the same code",
    says: "Same code and data, many parameter values.",
    steps: [
      "Make sure the code is committed or will be in one snapshot: expver_status.",
      "Agree on the grid and the metric with its direction; say how many runs that is.",
      "expver_plan_run with grid is one sweep: one snapshot, a run for each combination, one version. Apply it; it goes on as a job: wait with expver_run_status.",
      "Rank with expver_models; offer promotion of the winner behind a gate with expver_plan_model, and pruning of the rest.",
    ],
  },
  {
    name: "worktree",
    title: "Different code or data side by side",
    says: "Code or data changes while other work goes on: a worktree of its own.",
    steps: [
      "expver_plan_worktree action=create; work and run in that folder (pass it as repository).",
      "When it is done: expver_plan_worktree action=finish brings results, data and model here (merge keeps every row; rebase replaces rows by key and is only right when the old rows no longer compare) and removes it.",
      "finish and remove refuse while anything in it is nowhere else: resolve each finding, never force.",
    ],
  },
] as const;

export function addPrompts(server: McpServer): void {
  for (const { name, title, says, steps } of WORKFLOWS) {
    server.registerPrompt(
      `expver_${name}`,
      { title, description: says, argsSchema: z.object({ goal: z.string().optional().describe("what the person wants to try") }) },
      ({ goal }) => ({
        messages: [
          {
            role: "user",
            content: {
              type: "text",
              text: [
                says,
                ...(goal === undefined ? [] : [`Goal: ${goal}`]),
                "",
                ...steps.map((step, index) => `${index + 1}. ${step}`),
              ].join("\n"),
            },
          },
        ],
      }),
    );
  }
}
