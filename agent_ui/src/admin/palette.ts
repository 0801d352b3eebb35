// The shades that the hub makes of a site's accent colour (widget/palette.py), for the preview before anything is saved.

type Rgb = [number, number, number];

const SURFACE = { light: "#ffffff", dark: "#161e24" };
const OURS = {
  light: { accent: "#0b6e63", on: "#ffffff" },
  dark: { accent: "#3fb8a7", on: "#06211d" },
};
/** WCAG 2.2 asks for this contrast of text. */
const READABLE = 4.5;

export interface Shades {
  accent: string;
  on: string;
  /** The colour was too faint for words, so another shade of it is shown. */
  changed: boolean;
}

function rgb(hex: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Rgb;
}

/** Halves go to the even neighbour, as in Python, so that the hub and the preview say the same colour. */
function round(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

function hex(colour: Rgb): string {
  return `#${colour.map((part) => round(part).toString(16).padStart(2, "0")).join("")}`;
}

function mix(first: Rgb, second: Rgb, share: number): Rgb {
  return first.map((part, at) => (1 - share) * part + share * second[at]!) as Rgb;
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** How `accent` (#rrggbb) appears in a scheme: darkened, or in the dark scheme lightened, until words can be read. */
export function shades(accent: string, scheme: "light" | "dark"): Shades {
  if (accent.toLowerCase() === OURS.light.accent) return { ...OURS[scheme], changed: false };
  const dark = scheme === "dark";
  const surface = rgb(SURFACE[scheme]);
  const base = rgb(accent);
  const toward: Rgb = dark ? [255, 255, 255] : [0, 0, 0];
  const candidates = Array.from({ length: 21 }, (_, step) => mix(base, toward, step / 20));
  const step = candidates.findIndex((colour) => {
    const soft = mix(surface, colour, dark ? 0.16 : 0.12);
    return Math.min(contrast(colour, surface), contrast(colour, soft)) >= READABLE;
  });
  const shown = candidates[step] ?? toward;
  return { accent: hex(shown), on: dark ? hex(mix(base, [0, 0, 0], 0.85)) : "#ffffff", changed: step !== 0 };
}
