/** Pieces of work that several threads take from one heap. */
/** Which pieces are taken. Goes to the threads as it is. */
export interface Share {
  count: number;
  /** The next piece; whether to stop; and for each thread whether it is at work. */
  control: Int32Array<SharedArrayBuffer>;
}

export const NEXT = 0;
export const STOP = 1;
export const AT_WORK = 2;
const CHUNK = 64;

/** Takes the next pieces and does them; false when there were none. */
export function takePieces({ count, control }: Share, thread: number, perform: (piece: number) => void): boolean {
  Atomics.store(control, AT_WORK + thread, 1);
  try {
    const first = Atomics.load(control, STOP) === 1 ? count : Atomics.add(control, NEXT, CHUNK);
    for (let piece = first; piece < Math.min(count, first + CHUNK); piece += 1) perform(piece);
    return first < count;
  } finally {
    Atomics.store(control, AT_WORK + thread, 0);
    Atomics.notify(control, AT_WORK + thread);
  }
}
