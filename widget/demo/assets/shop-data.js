// What the shop sells and says, in the page's language; fetched once per page.
const { base, home, language } = document.documentElement.dataset;

export { base, home };
export const shop = await (await fetch(`${base}/data/${language}.json`)).json();

/** A text of the shop with its {placeholders} filled. */
export function say(name, values = {}) {
  return shop.texts[name].replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

/** An amount in cents as the shop writes it. */
export function money(cents) {
  const [euros, rest] = (cents / 100).toFixed(2).split(".");
  return `€\u00a0${euros.replace(/\B(?=(\d{3})+$)/g, ",")}.${rest}`;
}

/** The picture of a product in one of its glazes. */
export function picture(product, glaze) {
  return product.art.replace("{glaze}", glaze || Object.keys(product.glazes)[0] || "");
}

/** An element with attributes, properties starting with a dot, and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith(".")) made[name.slice(1)] = value;
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
