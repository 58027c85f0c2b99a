// A field that searches all pages. Without this script the site is whole, and has no field.
// The index is loaded as a script when the field is first used: pages that are opened as files may fetch nothing else.
const root = document.currentScript.dataset.root;
const most = 12;
let index = null;
let look = () => {};

window.polsoIndex = list => {
  index = list.map(([page, heading, href, text]) => ({page, heading, href, text, low: text.toLowerCase(), head: `${page} ${heading}`.toLowerCase()}));
  look();
};

// rank is how well a part answers: the words in its headings count most; -1 where one is missing altogether.
function rank(part, words) {
  let sum = 0;
  for (const word of words) {
    if (part.head.includes(word)) sum += 10;
    else if (part.low.includes(word)) sum += 1;
    else return -1;
  }
  return sum;
}

// around is the text beside the first of the words.
function around(part, words) {
  const at = Math.max(0, Math.min(...words.map(w => part.low.indexOf(w)).filter(i => i >= 0).concat(part.text.length)) - 50);
  return (at > 0 ? "… " : "") + part.text.slice(at, at + 140) + (at + 140 < part.text.length ? " …" : "");
}

function element(name, attributes = {}, ...inside) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...inside);
  return e;
}

const field = element("input", {type: "search", id: "search", autocomplete: "off", placeholder: "Search"});
const count = element("p", {role: "status", class: "soft"});
const list = element("ol");
const found = element("div", {class: "found", hidden: ""}, count, list);
const form = element("form", {role: "search"}, element("label", {for: "search", class: "unseen"}, "Search all pages"), field, found);
document.querySelector(".top").append(form);

look = () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.hidden = words.length === 0 || index === null;
  if (found.hidden) return;
  const hits = index.map(part => ({part, rank: rank(part, words)})).filter(h => h.rank >= 0).sort((a, b) => b.rank - a.rank);
  count.textContent = hits.length === 0 ? "Nothing has all of these words." : hits.length > most ? `The first ${most} of ${hits.length}` : `${hits.length} found`;
  list.replaceChildren(...hits.slice(0, most).map(({part}) => element("li", {},
    element("a", {href: root + part.href}, part.heading === part.page ? part.page : `${part.page}: ${part.heading}`),
    element("p", {class: "soft"}, around(part, words)))));
};

// load fetches the index, the first time that it may be needed.
let load = () => {
  load = () => {};
  document.head.append(element("script", {src: root + "static/index.js"}));
};
field.addEventListener("focus", () => load());
field.addEventListener("input", () => {
  load();
  look();
});
form.addEventListener("submit", event => {
  event.preventDefault();
  list.querySelector("a")?.click();
});
form.addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  field.value = "";
  field.focus();
  look();
});
