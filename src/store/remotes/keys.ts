/** Where an object lies on a server, relative to the remote. */
import { ExpverError } from "../../errors.ts";
import { type ObjectName, objectPath } from "../objects/layout.ts";
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

/** Something right in a folder, and not the folder, what is above it, or below something else. */
export function isFileName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

export function strangeName(remote: string, { folder, name }: { folder: Key; name: string }): ExpverError {
  return new ExpverError(
    "E_REMOTE_ANSWER",
    `remote ${remote}: in ${folder || "its folder"} the server lists ${JSON.stringify(name.slice(0, 200))}, which is no name of a file`,
    {
      details: { remote, path: folder },
    },
  );
}
