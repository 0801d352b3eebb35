"""What is counted while simulated time goes by: contacts by when they came, and levels (waiting, busy) over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]
"""(queue, channel) by which contacts are counted; transferred ones under the queue they came to first."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The time that counts: `buckets` of `width` ms from `begin` on; every `per_batch` of them are a batch."""

    begin: int
    width: int
    buckets: int
    per_batch: int

    @property
    def end(self) -> int:
        return self.begin + self.width * self.buckets

    @property
    def batches(self) -> int:
        return self.buckets // self.per_batch


class Level:
    """A number that changes over time, as its integral (ms) in each bucket."""

    __slots__ = ("_last", "areas", "grid", "value")

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.areas = [0.0] * grid.buckets
        self.value = 0.0
        self._last = 0

    def change(self, now: int, by: float) -> None:
        """It was `value` until `now`, and is more by `by` from then on."""
        last, self._last = self._last, now
        value = self.value
        self.value = value + by
        if value == 0 or now == last:
            return
        grid = self.grid
        begin, width = grid.begin, grid.width
        start, stop = max(last, begin) - begin, min(now, grid.end) - begin
        while start < stop:
            bucket = start // width
            until = min((bucket + 1) * width, stop)
            self.areas[bucket] += value * (until - start)
            start = until


@dataclass(slots=True)
class Cell:
    """The contacts of one kind that came in one batch. `wait_ms`: of the answered ones, together."""

    offered: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    overflowed: int = 0
    delayed: int = 0
    wait_ms: int = 0


@dataclass(slots=True)
class _Worker:
    here: bool = False
    work: list[Key] = field(default_factory=list)


class Tally:
    """The figures of one run. `thresholds` (ms) are by queue; `default` is for queues not among them."""

    def __init__(self, grid: Grid, thresholds: Mapping[str, int], default: int = 20_000) -> None:
        self.grid = grid
        self._thresholds, self._default = thresholds, default
        self.cells: dict[Key, list[Cell]] = {}
        self.work: dict[Key, Level] = {}
        self.waiting, self.busy, self.staffed = Level(grid), Level(grid), Level(grid)
        self.came = [0] * grid.buckets
        self.in_time = [0] * grid.buckets
        self._workers: dict[str, _Worker] = {}
        self.declined = self.missed = 0

    # --- contacts ---------------------------------------------------------------------------------------------

    def _cell(self, key: Key, arrived: int) -> Cell | None:
        grid = self.grid
        if not grid.begin <= arrived < grid.end:
            return None
        cells = self.cells.get(key)
        if cells is None:
            cells = self.cells[key] = [Cell() for _ in range(grid.batches)]
        return cells[(arrived - grid.begin) // (grid.width * grid.per_batch)]

    def offered(self, key: Key, arrived: int, delayed: bool) -> None:
        """A contact came; `delayed` when nobody was free for it."""
        if (cell := self._cell(key, arrived)) is not None:
            cell.offered += 1
            cell.delayed += delayed
            self.came[(arrived - self.grid.begin) // self.grid.width] += 1

    def answered(self, key: Key, arrived: int, now: int) -> None:
        if (cell := self._cell(key, arrived)) is not None:
            wait = now - arrived
            cell.answered += 1
            cell.wait_ms += wait
            if wait <= self._thresholds.get(key[0], self._default):
                cell.in_time += 1
                self.in_time[(arrived - self.grid.begin) // self.grid.width] += 1

    def abandoned(self, key: Key, arrived: int) -> None:
        if (cell := self._cell(key, arrived)) is not None:
            cell.abandoned += 1

    def overflowed(self, key: Key, arrived: int) -> None:
        if (cell := self._cell(key, arrived)) is not None:
            cell.overflowed += 1

    # --- agents -----------------------------------------------------------------------------------------------

    def present(self, agent: str, here: bool, now: int) -> None:
        """The agent is there for contacts from now on, or not. Whoever still has contacts is counted as there."""
        worker = self._workers.setdefault(agent, _Worker())
        if worker.here != here:
            worker.here = here
            if not worker.work:
                self.staffed.change(now, 1 if here else -1)

    def begin(self, agent: str, key: Key, now: int) -> None:
        """The agent has one more contact, which shares his time with those he has."""
        worker = self._workers.setdefault(agent, _Worker())
        if not worker.work:
            self.busy.change(now, 1)
            if not worker.here:
                self.staffed.change(now, 1)
        self._share(worker, now, -1)
        worker.work.append(key)
        self._share(worker, now, 1)

    def end(self, agent: str, key: Key, now: int) -> None:
        """The agent is done with one such contact."""
        worker = self._workers[agent]
        self._share(worker, now, -1)
        worker.work.remove(key)
        self._share(worker, now, 1)
        if not worker.work:
            self.busy.change(now, -1)
            if not worker.here:
                self.staffed.change(now, -1)

    def _share(self, worker: _Worker, now: int, sign: int) -> None:
        for key in worker.work:
            level = self.work.get(key)
            if level is None:
                level = self.work[key] = Level(self.grid)
            level.change(now, sign / len(worker.work))

    def close(self) -> None:
        """The time is over: bring the levels up to its end."""
        for level in (self.waiting, self.busy, self.staffed, *self.work.values()):
            level.change(self.grid.end, 0)
