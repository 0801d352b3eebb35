"""A site's one accent colour, made into the shades the widget needs, so that text and controls can be read on it."""

from __future__ import annotations

from typing import Final

Shades = dict[str, str]
_Rgb = tuple[float, float, float]

# The accent of tokens.css, whose shades were chosen by eye.
_OURS: Final = {
    "light": {"accent": "#0b6e63", "hover": "#095c53", "soft": "#e2f2ef", "on": "#ffffff"},
    "dark": {"accent": "#3fb8a7", "hover": "#5cc9b9", "soft": "#12332f", "on": "#06211d"},
}
_SURFACE: Final = {"light": "#ffffff", "dark": "#161e24"}
_READABLE: Final = 4.5
"""WCAG 2.2 asks for this contrast of text; marks need only 3."""


def palette(accent: str) -> dict[str, Shades]:
    """The shades of `accent` (#rrggbb) for the light and the dark scheme.

    `accent` fills buttons and colours text on the surface and on `soft`; `on` is the text on it. A colour that could
    not be read is darkened, or in the dark scheme lightened, until it can.
    """
    if accent.lower() == _OURS["light"]["accent"]:
        return {scheme: dict(shades) for scheme, shades in _OURS.items()}
    return {"light": _shades(accent, dark=False), "dark": _shades(accent, dark=True)}


def _shades(hex: str, *, dark: bool) -> Shades:
    surface = _rgb(_SURFACE["dark" if dark else "light"])
    toward: _Rgb = (255, 255, 255) if dark else (0, 0, 0)
    base = _rgb(hex)
    candidates = (_mix(base, toward, step / 20) for step in range(21))
    accent, soft = next(
        (accent, soft)
        for accent in candidates
        if min(_contrast(accent, surface), _contrast(accent, soft := _mix(surface, accent, 0.16 if dark else 0.12)))
        >= _READABLE
    )
    return {
        "accent": _hex(accent),
        "hover": _hex(_mix(accent, toward, 0.16)),
        "soft": _hex(soft),
        "on": _hex(_mix(base, (0, 0, 0), 0.85)) if dark else "#ffffff",
    }


def _rgb(hex: str) -> _Rgb:
    return int(hex[1:3], 16), int(hex[3:5], 16), int(hex[5:7], 16)


def _hex(color: _Rgb) -> str:
    return "#" + "".join(f"{round(part):02x}" for part in color)


def _mix(first: _Rgb, second: _Rgb, share: float) -> _Rgb:
    """`share` of the second in the first."""
    a, b, c = ((1 - share) * one + share * other for one, other in zip(first, second, strict=True))
    return a, b, c


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours (#rrggbb), 1 to 21, as WCAG 2 defines it."""
    return _contrast(_rgb(first), _rgb(second))


def _contrast(first: _Rgb, second: _Rgb) -> float:
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: _Rgb) -> float:
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
