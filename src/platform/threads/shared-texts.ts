/** Many texts in memory that threads share: nobody gets a copy of all of them, and each is made when it is asked for. */

export interface SharedTexts {
  /** UTF-8, NUL behind each. */
  bytes: Uint8Array<SharedArrayBuffer>;
  /** Where each ends. */
  ends: Uint32Array<SharedArrayBuffer>;
}

/** Texts without NUL. */
export function shareTexts(count: number, textOf: (index: number) => string): SharedTexts {
  const all = count === 0 ? "" : `${Array.from({ length: count }, (_, index) => textOf(index)).join("\0")}\0`;
  const bytes = new Uint8Array(new SharedArrayBuffer(Buffer.byteLength(all)));
  const ends = new Uint32Array(new SharedArrayBuffer(count * 4));
  const buffer = Buffer.from(bytes.buffer);
  buffer.write(all);
  for (let index = 0, end = -1; index < count; index += 1) {
    end = buffer.indexOf(0, end + 1);
    ends[index] = end;
  }
  return { bytes, ends };
}

/** Answers the text with a number. */
export function readerOf({ bytes, ends }: SharedTexts): (index: number) => string {
  const buffer = Buffer.from(bytes.buffer);
  return (index) => buffer.toString("utf8", index === 0 ? 0 : (ends[index - 1] as number) + 1, ends[index] as number);
}
