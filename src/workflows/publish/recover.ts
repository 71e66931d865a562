/** A killed publish leaves nothing half-done: each of its steps is whole or not there, and is not taken back. */
import type { RecoveryHandler } from "../../journal/recover.ts";

export const recoverPublish: RecoveryHandler = (_place, _context, { effects }) =>
  effects.length === 0 ? null : "what it had sent stays there; `expver publish` goes on from that";
