/** The library: the same workflows the command line calls, as functions. */
export { ERROR_CODES, type ErrorCode, ExpverError } from "./errors.ts";
export { type Context, type ProgressEvent, systemContext } from "./platform/context.ts";
export { type LoggedRow, type Track, type TrackOptions, track } from "./results/track.ts";
