// On every page: the number in the basket, the buttons that open the widget, the signed-in customer.
import { count, follow } from "./basket.js";
import { introduce, signedIn } from "./session.js";
import { say } from "./shop-data.js";

const label = document.querySelector("[data-basket-label]");
const badge = document.querySelector("[data-basket-badge]");
const bare = label.textContent;

follow(() => {
  const pieces = count();
  label.textContent = pieces ? say("basket_count", { count: pieces }) : bare;
  badge.textContent = String(pieces);
  badge.hidden = pieces === 0;
});

for (const button of document.querySelectorAll("[data-hub]")) {
  button.addEventListener("click", () => window.ContactHub(button.dataset.hub));
}

if (signedIn()) {
  document.querySelector("[data-account-label]").textContent = say("account_of");
  // The account page introduces the customer itself, to be able to say when that fails.
  if (!document.querySelector("[data-sign-in]")) introduce().catch((error) => console.warn("identify:", error));
}
