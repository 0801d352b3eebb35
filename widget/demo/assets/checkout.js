// The checkout form: checks each field when it is left, keeps what may be kept, and goes on to the review.
import { follow, setVoucher, voucher } from "./basket.js";
import { check } from "./checks.js";
import { draft, KEPT, keepDraft } from "./order.js";
import { signedIn } from "./session.js";
import { home, say, shop } from "./shop-data.js";
import { showSummary } from "./totals.js";

const CLARA = {
  email: "clara@berg.example", phone: "+49 30 5550 4821", "given-name": "Clara", "family-name": "Berg",
  street: "Kastanienallee", number: "12", postcode: "10435", city: "Berlin", country: "DE",
};

const form = document.querySelector("[data-order]");
const aside = document.querySelector("[data-summary]");
const trouble = form.querySelector("[data-trouble]");
const fields = [...form.elements].filter((field) => field.name);
let wrongShown = false;

// What appears while a button is pressed would push the button away and swallow the click: it waits for the release.
let released = Promise.resolve();
addEventListener(
  "pointerdown",
  () => {
    released = new Promise((done) => {
      for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(done), { once: true });
    });
  },
  true,
);

function restore() {
  const kept = { ...(signedIn() ? CLARA : {}), ...draft().fields };
  for (const name of KEPT) {
    const field = form.elements[name];
    if (!(name in kept)) continue;
    if (field.type === "checkbox") field.checked = kept[name] === true;
    else field.value = String(kept[name]);
  }
}

function keep(ready) {
  const kept = {};
  for (const name of KEPT) {
    const field = form.elements[name];
    kept[name] = field.type === "checkbox" ? field.checked : field.value.trim();
  }
  keepDraft({ fields: kept, ready, card: ready ? form.elements["cc-number"].value.replace(/\D/g, "").slice(-4) : "" });
}

/** Puts what is wrong with a field under it; returns whether anything is. */
function show(field) {
  const words = check(field, form);
  document.getElementById(`${field.id}-error`).textContent = words;
  if (words) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
  return words !== "";
}

function showTrouble(count) {
  trouble.hidden = count === 0;
  trouble.textContent = count === 1 ? say("trouble_one") : say("trouble_many", { count });
}

function applyVoucher() {
  const typed = form.elements.voucher.value.trim().toUpperCase();
  const code = typed in shop.vouchers ? typed : "";
  if (code !== voucher()) setVoucher(code);
}

restore();
applyVoucher();
follow(() => showSummary(aside, form.elements.delivery.value));

// Digits of the card in groups of four, as they are printed.
form.elements["cc-number"].addEventListener("input", (event) => {
  const field = event.target;
  if (field.selectionStart !== field.value.length) return;
  field.value = field.value.replace(/\D/g, "").slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 ");
});
form.elements["cc-exp"].addEventListener("input", (event) => {
  if (event.inputType?.startsWith("delete")) return;
  event.target.value = event.target.value.replace(/^(\d{2})\s*\/?\s*(\d)/, "$1 / $2");
});

form.addEventListener("change", async (event) => {
  const field = event.target;
  keep(false);
  await released;
  if (field.value !== "" || wrongShown) show(field);
  if (field.name === "country" && form.elements.postcode.value) show(form.elements.postcode);
  if (field.name === "delivery") showSummary(aside, field.value);
  if (wrongShown) showTrouble(fields.filter((other) => check(other, form)).length);
});
form.addEventListener("input", (event) => {
  const field = event.target;
  if (field.name === "voucher") applyVoucher();
  // A field that was wrong says so only until it is right.
  if (field.getAttribute("aria-invalid") && !check(field, form)) show(field);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const wrong = fields.filter(show);
  wrongShown = wrong.length > 0;
  showTrouble(wrong.length);
  if (wrongShown) return wrong[0].focus();
  keep(true);
  location.assign(`${home}review.html`);
});
