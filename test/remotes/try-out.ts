/** One object sent to a remote and brought back: "fine", or the code of what went wrong. */
import { type ErrorCode, ExpverError } from "../../src/errors.ts";
import type { Remote } from "../../src/store/remotes/remote.ts";
import { makeCache } from "./conformance.ts";

/** `text` is what the object holds: one that another try has sent already would not be sent again. */
export async function tryOut(remote: Remote, text: string): Promise<ErrorCode | "fine"> {
  const parcel = makeCache().put(text);
  try {
    const [failure] = await remote.send([parcel], {});
    if (failure) return failure.error?.code ?? "E_NOT_FOUND";
    return (await remote.read(parcel.object)) === null ? "E_NOT_FOUND" : "fine";
  } catch (error) {
    if (error instanceof ExpverError) return error.code;
    throw error;
  }
}
