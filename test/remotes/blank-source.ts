/** Many bytes that cost no memory twice: zeros, with a different number at each MiB. */
import { createHash } from "node:crypto";
import type { Source } from "../../src/store/remotes/server.ts";

const MIB = 2 ** 20;

export function blankSource(size: number): Source {
  const bytes = Buffer.alloc(size);
  for (let offset = 0; offset < size; offset += MIB) bytes.writeUInt32LE(offset + 1, offset);
  return {
    size,
    md5: createHash("md5").update(bytes).digest("hex"),
    async *chunks() {
      for (let start = 0; start < size; start += MIB) yield bytes.subarray(start, start + MIB);
    },
  };
}
