// What time it is by the router's clock, whatever this machine's says: the page brought it along.

const said = Date.parse(document.documentElement.dataset.now ?? "");
const ahead = Number.isNaN(said) ? 0 : Date.now() - said;

/** Milliseconds since 1970. */
export const now = () => Date.now() - ahead;
