// What a basket is made of and what it comes to, as every page shows it.
import { lines, totals, voucher } from "./basket.js";
import { element, money, picture, say, shop } from "./shop-data.js";

/** The lines of the basket whose product is still sold, each with its product and price. */
export function pricedLines() {
  return lines()
    .filter((line) => line.product in shop.products)
    .map((line) => ({ ...line, sold: shop.products[line.product], price: shop.products[line.product].price }));
}

/** Name of a line, with its glaze. */
export function nameOf({ sold, glaze }) {
  return glaze in sold.glazes ? `${sold.name}, ${sold.glazes[glaze].name}` : sold.name;
}

/** The small words of a line: glaze or portion. */
export function portionOf({ sold, glaze }) {
  return sold.glazes[glaze]?.name ?? (sold.portion || say("one_piece"));
}

/** The sums for a way of delivery (its id). */
export function sums(delivery) {
  const share = shop.vouchers[voucher()] ?? 0;
  return totals(pricedLines(), shop.deliveries[delivery].price, shop.free_from, share);
}

/** Fills a <dl> with the sums. */
export function showTotals(list, delivery) {
  const { goods, discount, shipping, together } = sums(delivery);
  const rows = [[say("goods"), money(goods)]];
  if (discount) rows.push([say("voucher", { code: voucher() }), `−${money(discount)}`]);
  rows.push([say("shipping"), shipping ? money(shipping) : say("free")]);
  rows.push([say("together"), money(together)]);
  list.replaceChildren(
    ...rows.map(([term, amount], index) =>
      element(
        "div",
        { class: index === rows.length - 1 ? "tot" : null },
        element("dt", {}, term),
        element("dd", {}, amount),
      ),
    ),
  );
}

/** Shows the basket beside a form: small lines and sums. Returns whether there is anything in it. */
export function showSummary(aside, delivery) {
  const all = pricedLines();
  aside.querySelector("[data-mini]").replaceChildren(
    ...all.map((line) => {
      const image = element("img", { src: picture(line.sold, line.glaze), alt: "", width: "600", height: "520" });
      const portion = portionOf(line);
      const many = line.quantity > 1 ? say("quantity", { portion, count: line.quantity }) : portion;
      return element(
        "li",
        {},
        element("div", { class: "shot" }, image),
        element("span", {}, line.sold.name, element("small", {}, many)),
        element("span", { class: "sum-price" }, money(line.price * line.quantity)),
      );
    }),
  );
  const totalsList = aside.querySelector("[data-totals]");
  aside.querySelector("[data-empty]").hidden = all.length > 0;
  totalsList.hidden = all.length === 0;
  aside.querySelector("button").disabled = all.length === 0;
  showTotals(totalsList, delivery);
  return all.length > 0;
}
