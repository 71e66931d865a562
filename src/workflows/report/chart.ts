/** A metric over the versions, as an SVG that stands alone: no script, no font, readable in light and dark. */
import { shortened } from "../../platform/words.ts";
import { numberOf } from "../../versions/exact-numbers.ts";

export interface ChartPoint {
  version: string;
  /** Exact text. */
  value: string;
}

export interface ChartOptions {
  metric: string;
  /** Arrow beside the metric's name. */
  direction: "max" | "min";
  /** Version that is marked. */
  best: string | null;
}

const [WIDTH, HEIGHT] = [720, 240];
const [RIGHT, TOP, BOTTOM] = [16, 40, 44];
/** Of a character, on average, at this size; a little too much rather than too little. */
const LETTER = 7.2;
const LONGEST_NAME = 14;

interface Point extends ChartPoint {
  left: number;
  /** Null: no number that can be drawn. */
  top: number | null;
}

/** Points in the order given, left to right; values that are no finite number leave a gap. */
export function metricChart(points: readonly ChartPoint[], { metric, direction, best }: ChartOptions): string {
  const numbers = points.map(({ value }) => drawable(numberOf(value)));
  const [low, high] = bounds(numbers.filter((value) => value !== null));
  const ticks = ticksBetween(low, high);
  const edge = Math.ceil(Math.max(...ticks.map(({ label }) => label.length)) * LETTER) + 20;
  const slot = (WIDTH - edge - RIGHT) / Math.max(1, points.length);
  const y = (value: number) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (value - low)) / (high - low);
  const placed = points.map((point, index): Point => {
    const value = numbers[index] ?? null;
    return { ...point, left: edge + slot * (index + 0.5), top: value === null ? null : y(value) };
  });
  const title = `${metric} ${direction === "max" ? "↑" : "↓"}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(title)} over ${points.length} versions" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${edge}" y="20" font-weight="600" fill="#1f2328">${escaped(shortened(title, 48))}</text>`,
    ...ticks.map(
      ({ value, label }) =>
        `<line x1="${edge}" x2="${WIDTH - RIGHT}" y1="${fixed(y(value))}" y2="${fixed(y(value))}" stroke="#d0d7de"/><text x="${edge - 8}" y="${fixed(y(value) + 4)}" text-anchor="end" fill="#59636e">${escaped(label)}</text>`,
    ),
    ...lines(placed),
    ...dots(placed, { metric, best }),
    ...names(placed, slot),
    "</svg>",
    "",
  ].join("\n");
}

/** One for each stretch without a gap. */
function lines(points: readonly Point[]): string[] {
  const stretches: string[][] = [[]];
  for (const { left, top } of points) {
    if (top === null) stretches.push([]);
    else stretches.at(-1)?.push(`${fixed(left)},${fixed(top)}`);
  }
  const drawn = stretches.filter((stretch) => stretch.length > 1);
  const width = points.length > MANY ? 1 : 2;
  return drawn.map((stretch) => `<polyline fill="none" stroke="#0969da" stroke-width="${width}" points="${stretch.join(" ")}"/>`);
}

/** From so many on dots would run into each other. */
const MANY = 80;

/** The best one above the others, and named at the top. */
function dots(points: readonly Point[], { metric, best }: Pick<ChartOptions, "metric" | "best">): string[] {
  const dot = ({ version, value, left, top }: Point, isBest: boolean) =>
    top === null
      ? ""
      : `<circle cx="${fixed(left)}" cy="${fixed(top)}" r="${isBest ? 6 : points.length > MANY ? 1.5 : 4}" fill="${isBest ? GREEN : "#0969da"}"><title>${escaped(`${version}  ${metric}=${value}${isBest ? "  best" : ""}`)}</title></circle>`;
  const winner = points.find(({ version, top }) => version === best && top !== null);
  const said = winner === undefined ? "" : `best ${shortened(winner.version, LONGEST_NAME)}: ${shortened(winner.value, 24)}`;
  return [
    ...points.filter((point) => point !== winner).map((point) => dot(point, false)),
    ...(winner === undefined
      ? []
      : [
          dot(winner, true),
          `<text x="${WIDTH - RIGHT}" y="20" text-anchor="end" font-weight="600" fill="${GREEN}">${escaped(said)}</text>`,
        ]),
  ].filter((line) => line !== "");
}

const GREEN = "#1a7f37";

/** As many as have room. */
function names(points: readonly Point[], slot: number): string[] {
  const texts = points.map(({ version }) => shortened(version, LONGEST_NAME));
  const widest = Math.max(0, ...texts.map(({ length }) => length)) * LETTER;
  const every = Math.max(1, Math.ceil((widest + LETTER) / slot));
  return points.flatMap(({ left }, index) => {
    if (index % every !== 0) return [];
    const text = texts[index] ?? "";
    const x = Math.min(left, WIDTH - 4 - (text.length * LETTER) / 2);
    return [`<text x="${fixed(x)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#59636e">${escaped(text)}</text>`];
  });
}

/** A file that begins as every chart does: it may be replaced by the next one. */
export function isOurChart(text: string): boolean {
  return /^<svg xmlns="[^"]*" viewBox="0 0 720 240" width="720" height="240" role="img" aria-label="[^"]* over \d+ versions"/.test(text);
}

/** Sums of larger ones are no numbers any more. */
const MOST = 1e300;

function drawable(value: number | null): number | null {
  return value !== null && Math.abs(value) <= MOST ? value : null;
}

/** A little room above and below; one value stands in the middle. */
function bounds(values: readonly number[]): [number, number] {
  const low = values.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
  const high = values.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
  if (low > high) return [0, 1];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

interface Tick {
  value: number;
  label: string;
}

/** Round numbers, two to eight of them, all with the same number of digits behind the point. */
function ticksBetween(low: number, high: number): Tick[] {
  const rough = (high - low) / 5;
  const power = Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * 10 ** power).find((one) => one >= rough) ?? rough;
  const from = Math.ceil(low / step);
  const count = Math.floor(high / step) - from + 1;
  // Where numbers have no digits left to be told apart.
  if (!(count >= 1 && count <= 8)) return [{ value: low, label: low.toPrecision(4) }];
  return Array.from({ length: count }, (_, index) => {
    const value = (from + index) * step;
    return { value, label: labelOf(value, step) };
  });
}

function labelOf(value: number, step: number): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (Math.abs(value) < 1e9 && decimals <= 6) return value.toFixed(decimals).replace(/^-(0(?:\.0*)?)$/, "$1");
  if (value === 0) return "0";
  const digits = Math.max(0, Math.min(12, Math.floor(Math.log10(Math.abs(value)) + 1e-9) - Math.floor(Math.log10(step) + 1e-9)));
  return value.toExponential(digits);
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/\p{Cc}/gu, " ").replace(/[&<>"']/g, (one) => entities[one] ?? one);
}
