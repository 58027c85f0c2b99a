// The page follows its router: values as they change, the page anew when its shape changes. When the router is gone the page says so at
// once, tries again by itself, and offers the others.
import { linksTo, others, rememberOthers } from "./others.js";
import { renew } from "./renew.js";
import { learn, shown, write } from "./values.js";

const silence = 4500; // ms without a word, of a router that says at least every two seconds that it is there
const offerAfter = 3000; // ms until the others are offered

/** Have the page be live. */
export function live() {
  learn();
  const line = statusLine();
  /** @type {import("./others.js").Router[]} */
  let routers = [];
  let shape = "";
  let node = "this router";
  let failures = 0;
  let lostAt = 0;
  let stale = false; // the page is to be made anew
  /** @type {EventSource|undefined} */
  let source;
  let watch = 0;
  let opened = ""; // the stream's address

  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(lost, silence);
    if (!lostAt) return;
    lostAt = failures = 0;
    line.say("");
    line.brief("The connection is back.");
  };

  const renewed = async () => {
    stale = false;
    switch (await renew()) {
      case "renewed":
        learn();
        document.dispatchEvent(new CustomEvent("polso:renewed"));
        if (address() !== opened) { // it shows other virtuals now
          source?.close();
          shape = "";
          open();
        }
        break;
      case "edited":
        line.say("The page has changed meanwhile; what you have written is kept.", reloadButton());
        break;
      case "signed out":
        source?.close();
        clearTimeout(watch);
        line.say("You are signed out.", link("Sign in", "/sign-in?to=" + encodeURIComponent(location.pathname + location.search)));
        break;
      case "failed":
        stale = true; // until the router can
    }
  };

  const open = () => {
    opened = address();
    source = new EventSource(opened);
    source.addEventListener("hello", (event) => {
      const said = JSON.parse(event.data);
      heard();
      ({ routers, node } = said);
      rememberOthers(routers);
      if (shape && said.shape !== shape) stale = true;
      shape = said.shape;
    });
    source.addEventListener("values", (event) => {
      heard();
      /** @type {Record<string, string>} */
      const values = JSON.parse(event.data);
      const had = shown("revision");
      if (values.revision && had && had !== values.revision) stale = true; // it was older than the stream when it came
      write(values);
      if (stale) renewed();
    });
    source.addEventListener("reload", (event) => {
      heard();
      shape = JSON.parse(event.data);
      renewed();
    });
    source.addEventListener("beat", () => {
      heard();
      if (stale) renewed();
    });
    source.addEventListener("again", () => {
      source?.close();
      open();
    });
    source.addEventListener("error", lost);
  };

  const lost = () => {
    source?.close();
    clearTimeout(watch);
    if (!lostAt) {
      lostAt = Date.now();
      stale = true; // who knows what it missed
      line.say(`The connection to ${node} is lost; what you see is as it was ${clock(lostAt)}. Trying again.`);
      setTimeout(offer, offerAfter);
    }
    failures++;
    const wait = Math.min(15000, 500 * 2 ** Math.min(failures, 5)) * (0.75 + Math.random() / 2);
    setTimeout(again, wait);
  };

  /** Ask first whether somebody is signed in: a stream does not tell. */
  const again = async () => {
    try {
      const answer = await fetch(location.href, { method: "HEAD", signal: AbortSignal.timeout(4000) });
      if (new URL(answer.url).pathname === "/sign-in") {
        await renewed();
        return;
      }
    } catch {
      lost();
      return;
    }
    open();
  };

  const offer = () => {
    const links = routers.length ? linksTo(routers) : others(); // a page that was never told knows what the one before was
    if (!lostAt || !links.length) return;
    line.say(`The connection to ${node} is lost since ${clock(lostAt)}; trying again. The other routers:`, ...links);
  };

  open();
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && open());
}

/** Where the page hears of what it shows: its own address, and the names of what it chose. */
function address() {
  const table = document.querySelector("[data-names]");
  const names = table instanceof HTMLElement ? table.dataset.names : "";
  return "/live?page=" + encodeURIComponent(location.pathname + location.search) + (names ? "&" + names : "");
}

/** @param {number} at */
function clock(at) {
  return new Date(at).toLocaleTimeString();
}

/**
 * @param {string} text
 * @param {string} to
 */
function link(text, to) {
  const a = document.createElement("a");
  a.textContent = text;
  a.href = to;
  return a;
}

function reloadButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Reload";
  button.addEventListener("click", () => location.reload());
  return button;
}

/** The line above the page that says how live it is; empty while all is well. It is there before it says anything, so that it is heard. */
function statusLine() {
  const line = document.createElement("p");
  line.id = "live";
  line.setAttribute("role", "status");
  document.querySelector("main")?.before(line);
  let fade = 0;
  const say = (/** @type {string} */ text, /** @type {Node[]} */ ...more) => {
    clearTimeout(fade);
    line.replaceChildren(...(text ? [text, ...more] : []));
  };
  const brief = (/** @type {string} */ text) => {
    say(text);
    fade = setTimeout(say, 3000, "");
  };
  return { say, brief };
}
