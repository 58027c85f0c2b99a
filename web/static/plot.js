// One plot: two lines over time, drawn by uPlot, which is loaded with the first.
import { words } from "./charts.js";

/** @typedef {import("./charts.js").Line} Line */
/** @typedef {import("./charts.js").Rates} Rates */

const colours = ["--link", "--warn"];
const dashes = [[], [6, 4]];
const height = 180;

/** @type {Promise<any>|undefined} */
let library;

function load() {
  if (!library) {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "/static/vendor/uPlot.min.css";
    document.head.append(style);
    const module = "/static/vendor/uPlot.esm.js";
    library = import(module).then((m) => m.default);
  }
  return library;
}

/**
 * Be told when light turns to dark: a canvas does not follow by itself.
 * @param {() => void} redraw
 */
export function restyled(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

/**
 * A plot of two lines, without data yet.
 * @param {Line[]} lines
 */
export function plot(lines) {
  const element = document.createElement("div");
  element.className = "plot";
  element.tabIndex = 0;
  element.setAttribute("role", "img");
  const legend = document.createElement("p");
  legend.className = "legend";
  const whole = document.createElement("div");
  whole.append(legend, element);

  /** @type {any} */
  let chart;
  /** @type {any} */
  let dark;
  /** @type {Rates|undefined} */
  let rates;
  let at = -1; // the row that is read; -1: the newest

  const tell = () => {
    if (!rates) return;
    const row = at < 0 ? rates.times.length - 1 : Math.min(at, rates.times.length - 1);
    const when = at < 0 || row < 0 ? "now" : new Date(rates.times[row] * 1000).toLocaleTimeString();
    const parts = lines.map((l, i) => {
      const n = row < 0 ? null : rates?.[l.column][row];
      return `${l.label} (${i ? "dashed" : "solid"}${!l.unit ? (i ? ", right" : ", left") : ""}): ${words(typeof n === "number" ? n * l.times : null, l.unit)}`;
    });
    legend.replaceChildren(...[when, ...parts].map((text) => {
      const span = document.createElement("span");
      span.textContent = text;
      return span;
    }));
    element.setAttribute("aria-label", `Chart. ${when}: ${parts.join(", ")}. Arrow keys read other times.`);
  };

  element.addEventListener("keydown", (event) => {
    if (!rates?.times.length || !chart) return;
    const last = rates.times.length - 1;
    const step = Math.max(1, Math.round(last / 60));
    const from = at < 0 ? last : at;
    const to = { ArrowLeft: from - step, ArrowRight: from + step, Home: 0, End: last, Escape: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    at = to < 0 && event.key === "Escape" ? -1 : Math.min(last, Math.max(0, to));
    chart.setCursor({ left: at < 0 ? -10 : chart.valToPos(rates.times[at], "x"), top: height / 3 });
    tell();
  });
  new ResizeObserver(() => chart?.setSize({ width: element.clientWidth, height })).observe(element);

  /** @param {Rates} next */
  const show = async (next) => {
    rates = next;
    const uPlot = await load();
    const data = [rates.times, ...lines.map((l) => (rates?.[l.column] ?? []).map((n) => (n === null ? null : n * l.times)))];
    const now = matchMedia("(prefers-color-scheme: dark)").matches;
    if (chart && dark === now) {
      chart.setData(data);
    } else {
      chart?.destroy();
      dark = now;
      chart = new uPlot(options(lines, element.clientWidth, (/** @type {number|null|undefined} */ row) => {
        at = row ?? -1;
        tell();
      }), data, element);
    }
    tell();
  };
  return { element: whole, show };
}

/**
 * @param {Line[]} lines
 * @param {number} width
 * @param {(row: number|null|undefined) => void} read is told which row the pointer is at
 */
function options(lines, width, read) {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const shared = lines[0].unit !== ""; // both are of one kind, and have one scale
  const scale = (/** @type {number} */ i) => (shared || i === 0 ? "y" : "y2");
  const axis = { stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const range = (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, Math.max(most || 0, 1) * 1.05];
  const values = (/** @type {any} */ _, /** @type {number[]} */ ticks) => ticks.map((n) => words(n, lines[0].unit));
  return {
    width, height, legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range }, y2: { range } },
    axes: [axis, { ...axis, scale: "y", size: 76, values }, ...(shared ? [] : [{ ...axis, scale: "y2", side: 1, size: 76, values, grid: { show: false } }])],
    series: [{}, ...lines.map((l, i) => ({ label: l.label, scale: scale(i), stroke: colour(colours[i]), width: 1.5, dash: dashes[i], spanGaps: false, points: { show: false } }))],
    hooks: { setCursor: [(/** @type {any} */ u) => read(u.cursor.left < 0 ? null : u.cursor.idx)] },
  };
}
