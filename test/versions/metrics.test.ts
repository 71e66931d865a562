import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guessDirection } from "../../src/config/metric-direction.ts";
import { numberOf } from "../../src/versions/exact-numbers.ts";
import { parseMessage } from "../../src/versions/message.ts";
import { compareMetric, directionOf, knownMetrics, metricsOf, paramsOf } from "../../src/versions/metrics.ts";

describe("which value is better", () => {
  it("follows the direction and puts NaN, texts and missing values last", () => {
    const values = [undefined, "nan", "0.5", "-inf", "text", "1e-05", "inf", "10", "9"];
    expect(values.toSorted((a, b) => compareMetric(a, b, "max"))).toEqual([
      "inf",
      "10",
      "9",
      "0.5",
      "1e-05",
      "-inf",
      "nan",
      "text",
      undefined,
    ]);
    expect(values.toSorted((a, b) => compareMetric(a, b, "min"))).toEqual([
      "-inf",
      "1e-05",
      "0.5",
      "9",
      "10",
      "inf",
      "nan",
      "text",
      undefined,
    ]);
  });

  it("tells whole numbers apart that are equal as floating point", () => {
    expect(compareMetric("9007199254740993", "9007199254740992", "max")).toBeLessThan(0);
    expect(compareMetric("9007199254740993", "9007199254740992", "min")).toBeGreaterThan(0);
  });

  it("is an order, whatever the texts", () => {
    const value = fc.option(
      fc.oneof(
        fc.constantFrom("nan", "inf", "-inf", "x", "1", "1.0", "0", "-0", "9007199254740993", "9007199254740992"),
        fc.double().map(String),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        expect(Math.sign(compareMetric(a, b, "min"))).toBe(0 - Math.sign(compareMetric(b, a, "min")));
        if (compareMetric(a, b, "max") <= 0 && compareMetric(b, c, "max") <= 0) expect(compareMetric(a, c, "max")).toBeLessThanOrEqual(0);
      }),
    );
  });

  it.each([["0x10"], [""], ["1_000"], ["3a2f1b"], ["1e"], ["0.8 (dev)"]])("%j is no number", (text) => expect(numberOf(text)).toBeNull());
});

describe("the direction of a metric", () => {
  const tag = (text: string) => ({ message: parseMessage(`x\n\nKind: run\nMetric: ${text}\n`) });

  it("is expver.yaml's, else the newest tag's, else guessed from the name and said to be", () => {
    const versions = [tag("loss=1 max"), tag("loss=2 min"), tag("loss=3")];
    expect(directionOf("loss", { metrics: { loss: "max" } }, versions)).toEqual({ direction: "max", source: "config" });
    expect(directionOf("loss", { metrics: {} }, versions)).toEqual({ direction: "min", source: "tag" });
    expect(directionOf("val_loss", { metrics: {} }, versions)).toEqual({ direction: "min", source: "guess" });
    expect(directionOf("zorp", { metrics: {} }, versions)).toEqual({ direction: "max", source: "guess" });
  });

  it.each([
    ["val_loss", "min"],
    ["rmse", "min"],
    ["logLoss", "min"],
    ["F1", "max"],
    ["F1-macro", "max"],
    ["top5.accuracy", "max"],
    ["recall@10", "max"],
    ["lr", undefined],
    ["n_layers", undefined],
    ["glossary", undefined],
  ])("of %s is told from its name: %s", (name, direction) => expect(guessDirection(name)).toBe(direction));
});

describe("numbers of a version", () => {
  it("are the trailers when there are any, the first line's otherwise", () => {
    const recorded = parseMessage("lr=2 | acc=1 | x\n\nKind: run\nParam: lr=1\nMetric: acc=0.5\n");
    const byHand = parseMessage("model=bert | lr=1e-4 | F1=0.89 | zorp=3 | data=3a2f1b | text\n");
    const known = knownMetrics({ metrics: { zorp: "max" } }, []);
    expect([metricsOf(recorded, known), paramsOf(recorded, known)]).toEqual([{ acc: "0.5" }, { lr: "1" }]);
    expect([metricsOf(byHand, known), paramsOf(byHand, known)]).toEqual([
      { F1: "0.89", zorp: "3" },
      { model: "bert", lr: "1e-4" },
    ]);
  });
});
