/** What a worker thread runs: its part of whatever is shared with it. Bundled by itself, so that it starts at once. */
import { parentPort } from "node:worker_threads";
import { type Share, takingPieces } from "./pieces.ts";
import { performerOf, type Task } from "./tasks.ts";

parentPort?.on("message", ({ task, share, thread }: { task: Task; share: Share; thread: number }) => {
  const work = takingPieces(share, thread, performerOf(task));
  while (!work.next().done);
});
