/** Cutting large objects into parts, with a bound on what is in memory. */

/** How much may be in memory at once; whoever comes when it is full waits. */
export interface Room {
  enter(bytes: number): Promise<void>;
  leave(bytes: number): void;
}

export function makeRoom(limit: number): Room {
  let used = 0;
  const waiting: { bytes: number; enter: () => void }[] = [];
  const admit = () => {
    for (let [next] = waiting; next !== undefined && (used === 0 || used + next.bytes <= limit); [next] = waiting) {
      waiting.shift();
      used += next.bytes;
      next.enter();
    }
  };
  return {
    enter: (bytes) =>
      new Promise((enter) => {
        waiting.push({ bytes, enter });
        admit();
      }),
    leave(bytes) {
      used -= bytes;
      admit();
    },
  };
}

/** Pieces gathered to parts of this many bytes; the last is what is left. */
export async function* inParts(pieces: AsyncIterable<Buffer>, partSize: number): AsyncIterable<Buffer[]> {
  let part: Buffer[] = [];
  let size = 0;
  for await (let piece of pieces) {
    while (size + piece.length >= partSize) {
      yield [...part, piece.subarray(0, partSize - size)];
      piece = piece.subarray(partSize - size);
      part = [];
      size = 0;
    }
    if (piece.length > 0) part.push(piece);
    size += piece.length;
  }
  if (size > 0) yield part;
}
