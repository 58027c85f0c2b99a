// A page is made anew where it stands: it is fetched, and its <main> and its line about the cluster are put in. Focus, scroll, what is folded
// out and what was done stay. A form that somebody has begun to fill in is never taken away.

/** @typedef {"renewed"|"edited"|"signed out"|"failed"} Outcome */

/**
 * Make the page anew.
 * @returns {Promise<Outcome>}
 */
export async function renew() {
  if (edited()) return "edited";
  let answer, text;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    text = await answer.text();
  } catch {
    return "failed";
  }
  if (new URL(answer.url).pathname === "/sign-in") return "signed out";
  if (!answer.ok) return "failed";
  if (edited()) return "edited"; // meanwhile
  const page = new DOMParser().parseFromString(text, "text/html");
  const keep = remember();
  for (const part of [".frame", "main"]) {
    const from = page.querySelector(part);
    const to = document.querySelector(part);
    if (from && to) to.replaceChildren(...Array.from(from.childNodes, (n) => document.importNode(n, true)));
  }
  document.title = page.title;
  keep();
  return "renewed";
}

/** Whether somebody has begun to fill in a form, or has text open that is written on with a script of its own. */
function edited() {
  if (document.querySelector("main [data-unsaved]")) return true;
  for (const field of document.querySelectorAll("main input, main textarea, main select")) {
    if (field instanceof HTMLInputElement) {
      if (field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked : field.type !== "hidden" && field.value !== field.defaultValue) return true;
    } else if (field instanceof HTMLTextAreaElement) {
      if (field.value !== field.defaultValue) return true;
    } else if (field instanceof HTMLSelectElement) {
      const chosen = Array.from(field.options, (o) => o.defaultSelected);
      if (chosen.includes(true) ? Array.from(field.options).some((o) => o.selected !== o.defaultSelected) : field.selectedIndex > 0) return true;
    }
  }
  return false;
}

/** Remember how the page is looked at; what is returned puts it back. */
function remember() {
  const focus = document.activeElement instanceof HTMLElement && document.activeElement !== document.body ? placeOf(document.activeElement) : null;
  const open = new Set(Array.from(document.querySelectorAll("main details[open]"), foldName));
  const done = document.querySelector("main > .done");
  const charts = new Map(Array.from(document.querySelectorAll("main [data-chart]"), (c) => [c.getAttribute("data-chart"), c]));
  const { scrollX, scrollY } = window;
  return () => {
    for (const fold of document.querySelectorAll("main details")) {
      if (fold instanceof HTMLDetailsElement && open.has(foldName(fold))) fold.open = true;
    }
    for (const chart of document.querySelectorAll("main [data-chart]")) {
      const drawn = charts.get(chart.getAttribute("data-chart"));
      if (drawn) chart.replaceWith(drawn);
    }
    if (done && !document.querySelector("main > .done")) document.querySelector("main")?.prepend(done);
    const again = focus?.();
    if (again instanceof HTMLElement && again !== document.activeElement) again.focus({ preventScroll: true });
    window.scrollTo({ left: scrollX, top: scrollY, behavior: "instant" });
  };
}

/**
 * A fold by the words that open it, without the numbers in them, which may change.
 * @param {Element} fold
 */
function foldName(fold) {
  return (fold.querySelector("summary")?.textContent ?? "").replace(/\d+/g, "#").trim() + "|" + (fold.closest("[id]")?.id ?? "");
}

/**
 * How an element is found again after the page was made anew.
 * @param {HTMLElement} element
 * @returns {() => Element|null|undefined}
 */
function placeOf(element) {
  if (!element.closest("main, .frame")) return () => element; // it stays
  if (element.id) return () => document.getElementById(element.id);
  const tag = element.tagName.toLowerCase();
  const text = element.textContent?.trim() ?? "";
  const href = element.getAttribute("href");
  const name = element.getAttribute("name");
  const like = (/** @type {Element} */ e) => e.getAttribute("href") === href && e.getAttribute("name") === name && (tag === "input" || (e.textContent?.trim() ?? "") === text);
  const at = Array.from(document.querySelectorAll(tag)).filter(like).indexOf(element);
  return () => Array.from(document.querySelectorAll(tag)).filter(like)[at] ?? document.querySelector("main");
}
