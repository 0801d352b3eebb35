// What looks like a secret in words, addresses and style sheets, wherever it stands on a page. Pure: text in, text out.
// No lookbehind in the expressions: browsers of 2022 do not know it, and a literal of it would stop the whole script.

export const DOT = "•";
/** What stands for the value of a field that is not shown; says that there is one, not how long it is. */
export const MASK = DOT.repeat(6);

const dots = (text: string) => text.replace(/[^\s\-–./:,]/gu, DOT);

// Digits of the writing systems in which forms are filled in: ASCII, Arabic-Indic, Persian, full width.
const DIGIT = "0-9\\u0660-\\u0669\\u06f0-\\u06f9\\uff10-\\uff19";
const BETWEEN = "[ \\-–./_\\u00a0\\u2000-\\u200f\\u202f]{0,2}";

function ascii(text: string): string {
  return text.replace(/[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g, (digit) => {
    const code = digit.charCodeAt(0);
    return String(code - (code < 0x6f0 ? 0x660 : code < 0xff10 ? 0x6f0 : 0xff10));
  });
}

/** ISO/IEC 7812-1 annex B, on a string of ASCII digits. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let n = 0; n < digits.length; n++) {
    const digit = digits.charCodeAt(digits.length - 1 - n) - 48;
    sum += n % 2 ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return sum % 10 == 0;
}

/** Whether 13 to 19 digits in a row among these could be a card's number; longer runs are looked at piece by piece. */
export function holdsCard(digits: string): boolean {
  for (let length = 13; length <= 19; length++)
    for (let from = 0; from + length <= digits.length; from++)
      if (digits[from]! >= "2" && digits[from]! <= "6" && luhn(digits.slice(from, from + length))) return true;
  return false;
}

/** ISO 13616: the check digits of an international bank account number. */
function iban(text: string): boolean {
  const plain = text.replace(/[^A-Z0-9]/g, "");
  if (plain.length < 15 || plain.length > 34) return false;
  let rest = 0;
  for (const character of plain.slice(4) + plain.slice(0, 4))
    for (const digit of String(parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97;
  return rest == 1;
}

/** Letters and digits mixed as no word mixes them. */
const mixed = (text: string) => (text.match(/\d/g)?.length ?? 0) >= 3 && /[A-Za-z]/.test(text);

const CARD = new RegExp(`[${DIGIT}](?:${BETWEEN}[${DIGIT}]){12,}`, "g");
const IBAN = /\b[A-Z]{2}\d{2}(?:[ \u00a0-]?[A-Z0-9]){11,30}/g;
const KEYS =
  /eyJ[\w-]{6,}(?:\.[\w-]*){1,4}|\b(?:(?:sk|pk|rk|whsec)_[A-Za-z0-9_]{8,}|gh[opsur]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{12,}|xox[a-z]-[\w-]{8,}|A(?:KI|SI)A[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{8,}|SG\.[\w-]{8,}\.[\w-]{8,})|-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)|\botpauth:\S+/g;
const LONG = /[A-Za-z0-9_+/=-]{24,}/g;
const GROUPS = /\b[A-Za-z0-9]{4,8}(?:-[A-Za-z0-9]{4,8}){2,}\b/g;
const SAID =
  /((?:\b(?:pass ?(?:word|wd|phrase|code)|pwd|pin|secret|token|bearer|api[ _-]?key|basic|passwort|kennwort)|密码|口令|密钥|كلمة المرور)(?:\s+(?:is|ist)\s+|\s*[:=：]\s*|\s+(?=\S*\d)))(\S+)/gi;
const CODE = new RegExp(
  "((?:(?:^|[^\\p{L}])(?:(?:verification|security|one-time|login|access|auth\\w*|confirmation)[ -]?code|otp|m?tan|cvc2?|cvv2?|2fa|passcode|einmalcode|code)|验证码|校验码|动态码|安全码|رمز)" +
    "[^\\d\\u0660-\\u0669\\u06f0-\\u06f9\\uff10-\\uff19\\n]{0,24})" +
    `([${DIGIT}]{3,5}[ -]?[${DIGIT}]{0,4})`,
  "giu",
);
const CODE_AFTER = new RegExp(
  `([${DIGIT}]{3,4}[ -]?[${DIGIT}]{1,4})(?=[^\\d\\n]{1,12}(?:(?:verification|security|login|one-time) code|otp|验证码|校验码|رمز))`,
  "giu",
);
const ORDINARY = /(?:post(?:al)?|zip|country|area|dial\w*|promo|voucher|discount|coupon|product|article|colou?r|item|order|error|status)[ -]?code/i;
const SOCIAL = /\b\d{3}-\d{2}-\d{4}\b/g;
const ADDRESS = /\b(?:https?|wss?|ftp):\/\/[^\s"'<>]+/gi;

/** `text` with what cannot be anything but a secret made dots: for names that style sheets need, such as classes. */
export function hushKeys(text: string): string {
  return text
    .replace(KEYS, dots)
    .replace(CARD, (run) => (holdsCard(ascii(run).replace(/\D/g, "")) ? dots(run) : run));
}

/** `text` with everything in it that looks like a secret made dots. What it does not know it lets through. */
export function hush(text: string): string {
  if (text.length < 3) return text;
  return hushKeys(text.replace(ADDRESS, (address) => scrubUrl(address)))
    .replace(IBAN, (run) => (iban(run) ? dots(run) : run))
    .replace(LONG, (run) => (mixed(run) ? dots(run) : run))
    .replace(GROUPS, (run) => (mixed(run) ? dots(run) : run))
    .replace(SAID, (_, before: string, secret: string) => before + dots(secret))
    .replace(CODE, (all, before: string, code: string, at: number, whole: string) =>
      ORDINARY.test(whole.slice(Math.max(0, at - 12), at) + before) ? all : before + dots(code),
    )
    .replace(CODE_AFTER, dots)
    .replace(SOCIAL, dots);
}

/**
 * The value of a field that its site shows, as its customer types it: also the first digits of a card's number are
 * hidden, since each key is sent on its own. `phone`: numbers are expected here, so only whole cards are hidden.
 */
export function hushTyped(value: string, phone: boolean): string {
  const digits = ascii(value).replace(/\D/g, "");
  if (!phone && digits.length >= 7 && /^(?:3[0-9]|4|5[0-9]|6|2[2-7])/.test(digits) && !/\p{L}/u.test(value)) return MASK;
  return hush(value);
}

/** Scheme, host and path of an address; what stands behind `?`, `#`, `;` or before `@` is where tokens travel. */
export function scrubUrl(url: string): string {
  const found = /^(https?:)?\/\/(?:[^/?#]*@)?([^/?#;]*)([^?#;]*)/i.exec(url) ?? /^()()([^?#;:]*)(?=[?#;]|$)/.exec(url);
  if (!found) return "";
  const [, scheme = "", host = "", path = ""] = found;
  const parts = path.split("/").map((part) => {
    let plain = part;
    try {
      plain = decodeURIComponent(part);
    } catch {
      // not encoded after all
    }
    const secret = plain.includes("@") || (plain.length >= 16 && mixed(plain)) || hushKeys(plain) != plain || /^\d{7,}$/.test(plain);
    return secret ? "..." : part;
  });
  return (host ? `${scheme || ""}//${host}` : "") + parts.join("/");
}

const LARGEST_DATA = 64 * 1024;

/** A picture that stands in the page itself, as it may go along; "" for any other address. */
export function dataPicture(url: string): string {
  if (url.length > LARGEST_DATA || !/^data:image\/(?:png|jpeg|gif|webp|avif|svg\+xml)[;,]/i.test(url)) return "";
  if (/^data:image\/svg/i.test(url)) {
    let drawing = url;
    try {
      drawing = /;base64,/i.test(url) ? atob(url.slice(url.indexOf(",") + 1)) : decodeURIComponent(url);
    } catch {
      return "";
    }
    // A drawing that fetches, or that writes words, is no icon.
    if (/<(?:text|image|foreignObject|script|style)|(?:href|src)\s*=\s*["']?(?!#)/i.test(drawing)) return "";
  }
  return url;
}

/** Without comments, but for those by which rrweb keeps texts apart. In time in proportion to the text. */
function withoutComments(css: string): string {
  let made = "";
  let at = 0;
  for (let begin; (begin = css.indexOf("/*", at)) >= 0; ) {
    const end = css.indexOf("*/", begin + 2);
    const comment = end < 0 ? "" : css.slice(begin, end + 2);
    made += css.slice(at, begin) + (/^\/\*\s*rr_split\s*\*\/$/.test(comment) ? comment : "");
    if (end < 0) return made;
    at = end + 2;
  }
  return made + css.slice(at);
}

/** The page's own number for the address of a picture in a style sheet; 0: none. Nothing of the address is in it. */
export type Refer = (url: string) => number;

/**
 * With each `url(...)` as it may stay: the others become a variable by their number, which the viewer sets once it has
 * the picture. In time in proportion to the text; what never ends is cut off.
 */
function withUrls(css: string, refer?: Refer): string {
  const opening = /url\(\s*/gi;
  let made = "";
  let at = 0;
  for (let found; (found = opening.exec(css)); ) {
    const quote = css[opening.lastIndex];
    const quoted = quote == '"' || quote == "'";
    let end = opening.lastIndex + (quoted ? 1 : 0);
    const begin = end;
    for (; end < css.length && css[end] != (quoted ? quote : ")"); end++) if (css[end] == "\\") end++;
    made += css.slice(at, found.index);
    if (end >= css.length) return made;
    const url = css.slice(begin, end).trim();
    if (/^#[\w-]{1,64}$/.test(url)) made += `url(${url})`;
    else if (dataPicture(url)) made += `url("${url.replace(/["\\\n]/g, (character) => encodeURIComponent(character))}")`;
    else {
      // No variables where a font's source is named.
      const number = refer && !/@font-face\s*\{[^{}]*$/i.test(css.slice(Math.max(0, found.index - 500), found.index)) ? refer(url) : 0;
      made += number ? `var(--cb-${number},url("data:,"))` : 'url("data:,")';
    }
    const close = quoted ? css.indexOf(")", end) : end;
    if (close < 0) return made;
    at = opening.lastIndex = close + 1;
  }
  return made + css.slice(at);
}

/** With letters written as letters: `u\72l(` is an address as well. Other escapes stay, selectors need them. */
const unescaped = (css: string) =>
  css.replace(/\\(?:([0-9a-f]{1,6})(?:\r\n|[ \t\r\n\f])?|([^]))/gi, (all, hex?: string, plain?: string) => {
    const letter = hex ? (parseInt(hex, 16) < 128 ? String.fromCharCode(parseInt(hex, 16)) : "") : plain!;
    return /^[A-Za-z]$/.test(letter) ? letter : all;
  });

/** CSS without what it would fetch; `url(#id)` and small pictures stay. */
export function quietCss(css: string, refer?: Refer): string {
  return withUrls(unescaped(withoutComments(css)).replace(/@import\b[^;]*(?:;|$)/gi, ""), refer).replace(/\b(?:-webkit-)?image-set\([^;}]*/gi, "none");
}

/** CSS without what it would fetch and without secrets in what it writes. */
export function scrubCss(css: string, refer?: Refer): string {
  return quietCss(css, refer).replace(/(content\s*:\s*|--[\w-]+\s*:\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/gi, (_, name: string, said: string) => name + hush(said));
}
