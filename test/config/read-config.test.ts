import { describe, expect, test } from "vitest";
import { DEFAULTS } from "../../src/config/config.ts";
import { parseConfig } from "../../src/config/read-config.ts";
import { ExpverError } from "../../src/errors.ts";

const failure = (text: string): ExpverError => {
  try {
    parseConfig(text, "expver.yaml");
  } catch (error) {
    if (error instanceof ExpverError) return error;
    throw error;
  }
  throw new Error("no error");
};

test("every key of the product contract is read", () => {
  const config = parseConfig(
    `results: { database: results/experiments.db, table: predictions }
metrics: { accuracy: max, loss: min }   # comment
aggregate: { accuracy: last }
params: params.yaml
data: [data/**]
track: [reports/*.json]
models: { output: models/model.bin, production: models/production/model.bin, candidates: models/candidates/, keep: 7 }
link:
  - .venv
  - ./.env
publish: auto
versions: { prefix: exp- }
record: { host: false, user: true }
worktrees: { dir: ../trees }
`,
    "expver.yaml",
  );
  expect(config).toEqual({
    results: { database: "results/experiments.db", tables: ["predictions"] },
    metrics: { accuracy: "max", loss: "min" },
    aggregate: { accuracy: "last" },
    params: "params.yaml",
    data: ["data/**"],
    track: ["reports/*.json"],
    models: {
      output: "models/model.bin",
      production: "models/production/model.bin",
      namesProduction: true,
      candidates: "models/candidates",
      keep: 7,
    },
    link: [".venv", ".env"],
    publish: "auto",
    versions: { prefix: "exp-" },
    record: { host: false, user: true },
    worktrees: { dir: "../trees" },
  });
  expect(Object.keys(config.metrics)[0]).toBe("accuracy");
});

test.each(["", "# only a comment\n", "\n\n", "---\n", "results:\nmodels: ~\n"])("an empty file (%j) means the defaults", (text) => {
  expect(parseConfig(text, "expver.yaml")).toEqual(DEFAULTS);
});

describe("mistakes name file, line, key, value and what was meant", () => {
  test.each([
    ["metrics: {}\npublsh: ask\n", /^expver\.yaml:2: publsh is no key/, /"publish"/],
    ["models:\n  # c\n  kepp: 5\n", /^expver\.yaml:3: models\.kepp/, /"keep"/],
    ["completely_else: 1\n", /completely_else/, /Known keys: results, metrics/],
    ["publish: maybe\n", /publish is "maybe", expected ask or auto/, /./],
    ["metrics:\n  loss: minimum\n", /:2: metrics\.loss is "minimum", expected max or min/, /./],
    ["models: { keep: -1 }\n", /models\.keep is "-1", expected a whole number/, /./],
    ["record: { host: 1 }\n", /record\.host is "1", expected true or false/, /./],
    ["data: [ok, ../up]\n", /data\[1\] is "\.\.\/up", expected a path inside/, /./],
    ["results: { database: /abs.db }\n", /results\.database is "\/abs\.db"/, /./],
    ["results: { database: ./ }\n", /results\.database is "\.\/", expected a file/, /./],
    ["params: .\n", /params is "\.", expected a file/, /./],
    ["results: 5\n", /results is "5", expected keys with values/, /./],
    ["versions: { prefix: e1 }\n", /prefix is "e1"/, /./],
    ["versions: { prefix: 'a..b' }\n", /prefix is "a\.\.b"/, /./],
    ["a: [1\nb: 2\n", /^expver\.yaml:2: not valid YAML/, /line 2/],
    ["publish: ask\npublish: auto\n", /:2: publish is written twice/, /Keep one/],
    ["- a\n", /the file is a list, expected keys/, /./],
    ["__proto__: { a: 1 }\n", /__proto__ is no key/, /./],
  ])("%j", (text, message, hint) => {
    const error = failure(text);
    expect(error.code).toBe("E_CONFIG");
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  test("and carry the same as data", () => {
    expect(failure("models:\n  keep: many\n").details).toEqual({ file: "expver.yaml", line: 2, key: "models.keep", value: "many" });
  });
});

test("a model keeps its name in production unless another is given", () => {
  const productionOf = (text: string) => parseConfig(text, "expver.yaml").models.production;
  expect(productionOf("models: { output: out/model.joblib }")).toBe("models/production/model.joblib");
  expect(productionOf("models: { output: a.pt, production: live/b.pt }")).toBe("live/b.pt");
  expect(productionOf("publish: ask")).toBe("models/production/model.bin");
});

test("no parameter file is read when it is said that none is", () => {
  const paramsOf = (text: string) => parseConfig(text, "expver.yaml").params;
  expect(["", "params:", "params: null", "params: false", "params: conf/a.yaml"].map(paramsOf)).toEqual([
    "params.yaml",
    null,
    null,
    null,
    "conf/a.yaml",
  ]);
});
