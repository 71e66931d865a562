/** A metric over the versions, as an SVG that stands alone: no script, no font, readable in light and dark. */
import { metricNumber } from "../../versions/metrics.ts";

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
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 16, 34, 44];
const MOST_LABELS = 12;

/** Points in the order given, left to right; values that are no finite number leave a gap. */
export function metricChart(points: readonly ChartPoint[], { metric, direction, best }: ChartOptions): string {
  const numbers = points.map(({ value }) => drawable(metricNumber(value)));
  const finite = numbers.filter((value) => value !== null);
  const [low, high] = bounds(finite);
  const x = (index: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (index + 0.5)) / Math.max(1, points.length);
  const y = (value: number) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (value - low)) / (high - low);
  const places = numbers.flatMap((value, index) => (value === null ? [] : [{ index, at: [x(index), y(value)] as const }]));
  const every = Math.max(1, Math.ceil(points.length / MOST_LABELS));
  const title = `${metric} ${direction === "max" ? "↑" : "↓"}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(title)} over ${points.length} versions" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="20" font-weight="600" fill="#1f2328">${escaped(title)}</text>`,
    ...[low, (low + high) / 2, high].map(
      (value) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y(value))}" y2="${fixed(y(value))}" stroke="#d0d7de"/><text x="${LEFT - 8}" y="${fixed(y(value) + 4)}" text-anchor="end" fill="#59636e">${tick(value)}</text>`,
    ),
    `<polyline fill="none" stroke="#0969da" stroke-width="2" points="${places.map(({ at: [left, top] }) => `${fixed(left)},${fixed(top)}`).join(" ")}"/>`,
    ...places.map(({ index, at: [left, top] }) => {
      const { version = "", value = "" } = points[index] ?? {};
      const isBest = version === best;
      return `<circle cx="${fixed(left)}" cy="${fixed(top)}" r="${isBest ? 6 : 4}" fill="${isBest ? "#1a7f37" : "#0969da"}"><title>${escaped(`${version}  ${metric}=${value}${isBest ? "  best" : ""}`)}</title></circle>`;
    }),
    ...points.flatMap(({ version }, index) =>
      index % every === 0
        ? [
            `<text x="${fixed(x(index))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#59636e">${escaped(version.slice(0, 12))}</text>`,
          ]
        : [],
    ),
    "</svg>",
    "",
  ].join("\n");
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

function tick(value: number): string {
  return escaped(String(Number(value.toPrecision(4))));
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/\p{Cc}/gu, " ").replace(/[&<>"']/g, (one) => entities[one] ?? one);
}
