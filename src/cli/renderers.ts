/** Which function turns a command's data into text for a terminal. Loaded only when there is text to make. */
import type { Terminal } from "./terminal.ts";

export type Renderer = (data: never, terminal: Terminal) => string;

/** By the `render` name of the catalogue. */
export const RENDERERS: Record<string, () => Promise<Renderer>> = {
  completion: async () => (await import("./render/completion.ts")).renderCompletion,
  init: async () => (await import("./render/init.ts")).renderInit,
  "data add": async () => (await import("./render/data.ts")).renderDataAdd,
  "data status": async () => (await import("./render/data.ts")).renderDataStatus,
  "ops list": async () => (await import("./render/ops.ts")).renderOpsList,
  "ops show": async () => (await import("./render/ops.ts")).renderOpsShow,
  run: async () => (await import("./render/run.ts")).renderRun,
  "runs list": async () => (await import("./render/runs.ts")).renderRunsList,
  "runs show": async () => (await import("./render/runs.ts")).renderRunsShow,
  "runs logs": async () => (await import("./render/runs.ts")).renderRunsLogs,
  undo: async () => (await import("./render/undo.ts")).renderUndo,
  doctor: async () => (await import("./render/doctor.ts")).renderDoctor,
  demo: async () => (await import("./render/demo.ts")).renderDemo,
  list: async () => (await import("./render/list.ts")).renderList,
  show: async () => (await import("./render/show.ts")).renderShow,
  tag: async () => (await import("./render/tag.ts")).renderTag,
};
