// The last look at an order before it is placed.
import { empty, follow } from "./basket.js";
import { draft, place } from "./order.js";
import { home, money, say, shop } from "./shop-data.js";
import { showSummary, sums } from "./totals.js";

const form = document.querySelector("[data-confirm]");
const aside = document.querySelector("[data-summary]");
const pay = document.querySelector("[data-pay]");
const { fields, ready, card } = draft();

function fact(name, ...rows) {
  const shown = rows.filter((row) => row.trim() !== "").flatMap((row) => [row, document.createElement("br")]);
  form.querySelector(`[data-fact="${name}"]`).replaceChildren(...shown.slice(0, -1));
}

function showFacts() {
  const name = [fields.title, fields["given-name"], fields["family-name"]].filter(Boolean).join(" ");
  const street = [`${fields.street} ${fields.number}`, fields.floor].filter(Boolean).join(", ");
  const place = `${fields.postcode} ${fields.city}`;
  fact("contact", fields.email, fields.phone);
  fact("address", name, fields.company, street, place, shop.countries[fields.country]);
  fact("delivery", shop.deliveries[fields.delivery].name, fields.gift && say("gift_text", { text: fields.gift }));
  fact("card", say("card_ending", { digits: card }));
  fact("note", fields.note);
  form.querySelector("[data-note]").hidden = fields.note === "";
}

form.hidden = !ready;
document.querySelector("[data-missing]").hidden = ready;
if (ready) showFacts();

follow(() => {
  const delivery = ready ? fields.delivery : "dhl";
  const any = showSummary(aside, delivery);
  if (any) pay.textContent = say("pay", { price: money(sums(delivery).together) });
  pay.hidden = !ready;
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  place(fields["given-name"], fields.email);
  empty();
  location.assign(`${home}thank-you.html`);
});
