// Times that run down tick, by the router's clock: <time data-until="2026-11-28T14:05:00Z">4m30s</time>.
import { now } from "./clock.js";

/** @param {number} seconds */
function words(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s}s`;
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-until]")) {
    if (!(time instanceof HTMLElement)) continue;
    const left = (Date.parse(time.dataset.until ?? "") - now()) / 1000;
    if (left > -5) time.textContent = words(left);
    else if (!time.dataset.over) {
      time.dataset.over = "true";
      location.reload(); // it went back, or was confirmed elsewhere
    }
  }
}

setInterval(tick, 1000);
document.addEventListener("polso:renewed", tick); // by one clock: the router's words may be a second ahead
