/** The first line a version is proposed: the model where one is named, and nothing without a value. */
import { expect, it } from "vitest";
import { orderMetrics, suggestHeadline } from "../../src/versions/suggest.ts";

const line = (params: Record<string, string>, dataHash: string | null = "3a2f1b7788") =>
  suggestHeadline({ params, metrics: [{ name: "loss", value: "0.1", direction: "min" }], dataHash })
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");

it.each([
  [{ lr: "0.1", model: "logreg" }, "model=logreg lr=0.1 loss=0.1 data=3a2f1b"],
  [{ "train.name": "net", lr: "0.1" }, "model=net lr=0.1 loss=0.1 data=3a2f1b"],
  [{ lr: "0.1" }, "lr=0.1 loss=0.1 data=3a2f1b"],
  [{ model: "", lr: "0.1", note: " " }, "lr=0.1 loss=0.1 data=3a2f1b"],
  [{ model: "None", model_type: "svm" }, "model=svm loss=0.1 data=3a2f1b"],
  [{ model_name: "nan", optimizer: "None" }, "optimizer=None loss=0.1 data=3a2f1b"],
])("%j", (params, expected) => {
  expect(line(params)).toBe(expected);
});

it("says nothing of data when there are none", () => {
  expect(line({}, null)).toBe("loss=0.1");
});

it("the first metric is one that expver.yaml names, else one whose name says what is better", () => {
  const names = (configured: Record<string, "max" | "min">, ...metrics: string[]) =>
    orderMetrics(configured, Object.fromEntries(metrics.map((name) => [name, "1"]))).map(({ name }) => name);
  expect(names({}, "lr", "wobble", "fid", "accuracy")).toEqual(["fid", "accuracy", "lr", "wobble"]);
  expect(names({ wobble: "min" }, "lr", "wobble", "fid")).toEqual(["wobble", "fid", "lr"]);
  // Of data the model has not seen before its own; what tells nothing stays behind.
  expect(names({}, "train_loss", "loss", "test/f1", "valLoss", "val_batch")).toEqual([
    "valLoss",
    "test/f1",
    "loss",
    "train_loss",
    "val_batch",
  ]);
  expect(names({ loss: "min" }, "val_loss", "loss")).toEqual(["loss", "val_loss"]);
});
