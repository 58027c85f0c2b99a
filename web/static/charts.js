// Charts of an hour and of a day: <figure data-chart="web">, of all virtuals without a name. Each has its figures in a table beside it, and
// is read by the arrow keys too. Lines differ by colour and by dash.
import { plot, restyled } from "./plot.js";

/** @typedef {(number|null)[]} Column */
/** @typedef {{node: string, step_seconds: number, times: number[], connections_per_second: Column, active_connections: Column, bytes_in_per_second: Column, bytes_out_per_second: Column}} Rates */
/** @typedef {{label: string, unit: string, column: "connections_per_second"|"active_connections"|"bytes_in_per_second"|"bytes_out_per_second", times: number}} Line */

const spans = { hour: { label: "One hour", seconds: 3600, every: 5000 }, day: { label: "One day", seconds: 86400, every: 60000 } };

/** @type {Line[][]} */
const plots = [
  [{ label: "Connections a second", unit: "", column: "connections_per_second", times: 1 }, { label: "Active connections", unit: "", column: "active_connections", times: 1 }],
  [{ label: "In", unit: "b/s", column: "bytes_in_per_second", times: 8 }, { label: "Out", unit: "b/s", column: "bytes_out_per_second", times: 8 }],
];

/** @type {WeakSet<Element>} */
const drawn = new WeakSet();

/** Draw the page's charts, those that come later too. */
export function charts() {
  const all = () => {
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      if (figure instanceof HTMLElement && !drawn.has(figure)) {
        drawn.add(figure);
        draw(figure).catch((err) => note(figure, `The chart cannot be drawn: ${err.message}`));
      }
    }
  };
  all();
  document.addEventListener("polso:renewed", all);
}

/** @param {HTMLElement} figure */
async function draw(figure) {
  /** @type {keyof typeof spans} */
  let span = "hour";
  /** @type {Rates|undefined} */
  let rates;
  const buttons = document.createElement("p");
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-label", "Time that is shown");
  for (const [name, { label }] of Object.entries(spans)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-pressed", String(name === span));
    button.addEventListener("click", () => {
      span = name === "day" ? "day" : "hour";
      for (const b of buttons.children) b.setAttribute("aria-pressed", String(b === button));
      rates = undefined;
      refresh();
    });
    buttons.append(button, " ");
  }
  const views = plots.map((lines) => plot(lines));
  const fold = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "The same in figures";
  fold.append(summary);
  fold.addEventListener("toggle", () => fold.open && rates && tabulate(fold, rates));
  figure.append(buttons, ...views.map((v) => v.element), fold);

  const refresh = async () => {
    const asked = span;
    const since = rates?.times.at(-1) ?? 0;
    const query = new URLSearchParams({ virtual: figure.dataset.chart ?? "", span: asked, since: String(since) });
    const answer = await fetch(`/v1/rates?${query}`);
    const said = await answer.json();
    if (!answer.ok) return note(figure, said.title ?? `the router answers ${answer.status}`);
    if (asked !== span) return;
    if (rates && rates.node !== said.node) { // another directs, and has counted by itself
      rates = undefined;
      return refresh();
    }
    rates = rates ? joined(rates, said, spans[span].seconds) : said;
    if (!rates) return;
    note(figure, rates.times.length ? `Counted by ${rates.node}, which remembers since its agent runs.` : `${rates.node} has counted nothing yet.`);
    const now = rates;
    await Promise.all(views.map((v) => v.show(now)));
    if (fold.open && !fold.querySelector("table")) tabulate(fold, rates);
  };
  const turn = async () => {
    if (figure.isConnected && !document.hidden) await refresh().catch(() => {}); // the line above the page tells of a router that is gone
    setTimeout(turn, spans[span].every);
  };
  restyled(() => rates && views.forEach((v) => rates && v.show(rates)));
  await refresh();
  setTimeout(turn, spans[span].every);
}

/**
 * @param {HTMLElement} figure
 * @param {string} text
 */
function note(figure, text) {
  let line = figure.querySelector("p.note");
  if (!line) {
    line = document.createElement("p");
    line.className = "note";
    figure.append(line);
  }
  if (line.textContent !== text) line.textContent = text;
}

/**
 * What there was with what has come, no older than the span.
 * @param {Rates} had
 * @param {Rates} more
 * @param {number} seconds
 * @returns {Rates}
 */
function joined(had, more, seconds) {
  const from = had.times.findIndex((t) => t > (more.times.at(-1) ?? 0) - seconds);
  const join = (/** @type {Column} */ a, /** @type {Column} */ b) => a.slice(Math.max(0, from)).concat(b ?? []);
  return {
    node: more.node, step_seconds: had.step_seconds, times: had.times.slice(Math.max(0, from)).concat(more.times),
    connections_per_second: join(had.connections_per_second, more.connections_per_second), active_connections: join(had.active_connections, more.active_connections),
    bytes_in_per_second: join(had.bytes_in_per_second, more.bytes_in_per_second), bytes_out_per_second: join(had.bytes_out_per_second, more.bytes_out_per_second),
  };
}

/**
 * A number as people read it, as the pages have it.
 * @param {number|null|undefined} n
 * @param {string} [unit]
 */
export function words(n, unit = "") {
  if (n === null || n === undefined) return "–";
  const prefixes = ["", "k", "M", "G", "T"];
  let i = 0;
  for (; n >= 999.5 && i < prefixes.length - 1; i++) n /= 1000;
  const digits = n.toFixed(n >= 100 || Number.isInteger(n) ? 0 : 1);
  return unit ? `${digits} ${prefixes[i]}${unit}` : digits + prefixes[i];
}

/**
 * The table of a chart: at most sixty rows, each the mean of its time.
 * @param {HTMLElement} fold
 * @param {Rates} rates
 */
function tabulate(fold, rates) {
  const lines = plots.flat();
  const table = document.createElement("table");
  table.createCaption().textContent = `As of ${new Date().toLocaleTimeString()}; each row is a mean`;
  const head = table.createTHead().insertRow();
  for (const label of ["From", ...lines.map((l) => l.label)]) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = label;
    head.append(th);
  }
  const body = table.createTBody();
  const size = Math.max(1, Math.ceil(rates.times.length / 60));
  for (let from = Math.max(0, Math.floor((rates.times.length - 1) / size) * size); from >= 0; from -= size) {
    if (!rates.times.length) break;
    const row = body.insertRow();
    const th = document.createElement("th");
    th.scope = "row";
    th.textContent = new Date(rates.times[from] * 1000).toLocaleTimeString();
    row.append(th);
    for (const { column, times, unit } of lines) {
      const known = rates[column].slice(from, from + size).filter((n) => n !== null);
      const cell = row.insertCell();
      cell.className = "number";
      cell.textContent = words(known.length ? (times * known.reduce((a, b) => a + b, 0)) / known.length : null, unit);
    }
  }
  fold.querySelector("table")?.remove();
  fold.append(table);
}
