/** Publishing a version that has just been made, when it was asked for. */
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";

interface Made {
  version: string | null;
  published: boolean;
  next: string[];
}

/** The version stands, whatever becomes of this: a failure is the command's only when it was asked for in so many words. */
export async function publishMade<Outcome extends Made>(
  context: Context,
  { config }: Pick<Project, "config">,
  { outcome, asked }: { outcome: Outcome; asked: boolean },
): Promise<Outcome> {
  const { version } = outcome;
  if (version === null || !(asked || config.publish === "auto")) return outcome;
  try {
    const { publishVersion } = await import("../../publish.ts");
    const { versions, next } = await publishVersion(context, version);
    const name = versions[0]?.version ?? version;
    return { ...outcome, version: name, published: versions[0]?.state !== "objects only", next };
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    const message = `${version} is made, but not published: ${error.message}`;
    if (asked) throw new ExpverError(error.code, message, { hint: error.hint, details: { ...error.details, data: outcome }, cause: error });
    context.report({ kind: "warning", text: message, hint: error.hint });
    return outcome;
  }
}
