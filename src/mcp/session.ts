/** What one server knows. */
import type { SkillCatalog } from "@modelcontextprotocol/server/ext/skills";
import type { Jobs } from "./command.ts";
import type { Plans } from "./plans.ts";
import type { Repositories } from "./repositories.ts";

export interface Session {
  repositories: Repositories;
  plans: Plans;
  jobs: Jobs;
  /** The agent skill, as resources. */
  skills: SkillCatalog;
  readOnly: boolean;
  unconfirmed: boolean;
}
