"""The run as a picture: who waits, who works, and how many are answered in time, as an SVG of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log10

from routing.simulation.tally import Tally

WIDTH, LEFT, RIGHT, TOP = 960, 64, 24, 104
PANEL, GAP = 132, 34
INK, SOFT, LINE = "#1f2933", "#5b6774", "#e3e8ee"
WAITING, BUSY, STAFFED, LEVEL = "#c2410c", "#0b6e63", "#94a3b8", "#4f46e5"
# A panel: title, its lines (name, colour, dashed, numbers or None where there is none), the axis' end or None.
Curve = tuple[str, str, bool, Sequence[float | None]]


def chart(tallies: Sequence[Tally], title: str) -> str:
    """One picture of all tallies, which have the same grid: of several days the mean by the time of day."""
    grid, days = tallies[0].grid, len(tallies)

    def mean(of: Callable[[Tally], Sequence[float]]) -> list[float | None]:
        return [sum(column) / grid.width / days for column in zip(*map(of, tallies), strict=True)]

    came = [sum(column) for column in zip(*(tally.came for tally in tallies), strict=True)]
    in_time = [sum(column) for column in zip(*(tally.in_time for tally in tallies), strict=True)]
    waiting, busy = mean(lambda tally: tally.waiting.areas), mean(lambda tally: tally.busy.areas)
    staffed = mean(lambda tally: tally.staffed.areas)
    level = [100 * good / all if all else None for good, all in zip(in_time, came, strict=True)]
    first, last = _span([bool(a or b or c) for a, b, c in zip(waiting, staffed, came, strict=True)])
    panels: list[tuple[str, list[Curve], float | None]] = [
        ("Contacts waiting", [("waiting", WAITING, False, waiting[first:last])], None),
        (
            "Agents",
            [("there", STAFFED, True, staffed[first:last]), ("busy", BUSY, False, busy[first:last])],
            None,
        ),
        ("Service level, %", [("answered in time", LEVEL, False, level[first:last])], 100.0),
    ]
    height = TOP + len(panels) * (PANEL + GAP) + 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="Inter, system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" rx="12" fill="#ffffff"/>',
        _text(LEFT, 36, title, size=18, weight=600),
        *_legend([curve for _, curves, _ in panels for curve in curves]),
    ]
    for number, (name, curves, end) in enumerate(panels):
        parts += _panel(TOP + number * (PANEL + GAP), name, curves, end)
    begin, width = first * grid.width, grid.width
    parts += _times(begin, begin + (last - first) * width, height - 14, clock=grid.begin == 0)
    return "\n".join((*parts, "</svg>", ""))


def _span(busy: Sequence[bool]) -> tuple[int, int]:
    """From where to where anything happens; everything, when nothing does."""
    happens = [number for number, each in enumerate(busy) if each]
    return (happens[0], happens[-1] + 1) if happens else (0, len(busy))


def _text(x: float, y: float, text: str, *, size: int = 12, weight: int = 400, anchor: str = "start") -> str:
    fill = INK if weight > 400 else SOFT
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _stroke(colour: str, dashed: bool) -> str:
    return f'fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"' + (
        ' stroke-dasharray="5 4"' if dashed else ""
    )


def _legend(curves: Sequence[Curve]) -> list[str]:
    parts, x = [], float(LEFT)
    for name, colour, dashed, _ in curves:
        parts.append(f'<path d="M{x:.0f} 58h22" {_stroke(colour, dashed)}/>')
        parts.append(_text(x + 29, 62, name))
        x += 29 + 7 * len(name) + 26
    return parts


def _panel(top: int, name: str, curves: Sequence[Curve], end: float | None) -> list[str]:
    most = max((y for _, _, _, numbers in curves for y in numbers if y is not None), default=0.0)
    ticks = nice_ticks(end or most)
    bottom, right = top + PANEL, WIDTH - RIGHT

    def height(y: float) -> float:
        return bottom - PANEL * min(y / ticks[-1], 1.0)

    parts = [_text(LEFT, top - 8, name, weight=600)]
    for tick in ticks:
        parts.append(f'<path d="M{LEFT} {height(tick):.1f}H{right}" stroke="{LINE}"/>')
        parts.append(_text(LEFT - 8, height(tick) + 4, f"{tick:,.10g}", anchor="end"))
    for _, colour, dashed, numbers in curves:
        step = (right - LEFT) / max(len(numbers), 1)
        points = [(LEFT + (n + 0.5) * step, None if y is None else height(y)) for n, y in enumerate(numbers)]
        line = _line(points)
        if not dashed and end is None and line:
            first, final = points[0][0], points[-1][0]
            parts.append(
                f'<path d="{line}L{final:.1f} {bottom}L{first:.1f} {bottom}Z" fill="{colour}" fill-opacity="0.12"/>'
            )
        parts.append(f'<path d="{line}" {_stroke(colour, dashed)}/>')
    return parts


def _line(points: Sequence[tuple[float, float | None]]) -> str:
    """A path that is broken where there is no number."""
    parts, pen_down = [], False
    for x, y in points:
        if y is not None:
            parts.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = y is not None
    return "".join(parts)


def _times(begin: int, end: int, y: float, *, clock: bool) -> list[str]:
    """The common axis: the time of day, or hours of the run."""
    hours = (end - begin) / 3_600_000
    step = next((s for s in (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 120, 240, 480) if hours / s <= 10), ceil(hours / 10))
    parts, tick = [], ceil(begin / 3_600_000 / step) * step
    while tick * 3_600_000 <= end:
        x = LEFT + (tick * 3_600_000 - begin) / (end - begin) * (WIDTH - LEFT - RIGHT)
        words = f"{int(tick):02d}:{round(tick % 1 * 60):02d}" if clock else f"{tick:g} h"
        parts.append(_text(x, y, words, anchor="middle"))
        tick += step
    return parts


def nice_ticks(most: float) -> list[float]:
    """Two to five round numbers from 0 to at least `most`."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / 4
    base = 10.0 ** floor(log10(rough))
    step = next(factor * base for factor in (1, 2, 2.5, 5, 10) if factor * base >= rough * 0.999999)
    return [n * step for n in range(ceil(most / step - 1e-9) + 1)]
