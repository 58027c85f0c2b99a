// The values of a page that change by themselves: <td data-k="v/web/cps">1.2k</td>.

/** @type {Map<string, HTMLElement[]>} */
let places = new Map();

/** Learn the page's places anew, after it was loaded or made anew. */
export function learn() {
  places = new Map();
  for (const element of document.querySelectorAll("[data-k]")) {
    if (!(element instanceof HTMLElement)) continue;
    const key = element.dataset.k ?? "";
    places.set(key, [...(places.get(key) ?? []), element]);
  }
}

/**
 * Write what differs.
 * @param {Record<string, string>} values by key; a state is its style, its symbol and its word
 */
export function write(values) {
  for (const [key, text] of Object.entries(values)) {
    for (const element of places.get(key) ?? []) {
      const state = element.matches(".state") ? element : element.querySelector(".state");
      if (state) writeState(state, text);
      else if (element.textContent !== text) element.textContent = text;
    }
  }
}

/**
 * @param {Element} element
 * @param {string} text
 */
function writeState(element, text) {
  const [style, symbol, ...word] = text.split(" ");
  const sign = document.createElement("span");
  sign.setAttribute("aria-hidden", "true");
  sign.textContent = symbol;
  element.className = `state ${style}`;
  element.replaceChildren(sign, ` ${word.join(" ")}`);
}

/**
 * What the page has for a key; undefined if it has no such place.
 * @param {string} key
 */
export function shown(key) {
  return places.get(key)?.[0]?.textContent?.trim();
}
