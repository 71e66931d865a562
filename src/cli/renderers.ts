/** Which function turns a command's data into text for a terminal. Loaded only when there is text to make. */
import type { Terminal } from "./terminal.ts";

export type Renderer = (data: never, terminal: Terminal) => string;

/** By the `render` name of the catalogue. */
export const RENDERERS: Record<string, () => Promise<Renderer>> = {};
