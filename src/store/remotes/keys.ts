/** Where an object lies on a server, relative to the remote. */
import { type ObjectName, objectPath } from "../layout.ts";
import type { Key } from "./server.ts";

/** `files/md5/ab/cdef…`, and `ab/cdef…` for DVC 2's objects. */
export function keyOf(object: ObjectName): Key {
  return objectPath("", object).slice(1);
}
