// The page after an order: its number, and by name.
import { placed } from "./order.js";
import { say } from "./shop-data.js";

const order = placed();
if (order) {
  document.querySelector("[data-reference]").textContent = order.reference;
  document.querySelector("[data-reference-line]").hidden = false;
  document.querySelector("[data-lead]").textContent = say("thanks_to", order);
}
