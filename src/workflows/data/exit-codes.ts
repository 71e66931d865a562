/** Failures that dvc counts as others where a command asks for what they are about. */
import type { Project } from "../../config/project.ts";
import { ExpverError, failedWith } from "../../errors.ts";
import { openRemote } from "../../store/remotes/open-remote.ts";
import type { Remote } from "../../store/remotes/remote.ts";

export function withExitCode({ code, message, hint, details, cause }: ExpverError, exitCode: number): ExpverError {
  return new ExpverError(code, message, { hint, details: { ...details, exitCode }, cause });
}

/** The remote of a name, or the default one; one that is not configured is a mistake of the configuration here. */
export function openConfigured(project: Project, name: string | undefined): Remote {
  try {
    return openRemote(project, name);
  } catch (error) {
    throw failedWith(error, "E_REMOTE") ? withExitCode(error, 251) : error;
  }
}
