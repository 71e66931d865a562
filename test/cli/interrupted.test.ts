/** Who interrupts a command is told how far it came. */
import { expect, it } from "vitest";
import { toFailure } from "../../src/cli/failures.ts";
import { ExpverError } from "../../src/errors.ts";
import { type Done, paceWork } from "../../src/platform/pace.ts";
import { forMany } from "../../src/store/remotes/many.ts";

const caught = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

it("work that is paced says how many of its files were done", async () => {
  let yielded = 0;
  function* endless(): Generator<Done, never, void> {
    for (;;) {
      yielded += 1;
      yield { files: 1, bytes: 0 };
    }
  }
  const options = { label: "checking out", total: 1e9 };
  const error = await caught(paceWork(endless(), { signal: AbortSignal.abort() }, options));
  expect(toFailure(error, "SIGINT", undefined)).toMatchObject({
    code: "E_INTERRUPTED",
    message: `interrupted by SIGINT while checking out (${yielded} of 1000000000 files)`,
    details: { files: yielded },
  });
});

it("transfers count what has arrived, not what was under way", async () => {
  const controller = new AbortController();
  const items = ["a", "b", "c", "d"].map((hash) => ({ object: { hash, hashName: "md5" as const } }));
  const error = await caught(
    forMany(items, { pacing: { signal: controller.signal }, jobs: 1, label: "pushing to store" }, async ({ object: { hash } }) => {
      if (hash !== "c") return;
      controller.abort();
      throw new ExpverError("E_INTERRUPTED", "interrupted while sending c");
    }),
  );
  expect(toFailure(error, "SIGTERM", undefined)).toMatchObject({
    message: "interrupted by SIGTERM while pushing to store (2 of 4 files)",
    details: { files: 2, total: 4 },
  });
});

it("a workflow's own account of where it stands is kept; a stranger's error is not one", () => {
  const own = new ExpverError("E_INTERRUPTED", "s-1 was interrupted: 3 of 6 finished");
  expect(toFailure(own, "SIGINT", undefined)).toMatchObject({ message: "interrupted by SIGINT: s-1 was interrupted: 3 of 6 finished" });
  expect(toFailure(new Error("broken pipe"), "SIGINT", undefined)).toMatchObject({ message: "interrupted by SIGINT" });
});
