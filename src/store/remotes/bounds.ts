/** How much of an answer is taken. A server may be broken, or somebody else's, and send without end. */
import { ExpverError } from "../../errors.ts";
import { refuseWithoutRoom } from "../../platform/room.ts";
import type { Coming } from "./server.ts";

const MIB = 2 ** 20;
// A size in a pointer that was merged by hand may be wrong, and the bytes are right all the same: their hash decides.
const LEEWAY = 64 * MIB;
// What stays free on a disk when nobody has said how much is to come.
const LEFT = 64 * MIB;
// What comes between two looks at the disk: over all connections less than what stays free.
const LOOK = MIB;

/** Bytes of the longest text there can be: of a longer listing nothing could be read. */
export const LONGEST_TEXT = 2 ** 29 - 24;

/** Names in one folder or shard that are taken for possible. */
export const MOST_NAMES = 5_000_000;

/** How much may come of what should have this size; undefined: nobody knows. */
export function mostOf(size: number | undefined): number {
  return size === undefined ? Number.POSITIVE_INFINITY : size + Math.max(size, LEEWAY);
}

interface Bounds {
  /** Where it comes from, for messages. */
  place: string;
  /** Bytes that are here already. */
  had?: number;
  /** Bytes there may be in all. */
  most: number;
  /** A folder on the disk it is written to; absent: it stays in memory. */
  folder?: string;
}

/** Passes on what comes. Throws E_OBJECT for more than there may be, E_DISK_FULL before the disk is full; the connection is closed then. */
export async function* taking({ bytes, length }: Coming, { place, had = 0, most, folder }: Bounds): AsyncIterable<Buffer> {
  const announced = length === undefined ? 0 : had + length;
  let came = had;
  let looked = Number.NEGATIVE_INFINITY;
  for await (const chunk of bytes) {
    came += chunk.length;
    if (Math.max(came, announced) > most) throw tooMuch(place, { bytes: Math.max(came, announced), most });
    if (folder !== undefined && came - looked >= LOOK) {
      const bytes = length === undefined ? LEFT : announced - came;
      if (bytes >= LOOK) refuseWithoutRoom(folder, { what: place, bytes });
      looked = came;
    }
    yield chunk;
  }
}

function tooMuch(place: string, { bytes, most }: { bytes: number; most: number }): ExpverError {
  return new ExpverError(
    "E_OBJECT",
    `${place} has ${bytes} bytes or more, which is not what is looked for: at most ${most} were expected`,
    {
      hint: "The server gives something else, or without end: look at it there, and push the object again from a place that has it whole.",
      details: { path: place, bytes, most },
    },
  );
}
