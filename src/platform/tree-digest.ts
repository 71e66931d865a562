/** One digest for a file, or for a folder with all that is in it: names and bytes. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { md5Of, md5OfFile } from "./hashing.ts";

export function treeDigest(path: string): string {
  if (!statSync(path).isDirectory()) return md5OfFile(path).md5;
  const names = readdirSync(path).sort();
  return md5Of(Buffer.from(JSON.stringify(names.map((name) => [name, treeDigest(join(path, name))]))));
}
