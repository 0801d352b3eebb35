"""How the cost of an offer grows: `python -m bench.routing_growth` measures it and draws the picture in docs/images.

An agent finishes and is offered the next contact: CPU time in the engine, median and 99th of a hundred, as one of three
figures grows and the other two stay. The scan of everything that waits is drawn beside it, for the same contacts.
"""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass
from pathlib import Path

from bench.routing_centre import Centre, offers
from bench.routing_naive import Naive
from routing import inputs as i

PICTURE = Path(__file__).resolve().parent.parent / "docs/images/routing-growth.svg"
USUAL = {"waiting": 10_000, "agents": 1_000, "kinds": 100}
AXES = {
    "waiting": ("contacts waiting", (100, 1_000, 10_000, 100_000)),
    "agents": ("agents", (100, 1_000, 10_000)),
    "kinds": ("kinds of contacts", (10, 40, 100, 400, 1_000)),
}
LINES = (("p50", "#2563eb", "engine, median"), ("p99", "#93c5fd", "engine, 99th"), ("scan", "#dc2626", "scan, median"))
WIDTH, HEIGHT, LEFT, TOP = 250, 200, 50, 40
LOWEST, HIGHEST = 10, 100_000
"""The cost axis, in microseconds."""


@dataclass
class Point:
    """Costs in microseconds at `at`."""

    at: int
    p50: float
    p99: float
    scan: float


def measure(waiting: int, agents: int, kinds: int) -> tuple[float, float, float]:
    centre = Centre(agents, 1, kinds)
    centre.crowd(3 * agents)
    held: list[tuple[str, str]] = []

    def accept(made: list[i.Offer]) -> None:
        for offer in made:
            centre.do("accept", i.OfferAccepted(offer.contact, offer.agent, offer.fence))
            held.append((offer.contact, offer.agent))

    for spec in centre.specs:
        accept(centre.come("agent comes", spec.id))
    contacts = centre.engine._admission.contacts
    for id in list(contacts)[waiting:]:
        centre.do("abandoned", i.Dequeued(id, abandoned=True))
    while len(contacts) < waiting:
        accept(offers(centre.arrive("arrival", centre.random.randrange(600_000))))
    for _ in range(2_000):
        centre.now += 7
        accept(offers(centre.arrive("arrival")))
        accept(offers(centre.do("finishes", i.Released(*held.pop(centre.random.randrange(len(held)))))))
    beside = Naive(centre)
    for contact, agent in held[:20]:
        seat = centre.engine._index.seats[agent].agent
        work = seat.drop(contact)
        beside.agent_is_free(seat)
        seat.take(contact, work)
    p50, p99, _ = centre.figures("finishes")
    return p50, p99, beside.figures("scan")[0]


def x_of(axis: tuple[int, ...], at: int) -> float:
    low, high = math.log10(axis[0]), math.log10(axis[-1])
    return LEFT + (math.log10(at) - low) / (high - low) * WIDTH


def y_of(cost: float) -> float:
    low, high = math.log10(LOWEST), math.log10(HIGHEST)
    return TOP + HEIGHT - (math.log10(cost) - low) / (high - low) * HEIGHT


def panel(name: str, points: list[Point], offset: int) -> list[str]:
    title, axis = AXES[name]
    others = ", ".join(f"{value:,} {AXES[other][0]}" for other, value in USUAL.items() if other != name)
    drawn = [f'<g transform="translate({offset} 0)">']
    drawn.append(f'<text x="{LEFT}" y="16" class="title">{title}</text><text x="{LEFT}" y="30">{others}</text>')
    for power in range(1, 6):
        y, label = y_of(10**power), f"{10**power:,} us" if power < 3 else f"{10 ** (power - 3):,} ms"
        drawn.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{label}</text>')
    for at in axis:
        drawn.append(f'<text x="{x_of(axis, at):.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{at:,}</text>')
    for line, colour, _ in LINES:
        places = [(x_of(axis, point.at), y_of(getattr(point, line))) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    return [*drawn, "</g>"]


def draw(measured: dict[str, list[Point]]) -> str:
    each, height = LEFT + WIDTH + 30, TOP + HEIGHT + 50
    width = each * len(measured)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="Cost of an offer by contacts waiting, agents and kinds of contacts">',
        "<style>text{font:11px sans-serif;fill:#475569}.title{font-weight:bold;fill:#0f172a}"
        ".grid{stroke:#cbd5e1;stroke-width:.5}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, (name, points) in enumerate(measured.items()):
        parts += panel(name, points, number * each)
    for number, (_, colour, label) in enumerate(LINES):
        x, y = LEFT + number * 140, TOP + HEIGHT + 36
        parts.append(f'<rect x="{x}" y="{y - 8}" width="18" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 24}" y="{y - 2}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    measured: dict[str, list[Point]] = {}
    for name, (title, axis) in AXES.items():
        measured[name] = []
        for at in axis:
            gc.collect()
            point = Point(at, *measure(**(USUAL | {name: at})))
            measured[name].append(point)
            print(
                f"{at:>8,} {title:<20} engine p50 {point.p50:6.1f} us, p99 {point.p99:6.1f} us; "
                f"scan {point.scan:9.1f} us, x {point.scan / point.p50:,.0f}",
                flush=True,
            )
    PICTURE.write_text(draw(measured))
    print(f"drawn: {PICTURE}")


if __name__ == "__main__":
    main()
