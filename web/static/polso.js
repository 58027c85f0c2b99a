// What every page has. A page works without it: it only makes a page live.
import { ages } from "./ages.js";
import { charts } from "./charts.js";
import { confirmations } from "./confirm.js";
import { live } from "./live.js";

confirmations();
ages();
charts();
if (document.querySelector("[data-k]")) live(); // nobody is signed in on a page without
