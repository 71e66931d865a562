/** Pieces of work that several threads take from one heap. */

/** Which pieces are taken, and what was done of them. Goes to the threads as it is. */
export interface Share {
  count: number;
  /** So many of the first pieces are large: they are taken one at a time. */
  large: number;
  /** The next handful; whether to stop; and for each thread whether it is at work. */
  control: Int32Array<SharedArrayBuffer>;
  /** For each thread: pieces done, and bytes. */
  done: Float64Array<SharedArrayBuffer>;
}

/** Does a piece, at once or step by step; answers or yields the bytes it has read. */
export type Perform = (piece: number) => number | Generator<number>;

const NEXT = 0;
export const STOP = 1;
export const AT_WORK = 2;
const HANDFUL = 64;

/** Memory for a share of so many threads. */
export function newShare(threads: number, { count, large }: Pick<Share, "count" | "large">): Share {
  return {
    count,
    large,
    control: new Int32Array(new SharedArrayBuffer(4 * (AT_WORK + threads))),
    done: new Float64Array(new SharedArrayBuffer(8 * 2 * threads)),
  };
}

/** Takes pieces and does them until none are left, or to stop; yields after each handful and each step of a large one. */
export function* takingPieces(share: Share, thread: number, perform: Perform): Generator<void> {
  const { count, large, control, done } = share;
  const isStopped = () => Atomics.load(control, STOP) === 1;
  const tell = (pieces: number, bytes: number) => {
    done[thread * 2] = (done[thread * 2] as number) + pieces;
    done[thread * 2 + 1] = (done[thread * 2 + 1] as number) + bytes;
  };
  Atomics.store(control, AT_WORK + thread, 1);
  try {
    while (!isStopped()) {
      const handful = Atomics.add(control, NEXT, 1);
      const isLarge = handful < large;
      const first = isLarge ? handful : large + (handful - large) * HANDFUL;
      if (first >= count) return;
      const end = isLarge ? first + 1 : Math.min(count, first + HANDFUL);
      // Told together: threads that write side by side wait for each other.
      let read = 0;
      for (let piece = first; piece < end; piece += 1) {
        const work = perform(piece);
        if (typeof work === "number") read += work;
        else {
          for (const bytes of work) {
            tell(0, bytes);
            yield;
            if (isStopped()) return;
          }
        }
      }
      tell(end - first, read);
      yield;
    }
  } finally {
    Atomics.store(control, AT_WORK + thread, 0);
    Atomics.notify(control, AT_WORK + thread);
  }
}
