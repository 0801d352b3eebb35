// A telephone number while it is typed. Pure. Whether it may be rung the hub decides.

export type NumberProblem = "empty" | "signs" | "short" | "long" | "country";

/** What people write between digits. */
const SPACING = /[\s()./\u2010-\u2015-]/g;

/** As it is dialled: "+49 (30) 123-45" is "+493012345", "0049" becomes "+49". */
export function dialled(text: string): string {
  return text.replace(SPACING, "").replace(/^00(?=[1-9])/, "+");
}

/** Why a number cannot be rung as it stands, or null. E.164: at most 15 digits, the country code first. */
export function numberProblem(text: string): NumberProblem | null {
  const number = dialled(text);
  if (number === "" || number === "+") return "empty";
  if (!/^\+?\d+$/.test(number)) return "signs";
  if (number.startsWith("+0")) return "country";
  const digits = number.replace("+", "").length;
  if (digits > 15) return "long";
  return digits < (number.startsWith("+") ? 8 : 4) ? "short" : null;
}
