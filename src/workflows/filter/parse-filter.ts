/**
 * The filter language: `accuracy > 0.9 and (model ~ bert or not seed in (1, 2)) and lr is not missing`. `not` binds closer than
 * `and`, `and` closer than `or`. A name stands left, a value right.
 */
import { filterError, type Word, wordsOf } from "./words.ts";

export type Sign = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~";

export interface Value {
  text: string;
  /** Never a number: what was quoted is a text. */
  quoted: boolean;
  column: number;
}

export interface Name {
  text: string;
  column: number;
}

export type Filter =
  | { is: "and" | "or"; parts: Filter[] }
  | { is: "not"; part: Filter }
  | { is: "compared"; name: Name; sign: Sign; value: Value }
  | { is: "one of"; name: Name; values: Value[] }
  | { is: "missing"; name: Name };

const KEYWORDS = ["and", "or", "not", "in", "is", "missing"];
const DEEPEST = 200;

/** Throws E_USAGE that points at the column. */
export function parseFilter(filter: string): Filter {
  const words = wordsOf(filter);
  let at = 0;
  let depth = 0;
  const here = () => words[at] ?? (words.at(-1) as Word);
  const fail = (why: string, word = here()): never => {
    const found = word.kind === "end" ? "the end" : JSON.stringify(word.text);
    throw filterError(filter, word.column, `${why}, not ${found}`);
  };
  const isKeyword = (word: Word, text: string) => word.kind === "word" && word.text.toLowerCase() === text;
  const takes = (text: string): boolean => {
    const word = here();
    const found = word.kind === "sign" ? word.text === text : isKeyword(word, text);
    if (found) at += 1;
    return found;
  };
  const need = (text: string, why: string) => takes(text) || fail(why);

  const chain = (joint: "and" | "or", part: () => Filter): Filter => {
    const first = part();
    const parts = [first];
    while (takes(joint)) parts.push(part());
    return parts.length === 1 ? first : { is: joint, parts };
  };
  const either = (): Filter => chain("or", () => chain("and", negation));
  const negation = (): Filter => {
    if (depth >= DEEPEST) throw filterError(filter, here().column, `more than ${DEEPEST} levels`);
    depth += 1;
    try {
      if (takes("not")) return { is: "not", part: negation() };
      if (!takes("(")) return comparison();
      const inner = either();
      need(")", "expected ) or and, or");
      return inner;
    } finally {
      depth -= 1;
    }
  };
  const comparison = (): Filter => {
    const name = nameHere();
    if (takes("is")) {
      const isNot = takes("not");
      need("missing", "expected missing after is");
      return negated({ is: "missing", name }, isNot);
    }
    const notIn = takes("not");
    if (takes("in")) return membership(name, notIn);
    if (notIn) return fail("expected in after not");
    return { is: "compared", name, sign: signHere(), value: valueHere() };
  };
  // `x not in (…)` asks, as `!=` does, for a value: one that is missing is neither in nor out.
  const membership = (name: Name, out: boolean): Filter => {
    need("(", "expected ( after in");
    const values = [valueHere()];
    while (takes(",")) values.push(valueHere());
    need(")", "expected , or )");
    const among: Filter = { is: "one of", name, values };
    return out ? { is: "and", parts: [negated({ is: "missing", name }, true), negated(among, true)] } : among;
  };
  const nameHere = (): Name => {
    const word = here();
    if (word.kind === "sign" || word.kind === "end") return fail("expected a name");
    if (word.kind === "word" && KEYWORDS.includes(word.text.toLowerCase()))
      return fail(`expected a name ("${word.text}" in quotes is one)`);
    at += 1;
    return { text: word.text, column: word.column };
  };
  const signHere = (): Sign => {
    const word = here();
    if (word.kind !== "sign" || !/[=<>~]/.test(word.text)) return fail("expected =, !=, <, <=, >, >=, ~, !~, in or is");
    at += 1;
    return word.text === "==" ? "=" : (word.text as Sign);
  };
  const valueHere = (): Value => {
    const word = here();
    if (word.kind === "sign" || word.kind === "end") return fail("expected a value");
    at += 1;
    return { text: word.text, quoted: word.kind === "quoted", column: word.column };
  };

  const whole = either();
  if (here().kind !== "end") fail("expected and, or, or the end");
  return whole;
}

function negated(part: Filter, isNot: boolean): Filter {
  return isNot ? { is: "not", part } : part;
}
