// What every page has. A page works without it: it only makes a page live.
