/** A file written by SFTP counts as written when every request about it was answered well, whatever was asked before the answers came. */
import { expect, it } from "vitest";
import type { Source } from "../../src/store/remotes/server.ts";
import type { Asking } from "../../src/store/remotes/ssh/asking.ts";
import { writingFile } from "../../src/store/remotes/ssh/one-file.ts";

const source: Source = {
  size: 3,
  md5: null,
  async *chunks() {
    yield Buffer.from("abc");
  },
};
const options = { signal: new AbortController().signal, doing: "write x" };
const askingWith = (answer: () => unknown) => ({ connection: { ask: async () => answer() } }) as unknown as Asking;

it("a sync that fails is a failure, also when it was asked for before the bytes were taken", async () => {
  const asking = askingWith(() => ({ status: 0, text: "" }));
  const behind = async () => {
    throw new Error("no sync");
  };
  await expect(writingFile(asking, Buffer.alloc(4), source, { ...options, behind })).rejects.toThrow("no sync");
});

it("bytes that are not taken are the failure that is told", async () => {
  const asking = askingWith(() => {
    throw new Error("lost");
  });
  const behind = async () => {
    throw new Error("no sync");
  };
  await expect(writingFile(asking, Buffer.alloc(4), source, { ...options, behind })).rejects.toThrow("lost");
});
