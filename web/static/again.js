// A page that says that this router cannot answer just now asks until it can, and is then the page that was wanted.
import { others } from "./others.js";

const pause = 2000; // ms between two questions

/** @param {Element} place */
export function again(place) {
  const line = place.querySelector("[role=status]");
  if (line) line.textContent = "This page asks again by itself.";
  const routers = place.querySelector("[data-routers]");
  if (routers && !routers.childElementCount) {
    const links = others();
    if (links.length) routers.replaceChildren("The other routers: ", ...links.flatMap((l, i) => (i ? [", ", l] : [l])));
  }
  const ask = async () => {
    try {
      const answer = await fetch(location.href, { method: "HEAD", signal: AbortSignal.timeout(10000) });
      if (answer.status < 500) {
        location.reload();
        return;
      }
    } catch {
      // it is being started anew
    }
    setTimeout(ask, pause);
  };
  setTimeout(ask, pause);
}
