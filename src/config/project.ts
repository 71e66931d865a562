/** Where we are: the root, Git, DVC, our own state folder and the configuration. Every workflow starts by opening it. */
import type { Repository } from "../git/git.ts";
import type { Config } from "./config.ts";

export interface Project {
  /** Nearest `expver.yaml`, else DVC root, else Git root. Absolute, symbolic links resolved. */
  readonly root: string;
  /** Null in a DVC repository without Git (`core.no_scm`). */
  readonly repository: Repository | null;
  /** The folder holding `.dvc/`, at or above `root` (or equal to it); null when there is none yet. */
  readonly dvcRoot: string | null;
  /** Our own state, per repository and machine: `<common git dir>/expver`, or `.dvc/tmp/expver` without Git. */
  readonly stateDir: string;
  readonly config: Config;
}
