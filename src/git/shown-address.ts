/** A repository's address, or a text with some in it, as Git itself tells it: without the name, which may be a token, and the password in it. */
export function shownAddress(text: string): string {
  return text.replace(/(https?:\/\/)[^/\s]*@/gi, "$1");
}
