// `npm run picture`: plays the demo on a terminal of its own (`script` of util-linux) and draws scenes of it as docs/demo.svg.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const COLUMNS = 112;
/** The last scene that begins so. */
const SCENES = ["expver run", "expver sweep", "expver worktree finish", "expver list"];
const [ADVANCE, LINE, SIZE, MARGIN] = [7.8, 18, 13, 18];
const PAPER = "#16181d";
const INK = "#d7dae0";
const COLOURS = { 31: "#e06c75", 32: "#98c379", 33: "#e5c07b", 34: "#61afef", 35: "#c678dd", 36: "#56b6c2" };

const root = join(import.meta.dirname, "..");
const folder = join(mkdtempSync(join(tmpdir(), "demo-")), "iris");
const lines = scenesOf(record()).flatMap((scene, index) => [...(index === 0 ? [] : [[]]), ...scene.map(spansOf).flatMap(wrapped)]);
writeFileSync(join(root, "docs/demo.svg"), drawing(lines));

/** What the terminal was sent. */
function record() {
  const play = `stty cols ${COLUMNS} rows 50; "${process.execPath}" "${join(root, "dist/main.cjs")}" demo "${folder}"`;
  const { status, stdout } = spawnSync("script", ["-qec", play, "/dev/null"], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw new Error(`the demo failed:\n${stdout}`);
  rmSync(dirname(folder), { recursive: true });
  return stdout.replaceAll("\r\n", "\n");
}

/** Lines of each scene wanted: the remark, the command, its output. */
function scenesOf(text) {
  const scenes = text.split(/\n\n(?=\S*# )/).map((scene) => scene.trimEnd().split("\n"));
  return SCENES.map((wanted) => scenes.findLast(([, command = ""]) => stripVTControlCharacters(command).startsWith(`$ ${wanted}`)));
}

/** Runs of characters of one look, each with the column it begins in. */
function spansOf(line) {
  const spans = [];
  let look = {};
  let column = 0;
  // Between escape characters: the codes of a change of look, then text.
  for (const [index, part] of line.split("\u001b").entries()) {
    const [, codes = "", text = ""] = index === 0 ? [null, undefined, part] : (/^\[([\d;]*)m(.*)$/.exec(part) ?? []);
    for (const code of codes.split(";").filter(Boolean)) look = lookAfter(look, code);
    if (text !== "") spans.push({ text, column, look });
    column += [...text].length;
  }
  return spans;
}

/** A terminal goes on in the next line. */
function wrapped(spans) {
  const characters = spans.flatMap(({ text, column, look }) => [...text].map((text, index) => ({ text, at: column + index, look })));
  const last = characters.at(-1)?.at ?? 0;
  return Array.from({ length: Math.floor(last / COLUMNS) + 1 }, (_, line) => {
    const row = [];
    for (const { text, at, look } of characters.filter(({ at }) => Math.floor(at / COLUMNS) === line)) {
      if (row.at(-1)?.look === look) row.at(-1).text += text;
      else row.push({ text, column: at - line * COLUMNS, look });
    }
    return row;
  });
}

function lookAfter(look, code) {
  if (code === "1") return { ...look, bold: true };
  if (code === "2") return { ...look, dim: true };
  if (code === "22") return { ...look, bold: false, dim: false };
  if (code === "39") return { ...look, colour: undefined };
  return code in COLOURS ? { ...look, colour: COLOURS[code] } : {};
}

function drawing(lines) {
  const widest = Math.max(...lines.map((spans) => spans.reduce((end, { text, column }) => Math.max(end, column + [...text].length), 0)));
  const [width, height] = [Math.ceil(2 * MARGIN + widest * ADVANCE), 2 * MARGIN + lines.length * LINE];
  const texts = lines.flatMap((spans, row) => spans.filter(({ text }) => text.trim() !== "").map((span) => textOf(span, row)));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Scenes of expver demo">
<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${SIZE}" fill="${INK}">
${texts.join("\n")}
</g>
</svg>
`;
}

function textOf({ text: whole, column, look }, row) {
  const text = whole.trimEnd();
  const at = `x="${round(MARGIN + column * ADVANCE)}" y="${MARGIN + row * LINE + SIZE}" textLength="${round([...text].length * ADVANCE)}"`;
  const style = [look.colour && `fill="${look.colour}"`, look.bold && 'font-weight="bold"', look.dim && 'opacity="0.6"'].filter(Boolean);
  return `<text xml:space="preserve" ${[at, ...style].join(" ")}>${escaped(text)}</text>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function round(value) {
  return Math.round(value * 10) / 10;
}
