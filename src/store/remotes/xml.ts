/** The little XML that S3, Azure and WebDAV speak: elements without attributes that matter. Read in one pass, whatever is sent. */

/** Text of the first element of this name; undefined when there is none, or it has elements in it. */
export function textIn(xml: string, name: string): string | undefined {
  const inner = elementAt(xml, name, 0)?.inner;
  return inner === undefined || inner.includes("<") ? undefined : unescapeXml(inner);
}

/** What stands inside each element of this name. */
export function elementsIn(xml: string, name: string): string[] {
  const found: string[] = [];
  for (let one = elementAt(xml, name, 0); one !== null; one = elementAt(xml, name, one.end)) found.push(one.inner);
  return found;
}

/** The same XML with `<D:href>` as `<href>`: servers differ in prefixes, not in words. */
export function withoutPrefixes(xml: string): string {
  return xml.replace(/<(\/?)[\w.-]{1,64}:/g, "<$1");
}

/** The first element of this name from an offset on. No regular expression: one would look for each missing end again and again. */
function elementAt(xml: string, name: string, from: number): { inner: string; end: number } | null {
  for (let at = xml.indexOf(`<${name}`, from); at >= 0; at = xml.indexOf(`<${name}`, at + 1)) {
    const behind = xml[at + name.length + 1] ?? "";
    if (behind !== ">" && !/\s/.test(behind)) continue;
    const begin = xml.indexOf(">", at) + 1;
    if (begin === 0) return null;
    if (xml[begin - 2] === "/") return { inner: "", end: begin };
    const close = xml.indexOf(`</${name}>`, begin);
    return close < 0 ? null : { inner: xml.slice(begin, close), end: close + name.length + 3 };
  }
  return null;
}

const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Entities of a document's own making stay as they are. */
function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (whole, decimal, hex, name) => {
    if (name) return NAMED[name.toLowerCase()] ?? whole;
    const point = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return point > 0x10ffff ? whole : String.fromCodePoint(point);
  });
}
