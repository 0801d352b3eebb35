// What is wrong with a field of the checkout, in words; "" when nothing is.
import { say, shop } from "./shop-data.js";

const digits = (text) => text.replace(/\D/g, "");

/** How many digits a postcode has where it has digits only. */
const POSTCODE_DIGITS = { DE: 5, AT: 4, CH: 4, DK: 4, FR: 5, CN: 6, JP: 7 };
const POSTCODE_SHAPES = {
  NL: /^\d{4} ?[A-Z]{2}$/i,
  GB: /^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$/i,
  US: /^\d{5}(-\d{4})?$/,
};

function postcode(value, country) {
  const size = POSTCODE_DIGITS[country];
  if (size && /^[\d -]+$/.test(value)) {
    const off = digits(value).length - size;
    const count = Math.abs(off) === 1 ? say("one_digit") : say("digits", { count: Math.abs(off) });
    if (off < 0) return say("postcode_short", { count, size });
    if (off > 0) return say("postcode_long", { count, size });
    return "";
  }
  if (!size && POSTCODE_SHAPES[country].test(value)) return "";
  return say("postcode_wrong", { country: shop.countries[country] });
}

function cardNumber(value) {
  const number = digits(value);
  if (number.length < 13) return say("card_short");
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 ? say("card_wrong") : "";
}

function expiry(value) {
  const found = /^(0?[1-9]|1[0-2])\s*\/?\s*(\d{2})$/.exec(value);
  if (!found) return say("date_wrong");
  const now = new Date();
  const months = (2000 + Number(found[2])) * 12 + Number(found[1]) - 1;
  return months < now.getFullYear() * 12 + now.getMonth() ? say("date_past") : "";
}

const CHECKS = {
  email: (value) => (/^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(value) ? "" : say("email_wrong")),
  phone: (value) => (/^\+/.test(value) && digits(value).length >= 8 ? "" : say("phone_wrong")),
  postcode: (value, form) => postcode(value, form.elements.country.value),
  "cc-number": cardNumber,
  "cc-exp": expiry,
  "cc-csc": (value) => (/^\d{3,4}$/.test(value) ? "" : say("code_short")),
  "one-time-code": (value) => (/^\d{6}$/.test(value) ? "" : say("bank_code_wrong")),
  voucher: (value) => (value.toUpperCase() in shop.vouchers ? "" : say("voucher_wrong")),
};

/** What is wrong with `field`, an input or select of `form`. */
export function check(field, form) {
  if (field.type === "checkbox") return field.required && !field.checked ? say("terms_missing") : "";
  const value = field.value.trim();
  if (value === "") return field.required ? say("missing") : "";
  return CHECKS[field.name]?.(value, form) ?? "";
}
