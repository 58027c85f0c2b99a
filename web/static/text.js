// The page of the document's text: line numbers beside it, where the cursor is, links that lead to a mistake, and a word before what was
// written is left behind. Without it the page is the same text in a plain field.

const field = /** @type {HTMLTextAreaElement|null} */ (document.querySelector("textarea#text"));
if (field) {
  numbers(field);
  position(field);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[data-line]");
    if (link instanceof HTMLElement) {
      event.preventDefault();
      select(field, Number(link.dataset.line), Number(link.dataset.column), Number(link.dataset.width));
    }
  });
  unsaved(field);
}

/**
 * Select a place of the text and bring it into sight.
 * @param {HTMLTextAreaElement} field
 * @param {number} line from 1
 * @param {number} column from 1, in characters
 * @param {number} width in characters
 */
function select(field, line, column, width) {
  const text = field.value;
  let from = 0;
  for (let n = 1; n < line; n++) {
    const end = text.indexOf("\n", from);
    if (end < 0) break;
    from = end + 1;
  }
  const end = text.indexOf("\n", from);
  const chars = Array.from(text.slice(from, end < 0 ? text.length : end));
  const units = (/** @type {number} */ n) => chars.slice(0, n).join("").length;
  field.focus();
  field.setSelectionRange(from + units(column - 1), from + units(column - 1 + width));
  field.scrollTop = Math.max(0, (line - 4) * lineHeight(field));
  field.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLTextAreaElement} field */
function lineHeight(field) {
  return parseFloat(getComputedStyle(field).lineHeight) || 18;
}

/**
 * Numbers beside the lines that are in sight. They are for eyes alone; who listens has the line in the output below.
 * @param {HTMLTextAreaElement} field
 */
function numbers(field) {
  const gutter = document.createElement("div");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  const inner = document.createElement("div");
  gutter.append(inner);
  field.before(gutter);
  let asked = false;
  const draw = () => {
    asked = false;
    const height = lineHeight(field);
    const first = Math.floor(field.scrollTop / height);
    const count = Math.ceil(field.clientHeight / height) + 1;
    inner.textContent = Array.from({ length: count }, (_, i) => first + i + 1).join("\n");
    inner.style.transform = `translateY(${first * height - field.scrollTop}px)`;
  };
  const ask = () => {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  };
  field.addEventListener("scroll", ask, { passive: true });
  new ResizeObserver(ask).observe(field);
  draw();
}

/**
 * Say in which line and column the cursor is.
 * @param {HTMLTextAreaElement} field
 */
function position(field) {
  const output = document.querySelector("output.position");
  if (!(output instanceof HTMLOutputElement)) return;
  output.hidden = false;
  output.setAttribute("aria-live", "off"); // it would be said at every key
  let asked = 0;
  const tell = () => {
    clearTimeout(asked);
    asked = setTimeout(() => {
      const before = field.value.slice(0, field.selectionStart);
      const start = before.lastIndexOf("\n") + 1;
      let line = 1;
      for (let at = before.indexOf("\n"); at >= 0; at = before.indexOf("\n", at + 1)) line++;
      output.value = `line ${line}, column ${Array.from(before.slice(start)).length + 1}`;
    }, 50);
  };
  document.addEventListener("selectionchange", tell);
  field.addEventListener("input", tell);
  tell();
}

/**
 * Ask before a text that was written on is left behind.
 * @param {HTMLTextAreaElement} field
 */
function unsaved(field) {
  let sent = false;
  field.form?.addEventListener("submit", () => {
    sent = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!sent && field.value !== field.defaultValue) event.preventDefault();
  });
}
