// What every page has. A page works without it: it only makes a page live.
import { again } from "./again.js";
import { ages } from "./ages.js";
import { charts } from "./charts.js";
import { live } from "./live.js";

ages();
charts();
if (document.querySelector("[data-k]")) live(); // nobody is signed in on a page without
const waits = document.querySelector("[data-again]");
if (waits) again(waits);
