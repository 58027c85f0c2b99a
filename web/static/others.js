// The other routers, as this one told of them last: what is left to go to when it can tell no more.

/** @typedef {{name: string, urls: string[]}} Router */

const key = "polso.routers";

/** @param {Router[]} routers */
export function rememberOthers(routers) {
  try {
    sessionStorage.setItem(key, JSON.stringify(routers));
  } catch {
    // a browser may keep nothing
  }
}

/**
 * Links to the page that is shown, at the others.
 * @returns {HTMLAnchorElement[]}
 */
export function others() {
  /** @type {Router[]} */
  let routers = [];
  try {
    routers = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  } catch {
    // there are none
  }
  return linksTo(routers);
}

/**
 * @param {Router[]} routers
 * @returns {HTMLAnchorElement[]}
 */
export function linksTo(routers) {
  const page = location.pathname + location.search;
  return routers.flatMap((r) => r.urls.map((url, i) => {
    const a = document.createElement("a");
    a.textContent = i ? `${r.name} (${new URL(url).hostname})` : r.name;
    a.href = url + page;
    return a;
  }));
}
