/** Waiting for a command's end, with signs of life. */
import type { ServerContext } from "@modelcontextprotocol/server";
import { ExpverError } from "../../errors.ts";
import type { Ended, Job } from "../command.ts";
import type { Session } from "../session.ts";

/** A reading call's end; what takes too long, or nobody waits for any more, is stopped. */
export async function endOf(session: Session, job: Job, ctx: ServerContext, advice: string): Promise<Ended> {
  const beat = heartbeat(ctx);
  const outcome = await session.jobs.wait(job, { signal: ctx.mcpReq.signal });
  clearInterval(beat);
  if (outcome.state === "ended") return outcome;
  if (job.isWriting) throw new ExpverError("E_BUSY", `${job.id} still goes on`, { hint: "Call expver_run_status with this job again." });
  session.jobs.stop(job);
  throw new ExpverError("E_INTERRUPTED", `\`expver ${job.argv.join(" ")}\` took longer than 40 s and was stopped`, { hint: advice });
}

/** A client that gave a progress token is told every second that the work goes on. */
export function heartbeat(ctx: ServerContext): NodeJS.Timeout | undefined {
  const token = ctx.mcpReq._meta?.progressToken;
  if (token === undefined) return undefined;
  let seconds = 0;
  return setInterval(() => {
    seconds += 1;
    void ctx.mcpReq.notify({
      method: "notifications/progress",
      params: { progressToken: token, progress: seconds, message: `${seconds} s` },
    });
  }, 1000);
}
