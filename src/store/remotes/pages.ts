/** A listing that comes page by page, until a server that repeats itself or finds no end is found out. */
import { ExpverError } from "../../errors.ts";
import { MOST_NAMES } from "./bounds.ts";
import type { KeyPage } from "./flat-keys.ts";

// Servers may answer with a page that has nothing, and a next one.
const MOST_EMPTY = 1000;
const LONGEST_TOKEN = 2 ** 14;

interface Listed {
  /** Name of the remote. */
  remote: string;
  /** Reads after "cannot". */
  doing: string;
  /** What all keys begin with. */
  prefix: string;
}

/** `ask` answers a page and what to ask for next; "" is the first, and after the last. Throws E_REMOTE_ANSWER. */
export async function* pagesOf(ask: (token: string) => Promise<KeyPage & { next: string }>, listed: Listed): AsyncIterable<KeyPage> {
  let names = 0;
  let empty = 0;
  // One token is kept, and replaced after twice as many pages each time: a circle of any length is noticed.
  let kept = "";
  for (let token = "", page = 1, replaced = 1; ; page += 1) {
    const { next, ...found } = await ask(token);
    const { entries, folders } = found;
    const astray =
      entries.find(({ key }) => !key.startsWith(listed.prefix))?.key ?? folders.find((path) => !path.startsWith(listed.prefix));
    if (astray !== undefined) throw wrong(listed, `lists what was not asked for: ${JSON.stringify(astray.slice(0, 200))}`);
    yield found;
    if (next === "") return;
    names += entries.length + folders.length;
    empty = entries.length + folders.length === 0 ? empty + 1 : 0;
    if (next === token || next === kept) throw wrong(listed, "gives the same page again and again");
    if (next.length > LONGEST_TOKEN || names > MOST_NAMES || empty > MOST_EMPTY) throw wrong(listed, "lists without end");
    if (page === replaced) {
      kept = next;
      replaced *= 2;
    }
    token = next;
  }
}

function wrong({ remote, doing }: Listed, what: string): ExpverError {
  return new ExpverError("E_REMOTE_ANSWER", `remote ${remote}: cannot ${doing}: the server ${what}`, { details: { remote } });
}
