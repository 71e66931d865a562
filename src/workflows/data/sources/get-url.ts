/** `expver data get-url URL [OUT]`: a copy of a file or folder, from a path or a server. Tracks nothing. */

import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
import { deliver, deliveryPath, nameInUrl, refusePointerName } from "./deliver.ts";
import { type Elsewhere, lookElsewhere } from "./elsewhere.ts";
import { fsConfigOf } from "./fs-config.ts";
import type { GetResult } from "./get.ts";

interface GetUrlPlan extends Plan {
  from: Elsewhere;
  /** Absolute. */
  out: string;
  force: boolean;
}

export const dataGetUrl: WriteWorkflow<Input, GetUrlPlan, GetResult> = {
  async plan(context, input) {
    const url = String(input.url);
    const force = input.force === true;
    const out = deliveryPath(context, { from: nameInUrl(url), out: textIn(input.out), force });
    refusePointerName(out);
    const from = await lookElsewhere(context, url, { options: fsConfigOf(input) });
    return {
      command: "data get-url",
      steps: [{ verb: "copy", target: out, detail: `from ${from.location}` }],
      destructive: false,
      fingerprint: fingerprintOf({ from: from.location, out }),
      from,
      out,
      force,
    };
  },

  async apply(context, { from, out, force }) {
    let files = 0;
    await deliver(context, out, {
      command: "data get-url",
      force,
      make: async (target) => {
        files = (await from.copy(target, { tracked: false })).files;
      },
    });
    return { out, files, url: null };
  },
};
