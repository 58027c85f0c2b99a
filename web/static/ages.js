// Ages tick: <time data-since="2026-11-28T14:00:00Z">4m30s</time>.
import { now } from "./clock.js";

/**
 * An age as people say it, as the pages have it.
 * @param {number} seconds
 */
function age(seconds) {
  const s = Math.max(0, seconds);
  const two = (/** @type {number} */ n) => String(Math.floor(n)).padStart(2, "0");
  if (s < 60) return `${Math.floor(s)}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${two((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86400)}d`;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-since]")) {
    const since = Date.parse(time.getAttribute("data-since") ?? "");
    if (Number.isNaN(since)) continue;
    const text = age((now() - since) / 1000);
    if (time.textContent !== text) time.textContent = text; // what is selected in it stays so
  }
}

/** Have the page's ages tick, those that come later too. They are by the router's clock, whatever this machine's says. */
export function ages() {
  setInterval(tick, 1000);
  document.addEventListener("polso:renewed", tick); // by one clock: the router's words may be a second ahead
}
