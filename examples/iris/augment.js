// Adds to data/train.csv, for every flower, the same flower measured a little differently. Deterministic.
import { readFileSync, writeFileSync } from "node:fs";

const [heading, ...flowers] = readFileSync("data/train.csv", "utf8").trim().split("\n");
let state = 1;

const again = flowers.map((flower) => {
  const cells = flower.split(",");
  return [...cells.slice(0, -1).map((cell) => (Number(cell) + error()).toFixed(2)), cells.at(-1)].join(",");
});
writeFileSync("data/train.csv", `${[heading, ...flowers, ...again].join("\n")}\n`);
console.log(`${flowers.length} flowers are ${flowers.length + again.length} now`);

/** Between -0.1 and 0.1 cm, from a multiplicative congruential generator. */
function error() {
  state = (state * 16807) % 2147483647;
  return (state / 2147483647 - 0.5) / 5;
}
