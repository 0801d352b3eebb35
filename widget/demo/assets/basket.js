// The basket: a list of {product, glaze, quantity} that this browser keeps. Other tabs hear of every change.
const KEY = "moss-kiln.basket";
const VOUCHER = "moss-kiln.voucher";
const MOST = 99;
const changes = new EventTarget();

/** The lines of the basket. What another hand has written into the storage is dropped, not trusted. */
export function lines() {
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
  if (!Array.isArray(kept)) return [];
  return kept.filter(
    (line) =>
      typeof line?.product === "string" &&
      typeof line.glaze === "string" &&
      Number.isInteger(line.quantity) &&
      line.quantity > 0 &&
      line.quantity <= MOST,
  );
}

/** How many pieces there are. */
export function count() {
  return lines().reduce((sum, line) => sum + line.quantity, 0);
}

/** Puts some more of a product in. */
export function add(product, glaze, quantity) {
  const all = lines();
  const same = all.find((line) => line.product === product && line.glaze === glaze);
  if (same) same.quantity = Math.min(MOST, same.quantity + quantity);
  else all.push({ product, glaze, quantity: Math.min(MOST, quantity) });
  keep(all);
}

/** Sets how many there are; none takes the line out. */
export function change(product, glaze, quantity) {
  const all = lines();
  const same = all.find((line) => line.product === product && line.glaze === glaze);
  if (!same) return;
  same.quantity = Math.min(MOST, quantity);
  keep(all.filter((line) => line.quantity > 0));
}

export function empty() {
  localStorage.removeItem(VOUCHER);
  keep([]);
}

/** The voucher that was accepted last, or "". */
export function voucher() {
  return localStorage.getItem(VOUCHER) ?? "";
}

export function setVoucher(code) {
  localStorage.setItem(VOUCHER, code);
  changes.dispatchEvent(new Event("change"));
}

/** Calls `then` now and after every change, here or in another tab. */
export function follow(then) {
  changes.addEventListener("change", then);
  addEventListener("storage", (event) => {
    if (event.key === null || event.key === KEY || event.key === VOUCHER) then();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) then();
  });
  then();
}

/** What it comes to, in cents. `delivery` is a price, `from` the value of goods from which it is free. */
export function totals(priced, delivery, from, share) {
  const goods = priced.reduce((sum, line) => sum + line.price * line.quantity, 0);
  const discount = Math.round((goods * share) / 100);
  const shipping = goods - discount >= from ? 0 : delivery;
  return { goods, discount, shipping, together: goods - discount + shipping };
}

function keep(all) {
  localStorage.setItem(KEY, JSON.stringify(all));
  changes.dispatchEvent(new Event("change"));
}
