/** `models add --publish`: the candidate's objects and commit, and the version of its run, where others can get them. */
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { headBranch } from "../../git/refs.ts";
import type { Context } from "../../platform/context.ts";
import { readDvcConfig } from "../../store/settings/dvc-config.ts";
import type { Step } from "../contract.ts";
import { shortName } from "../publish/branch.ts";
import { publishBranch, publishVersion, whereTo } from "../publish.ts";

export interface PublishedCandidate {
  /** Git remote; null: there is none, only objects were sent. */
  remote: string | null;
  branch: string | null;
  /** Objects sent. */
  objects: number;
  /** The version that went along, under the number it has now; null: none had to. */
  version: string | null;
}

/** Before anything is added. `version`: of its run, not published yet. Throws E_PUBLISH. */
export function publishingStep(project: Project, repository: Repository, version: string | null): Step {
  const { remote } = whereTo(repository, {});
  const branch = headBranch(repository);
  if (remote !== null && branch === null) {
    throw new ExpverError("E_PUBLISH", "HEAD is detached: the candidate's commit would be on no branch, and public nowhere", {
      hint: "git switch BRANCH, then repeat.",
    });
  }
  const data = readDvcConfig(project).defaultRemote;
  if (data === null) {
    throw new ExpverError("E_PUBLISH", "there is no data remote to send the candidate to", {
      hint: "Add one: expver data remote add -d NAME FOLDER",
    });
  }
  const along = version === null ? "" : `, and ${version}`;
  const target = remote === null ? data : `${remote} ${shortName(branch ?? "")}`;
  return {
    verb: "publish",
    target,
    detail: `objects to ${data} first${remote === null ? "; there is no Git remote" : `, then the branch${along}`}`,
  };
}

/** Throws what publishing throws, and E_PUBLISH when the branch was refused. */
export async function publishCandidate(context: Context, version: string | null): Promise<PublishedCandidate> {
  const first = version === null ? null : await publishVersion(context, version);
  const second = await publishBranch(context);
  const { remote, branch } = second;
  if (remote !== null && branch?.state !== "pushed" && branch?.state !== "there") {
    throw new ExpverError(
      "E_PUBLISH",
      `its bytes are on ${second.dataRemotes.join(", ")}, but ${remote} refused the branch ${branch?.name}`,
      {
        hint: `Bring in what is there: git pull --no-rebase ${remote} ${branch?.name}; then repeat.`,
      },
    );
  }
  return {
    remote,
    branch: branch?.name ?? null,
    objects: (first?.objects.sent ?? 0) + second.objects.sent,
    version: first?.versions[0]?.version ?? null,
  };
}
