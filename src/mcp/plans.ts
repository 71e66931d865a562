/** Plans that were shown, by an id no client can guess, each good for one application within a quarter of an hour. */
import { randomBytes } from "node:crypto";
import { ExpverError } from "../errors.ts";

export interface ShownPlan {
  id: string;
  repository: string;
  /** Words after `expver`, without --plan. */
  argv: readonly string[];
  command: string;
  steps: unknown[];
  destructive: boolean;
  fingerprint: string;
  /** Milliseconds since the epoch. */
  expires: number;
}

const LIFETIME_MS = 15 * 60_000;
const MOST = 200;

export class Plans {
  readonly #plans = new Map<string, ShownPlan>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  keep(plan: Omit<ShownPlan, "id" | "expires">): ShownPlan {
    const shown = { ...plan, id: `plan-${randomBytes(12).toString("hex")}`, expires: this.#clock() + LIFETIME_MS };
    this.#plans.set(shown.id, shown);
    for (const oldest of this.#plans.keys()) if (this.#plans.size > MOST) this.#plans.delete(oldest);
    return shown;
  }

  /** Throws E_PLAN_STALE for one that was never shown, was used, or is too old. */
  find(id: string): ShownPlan {
    const plan = this.#plans.get(id);
    if (plan !== undefined && this.#clock() < plan.expires) return plan;
    this.#plans.delete(id);
    throw new ExpverError(
      "E_PLAN_STALE",
      `there is no plan ${JSON.stringify(id.slice(0, 80))}: it was never made here, was used already, or is older than 15 minutes; nothing was changed`,
      {
        hint: "Call the planning tool again and apply the new plan's id.",
      },
    );
  }

  /** From here on it cannot be applied again, whatever comes of it. */
  use(plan: ShownPlan): void {
    if (!this.#plans.delete(plan.id)) this.find(plan.id);
  }
}
