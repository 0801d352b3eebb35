// The basket's page: lines with their quantities, sums.
import { change, follow } from "./basket.js";
import { element, home, money, picture, say } from "./shop-data.js";
import { nameOf, portionOf, pricedLines, showTotals } from "./totals.js";

const page = document.querySelector("[data-basket-page]");
const list = page.querySelector("[data-lines]");
const said = page.querySelector("[data-said]");
const key = (line) => `${line.product} ${line.glaze}`;

/** The parts of a line that are drawn once; the numbers are filled in by `fill`. */
function draw(line) {
  const what = nameOf(line);
  const step = (by, name, sign) =>
    element("button", { type: "button", "aria-label": say(name, { what }), "data-by": String(by) }, sign);
  const input = element("input", {
    type: "text", inputmode: "numeric", maxlength: "2", autocomplete: "off", "aria-label": say("quantity_of", { what }),
  });
  const link = element("a", { href: home + line.sold.page }, line.sold.name);
  const image = element("img", { src: picture(line.sold, line.glaze), alt: "", width: "600", height: "520" });
  const remove = element("button", { type: "button", class: "link", "aria-label": say("remove_what", { what }) }, say("remove"));
  const row = element(
    "li",
    { "data-key": key(line) },
    element("div", { class: "shot" }, image),
    element("div", { class: "what" }, element("b", {}, link), element("small", {}, portionOf(line)), remove),
    element("div", { class: "qty" }, step(-1, "fewer_of", "−"), input, step(1, "more_of", "+")),
    element("div", { class: "line-price" }, element("span"), element("small")),
  );
  const now = () => pricedLines().find((other) => key(other) === key(line))?.quantity ?? 0;
  const set = (quantity) => {
    change(line.product, line.glaze, quantity);
    said.textContent = quantity > 0 ? say("now_in_basket", { what, count: now() }) : say("removed", { what });
    if (quantity <= 0) afterRemoval();
  };
  for (const button of row.querySelectorAll("[data-by]")) {
    button.addEventListener("click", () => set(now() + Number(button.dataset.by)));
  }
  remove.addEventListener("click", () => set(0));
  input.addEventListener("change", () => {
    const typed = Number.parseInt(input.value, 10);
    if (Number.isNaN(typed) || typed < 0) input.value = String(now());
    else set(typed);
  });
  return row;
}

function fill(row, line) {
  row.querySelector("input").value = String(line.quantity);
  const [sum, each] = row.querySelector(".line-price").children;
  sum.textContent = money(line.price * line.quantity);
  each.textContent = line.quantity > 1 ? say("each", { price: money(line.price) }) : "";
}

/** The focus stood on something that is gone: it goes to what comes next, or to what an empty basket offers. */
function afterRemoval() {
  const next = list.querySelector(".what a") ?? page.querySelector("[data-empty] a");
  next.focus();
}

follow(() => {
  const all = pricedLines();
  const wanted = new Set(all.map(key));
  for (const row of [...list.children]) if (!wanted.has(row.dataset.key)) row.remove();
  for (const line of all) {
    let row = [...list.children].find((child) => child.dataset.key === key(line));
    if (!row) {
      row = draw(line);
      list.append(row);
    }
    fill(row, line);
  }
  page.querySelector("[data-empty]").hidden = all.length > 0;
  page.querySelector("[data-sum]").hidden = all.length === 0;
  showTotals(page.querySelector("[data-totals]"), "dhl");
});
