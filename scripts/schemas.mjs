/**
 * `schemas/v1.json`: what every command prints with `--json`, drawn from the types its workflow answers with. Their comments become the
 * descriptions, so there is no second place to keep true.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildGenerator, getProgramFromFiles } from "typescript-json-schema";

/** Where it is kept, from the repository's root. */
export const SCHEMA_FILE = "schemas/v1.json";

export function schemaText(root, catalogue) {
  const { types, answers, envelope, plan } = readTypes(root);
  const commands = catalogue
    .filter(({ serves }) => serves === undefined)
    .map((command) => {
      const answer = answers[command.name];
      if (answer === undefined) throw new Error(`${command.name} has no answer in ${ANSWERS}`);
      return [command.name, outputOf(command, resolveAnswer(command, answer, types))];
    });
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    $comment: "Made from the sources by `npm run docs`; edit those.",
    title: "What expver prints with --json",
    description:
      'definitions/COMMAND is all that COMMAND prints on standard output, such as definitions/list or definitions/models%20list. Within one number of "schema" names and types stay; there may be further fields.',
    $ref: "#/definitions/Envelope",
    definitions: { ...Object.fromEntries(commands), ...types, Envelope: envelope, Failure: failureOf(envelope), Plan: plan },
  };
  return `${linePerDefinition(schema)}\n`;
}

/** Small, and a change of one type is a change of one line. */
function linePerDefinition({ definitions, ...head }) {
  const lines = Object.entries(definitions).map(([name, type]) => `${JSON.stringify(name)}: ${JSON.stringify(type)}`);
  return `${JSON.stringify(head, null, 1).slice(0, -2)},\n "definitions": {\n${lines.join(",\n")}\n}}`;
}

const ANSWERS = "EveryAnswerByCommand";

function readTypes(root) {
  const folder = mkdtempSync(join(tmpdir(), "expver-schemas-"));
  try {
    const file = join(folder, "answers.ts");
    writeFileSync(file, answersModule(root));
    const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
    const options = { ...compilerOptions, lib: ["lib.es2023.d.ts"], typeRoots: [join(root, "node_modules/@types")] };
    const generator = buildGenerator(getProgramFromFiles([file], options, root), {
      required: true,
      ref: true,
      topRef: false,
      strictNullChecks: true,
      ignoreErrors: true,
    });
    if (generator === null) throw new Error("the sources have type errors");
    const whole = generator.getSchemaForSymbol(ANSWERS);
    const short = shortened(whole, root);
    const { Envelope: envelope = {}, Plan: plan = {}, ...answers } = short.answers;
    return { types: short.types, answers, envelope: resolved(envelope, short.types), plan: resolved(plan, short.types) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A module whose one interface has the answer of every command. Which workflow that is stands in the catalogue's `load`. */
function answersModule(root) {
  const folder = join(root, "src/workflows/catalogue");
  const found = readdirSync(folder).flatMap((name) => {
    let command = "";
    const text = readFileSync(join(folder, name), "utf8");
    return [...text.matchAll(/^ {4}name: "([^"]+)",|\(await import\("\.\.\/([^"]+)"\)\)\.(\w+)/gm)].flatMap(([, named, from, what]) => {
      if (named !== undefined) command = named;
      return named === undefined ? [`  "${command}": DataOf<typeof import("${root}/src/workflows/${from}").${what}>;`] : [];
    });
  });
  return [
    `import type { Envelope as AnyEnvelope } from "${root}/src/cli/envelope.ts";`,
    `import type { Plan as AnyPlan } from "${root}/src/workflows/contract.ts";`,
    "type Reads<D> = { read(...given: any[]): Promise<D> };",
    "type Writes<D> = { apply(...given: any[]): Promise<D> };",
    "type DataOf<W> = W extends Reads<infer D> ? D : W extends Writes<infer D> ? D : never;",
    `export interface ${ANSWERS} {`,
    ...found,
    "  Envelope: AnyEnvelope;",
    "  Plan: AnyPlan;",
    "}",
  ].join("\n");
}

/** Types under the names they have in the sources; what is no name of ours (`Record<string, string>`) stands where it is used. */
function shortened({ definitions = {}, properties = {} }, root) {
  const pieces = Object.entries(definitions);
  const places = new Map();
  for (const [long] of pieces) {
    const { name } = nameOf(long, root);
    places.set(name, [...(places.get(name) ?? []), long]);
  }
  const names = new Map(
    pieces.map(([long]) => {
      const { name, from } = nameOf(long, root);
      return [long, (places.get(name)?.length ?? 0) > 1 ? pascal(from) + name : name];
    }),
  );
  const inline = new Map(pieces.filter(([long]) => /^(Record|Partial|Omit|Pick)</.test(long)));
  const rewrite = (node) => {
    if (Array.isArray(node)) return node.map(rewrite);
    if (typeof node !== "object" || node === null) return node;
    const { $ref, ...rest } = node;
    if (typeof $ref !== "string") return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, rewrite(value)]));
    const long = decodeURIComponent($ref.slice("#/definitions/".length));
    const inlined = inline.get(long);
    // Beside a $ref draft 7 reads nothing else; what was said there is in the type itself.
    return inlined === undefined ? { $ref: `#/definitions/${names.get(long)}` } : rewrite({ ...inlined, ...rest });
  };
  const types = pieces.filter(([long]) => !inline.has(long)).map(([long, schema]) => [names.get(long), rewrite(schema)]);
  return {
    types: Object.fromEntries(types.sort(([one], [other]) => (one < other ? -1 : 1))),
    answers: rewrite(properties),
  };
}

function nameOf(long, root) {
  const [, path = "", name = long] = /^import\("([^"]+)".*?\)\.(\w+)$/.exec(long) ?? [];
  return { name: name.replace("_", ""), from: path.replace(`${root}/src/`, "").split("/").at(-1) ?? "" };
}

function pascal(stem) {
  return stem.replace(/(^|-)(\w)/g, (_all, _dash, letter) => letter.toUpperCase());
}

function resolved(schema, types) {
  const { $ref } = schema;
  if (typeof $ref !== "string") return schema;
  const name = $ref.slice("#/definitions/".length);
  const type = types[name];
  delete types[name];
  return type ?? schema;
}

/** dvc's own verbs print a part of what they answer, and no envelope. */
function resolveAnswer({ bareJson }, answer, types) {
  if (!bareJson) return answer;
  const type = typeof answer.$ref === "string" ? types[answer.$ref.slice("#/definitions/".length)] : answer;
  return type?.properties?.json ?? answer;
}

function outputOf({ summary, bareJson, kind }, answer) {
  if (bareJson) return { description: summary, anyOf: [answer] };
  // `ok` is false too where differences are the answer, with exit code 4 or 5.
  const done = (data) => ({
    properties: { data, error: { type: "null" } },
    allOf: [{ $ref: "#/definitions/Envelope" }],
  });
  const planned = kind === "write" ? [{ description: "With --dry-run: the plan.", ...done({ $ref: "#/definitions/Plan" }) }] : [];
  return { description: summary, anyOf: [done(answer), ...planned, { $ref: "#/definitions/Failure" }] };
}

function failureOf(envelope) {
  const { error } = envelope.properties;
  const described = error.anyOf.find(({ type }) => type !== "null") ?? {};
  return {
    description:
      "A failure: why, and what to type next. `data` is what there is all the same: a failed run, a plan that needs a confirmation.",
    properties: { ok: { const: false }, error: described },
    allOf: [{ $ref: "#/definitions/Envelope" }],
  };
}
