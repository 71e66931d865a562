/** A second database beside the open one, under the name `before`. */
import { type Database, readOnlyUri } from "../platform/sqlite.ts";

/** `copy`: a file nobody writes (an object of the cache); nothing may appear beside it. */
export function withCopy<Value>(db: Database, copy: string, act: () => Value): Value {
  db.run("ATTACH ? AS before", [`${readOnlyUri(copy)}&immutable=1`]);
  try {
    return act();
  } finally {
    db.exec("DETACH before");
  }
}
