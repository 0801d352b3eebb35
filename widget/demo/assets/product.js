// A product's page: pictures, glaze, quantity, and into the basket.
import { add } from "./basket.js";
import { element, home, say, shop } from "./shop-data.js";

const article = document.querySelector("[data-product]");
const id = article.dataset.product;
const product = shop.products[id];
const main = article.querySelector("[data-main]");
const thumbs = [...article.querySelectorAll("[data-art]")];
const form = article.querySelector("[data-buy]");
const quantity = form.elements.quantity;
const added = article.querySelector("[data-added]");

const chosenGlaze = () => (form.elements.glaze ? form.elements.glaze.value : "");
const address = (thumb) => thumb.dataset.art.replace("{glaze}", chosenGlaze());

function showPicture(chosen) {
  for (const thumb of thumbs) thumb.setAttribute("aria-pressed", String(thumb === chosen));
  main.src = address(chosen);
  main.alt = chosen.dataset.alt;
}

for (const thumb of thumbs) thumb.addEventListener("click", () => showPicture(thumb));

function showGlaze() {
  const glaze = product.glazes[chosenGlaze()];
  if (!glaze) return;
  article.querySelector("[data-glaze-name]").textContent = glaze.name;
  article.querySelector("[data-title]").textContent = glaze.title;
  for (const thumb of thumbs) thumb.firstElementChild.src = address(thumb);
  showPicture(thumbs.find((thumb) => thumb.getAttribute("aria-pressed") === "true"));
}

form.addEventListener("change", showGlaze);
showGlaze(); // a browser that comes back restores the choice

const wanted = () => Math.min(99, Math.max(1, Number.parseInt(quantity.value, 10) || 1));

for (const step of form.querySelectorAll("[data-step]")) {
  step.addEventListener("click", () => {
    quantity.value = String(Math.min(99, Math.max(1, wanted() + Number(step.dataset.step))));
  });
}
quantity.addEventListener("blur", () => {
  quantity.value = String(wanted());
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  add(id, chosenGlaze(), wanted());
  const glaze = product.glazes[chosenGlaze()];
  const what = glaze ? `${product.name}, ${glaze.name}` : product.name;
  added.replaceChildren(
    say("added", { what: wanted() > 1 ? `${what} × ${wanted()}` : what }),
    " ",
    element("a", { href: `${home}basket.html` }, say("see_basket")),
  );
});
