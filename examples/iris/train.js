// Softmax regression by gradient descent, written out: reads data/train.csv and data/test.csv, writes models/model.json and metrics.json.
// Deterministic: it starts from zero weights and looks at every row in each step.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    lr: { type: "string", default: "0.1" },
    l2: { type: "string", default: "0" },
    epochs: { type: "string", default: "200" },
  },
});
const [lr, l2, epochs] = [Number(values.lr), Number(values.l2), Number(values.epochs)];

const train = readTable("data/train.csv");
const test = readTable("data/test.csv");
const classes = [...new Set(train.map(({ label }) => label))].sort();
const scale = scaleOf(train.map(({ features }) => features));
const weights = classes.map(() => new Array(scale.length + 1).fill(0));

for (let epoch = 1; epoch <= epochs; epoch++) {
  const loss = step();
  if (epoch % Math.max(1, Math.floor(epochs / 4)) === 0) console.log(`epoch ${epoch}  loss ${loss.toFixed(4)}`);
}

const right = test.filter(({ features, label }) => classes[largest(probabilities(features))] === label).length;
const metrics = { accuracy: right / test.length, loss: lossOf(test) };
console.log(`accuracy ${metrics.accuracy.toFixed(4)}  (${right} of ${test.length} test flowers)`);

mkdirSync("models", { recursive: true });
writeFileSync("models/model.json", `${JSON.stringify({ classes, scale, weights }, null, 2)}\n`);
writeFileSync("metrics.json", `${JSON.stringify(metrics, null, 2)}\n`);

/** One step downhill on the whole table; answers the loss before it. */
function step() {
  const slopes = weights.map((row) => row.map((weight) => l2 * weight));
  for (const { features, label } of train) {
    const given = [1, ...standardised(features)];
    for (const [index, probability] of probabilities(features).entries()) {
      const error = probability - (classes[index] === label ? 1 : 0);
      for (const [column, value] of given.entries()) slopes[index][column] += (error * value) / train.length;
    }
  }
  const loss = lossOf(train);
  for (const [index, row] of slopes.entries()) for (const [column, slope] of row.entries()) weights[index][column] -= lr * slope;
  return loss;
}

function probabilities(features) {
  const given = [1, ...standardised(features)];
  const scores = weights.map((row) => row.reduce((sum, weight, column) => sum + weight * given[column], 0));
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function lossOf(rows) {
  return rows.reduce((sum, { features, label }) => sum - Math.log(probabilities(features)[classes.indexOf(label)]), 0) / rows.length;
}

function scaleOf(rows) {
  return rows[0].map((_, column) => {
    const values = rows.map((row) => row[column]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    return { mean, spread };
  });
}

function standardised(features) {
  return features.map((value, column) => (value - scale[column].mean) / scale[column].spread);
}

function largest(values) {
  return values.indexOf(Math.max(...values));
}

function readTable(path) {
  const [, ...lines] = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => {
    const cells = line.split(",");
    return { features: cells.slice(0, -1).map(Number), label: cells.at(-1) };
  });
}
