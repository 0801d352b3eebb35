"""Figures with honest 95 % intervals: batch means, ratios of sums, and Student's t.

Contacts of one hour share its queue, so they are no independent sample; batches (equal stretches of a long run, or
whole days) nearly are. Source: Law, "Simulation Modeling and Analysis", 5th ed., chapters 9.5 and 11 (ratio estimator).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import sqrt

from hub.simulation import Figures, Outcome
from routing.simulation.tally import Cell, Key, Tally

NORMAL_975 = 1.959963984540054
ENOUGH = 10
"""So many batches tell how each depends on the one before."""
# P(T < t) = 0.975 for 1 to 10 degrees of freedom.
_FEW = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139)


def student_975(degrees: int) -> float:
    """The 97.5 % quantile of Student's t; beyond ten degrees by the expansion around the normal one (to 2e-4)."""
    if degrees <= len(_FEW):
        return _FEW[degrees - 1]
    z, n = NORMAL_975, degrees
    first = (z**3 + z) / (4 * n)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    return z + first + second + third


def half_width(numbers: Sequence[float]) -> float | None:
    """Half the interval of the mean of batch means; None for fewer than two.

    Batches that are too short for what they measure depend on those before: n of them are then worth only
    n (1 - r) / (1 + r) independent ones, r being the correlation of each with the next (corrected for its bias, as by
    Marriott and Pope, Biometrika 41 (1954)).
    """
    n = len(numbers)
    if n < 2:
        return None
    mean = sum(numbers) / n
    off = [number - mean for number in numbers]
    squares = sum(each**2 for each in off)
    worth = float(n)
    if squares > 0 and n >= ENOUGH:
        with_next = sum(a * b for a, b in pairwise(off)) / squares
        if with_next > 0:
            with_next = min(with_next + (1 + 3 * with_next) / n, 0.9)
            worth = max(n * (1 - with_next) / (1 + with_next), 2.0)
    return student_975(max(round(worth) - 1, 1)) * sqrt(squares / (n - 1) / worth)


def ratio(parts: Sequence[float], wholes: Sequence[float]) -> tuple[float | None, tuple[float, float] | None]:
    """The sum of `parts` over the sum of `wholes`, by batch, and its interval (None for fewer than two batches)."""
    whole = sum(wholes)
    if whole <= 0:
        return None, None
    value = sum(parts) / whole
    mean = whole / len(wholes)
    half = half_width([(part - value * each) / mean for part, each in zip(parts, wholes, strict=True)])
    return value, None if half is None else (value - half, value + half)


def share(parts: Sequence[float], wholes: Sequence[float]) -> tuple[float | None, tuple[float, float] | None]:
    """As `ratio`, of a share: within 0 and 1; where all or none did, the interval is the rule of three's."""
    value, interval = ratio(parts, wholes)
    if value is None or interval is None:
        return value, interval
    three = min(3 / sum(wholes), 1.0)
    low, high = max(interval[0], 0.0), min(interval[1], 1.0)
    if value == 0:
        high = max(high, three)
    if value == 1:
        low = min(low, 1 - three)
    return value, (low, high)


def outcome(tallies: Sequence[Tally]) -> Outcome:
    """All figures of a run (one tally) or of several like days (a tally each)."""
    keys = sorted({key for tally in tallies for key in (*tally.cells, *tally.work)})
    return Outcome(
        total=_figures(tallies, keys, busy=True),
        queues={name: _figures(tallies, [k for k in keys if k[0] == name]) for name in sorted({k[0] for k in keys})},
        channels={name: _figures(tallies, [k for k in keys if k[1] == name]) for name in sorted({k[1] for k in keys})},
    )


def _figures(tallies: Sequence[Tally], keys: Sequence[Key], *, busy: bool = False) -> Figures:
    cells = [cell for tally in tallies for cell in _batches(tally, keys)]
    staffed = [area for tally in tallies for area in _areas(tally, [tally.staffed.areas])]
    worked = [
        area
        for tally in tallies
        for area in _areas(
            tally, [tally.busy.areas] if busy else [tally.work[key].areas for key in keys if key in tally.work]
        )
    ]

    def count(of: Callable[[Cell], int]) -> list[float]:
        return [float(of(cell)) for cell in cells]

    offered, answered = count(lambda cell: cell.offered), count(lambda cell: cell.answered)
    waited, waited_ci = ratio([cell.wait_ms / 1000 for cell in cells], answered)
    shares = {
        "service_level": share(count(lambda cell: cell.in_time), offered),
        "abandoned": share(count(lambda cell: cell.abandoned), offered),
        "occupancy": share(worked, staffed) if sum(staffed) else (None, None),
        "p_wait": share(count(lambda cell: cell.delayed), offered),
        "overflowed": share(count(lambda cell: cell.overflowed), offered),
    }
    ci = {name: interval for name, (_, interval) in shares.items() if interval is not None}
    if waited_ci is not None:
        ci["asa_s"] = (max(waited_ci[0], 0.0), waited_ci[1])
    half = half_width(offered)
    if half is not None:
        total = sum(offered)
        ci["offered"] = (max(total - half * len(offered), 0.0), total + half * len(offered))
    return Figures(
        offered=int(sum(offered)),
        answered=int(sum(answered)),
        service_level=shares["service_level"][0],
        abandoned=shares["abandoned"][0],
        asa_s=waited,
        occupancy=shares["occupancy"][0],
        p_wait=shares["p_wait"][0],
        overflowed=shares["overflowed"][0],
        ci=ci,
    )


def _batches(tally: Tally, keys: Iterable[Key]) -> list[Cell]:
    """The contacts of these kinds, by batch."""
    result = [Cell() for _ in range(tally.grid.batches)]
    for key in keys:
        for batch, cell in zip(result, tally.cells.get(key, ()), strict=False):
            batch.offered += cell.offered
            batch.answered += cell.answered
            batch.in_time += cell.in_time
            batch.abandoned += cell.abandoned
            batch.overflowed += cell.overflowed
            batch.delayed += cell.delayed
            batch.wait_ms += cell.wait_ms
    return result


def _areas(tally: Tally, levels: Iterable[Sequence[float]]) -> list[float]:
    """The integrals, added up, by batch."""
    size = tally.grid.per_batch
    result = [0.0] * tally.grid.batches
    for areas in levels:
        for number in range(len(result)):
            result[number] += sum(areas[number * size : (number + 1) * size])
    return result
