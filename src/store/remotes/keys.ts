/** Where an object lies on a server, relative to the remote. */
import { type ObjectName, objectPath } from "../layout.ts";
import type { Key } from "./server.ts";

/** `files/md5/ab/cdef…`, and `ab/cdef…` for DVC 2's objects. */
export function keyOf(object: ObjectName): Key {
  return objectPath("", object).slice(1);
}

/** A key in the path of a URL, as strict servers want it signed: everything but letters, digits and -._~ is a percent sign with two digits; slashes stay. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeStrictly).join("/");
}

export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
