"""What the command line asks a simulator and what it is told: the boundary behind which `routing` simulates.

Plain data. The composition root hands a simulator (`hub.cli.simulate.Simulator`) to the command line, which may not
import one.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Figures(Struct, frozen=True, kw_only=True):
    """How contacts fared. Shares are 0 to 1 and of all offered contacts, None where there were none.

    `service_level`: answered within the threshold. `asa_s`: the mean wait of those answered. `p_wait`: those for whom
    nobody was free when they came. `abandoned` gave up; `overflowed` were turned away by the queue's rules.
    `occupancy`: the share of the agents' time that went into these contacts, wrap-up included.
    `ci` holds 95 % intervals (low, high) by name; empty where one day says nothing about the next.
    """

    offered: int
    answered: int
    service_level: float | None
    abandoned: float | None
    asa_s: float | None
    occupancy: float | None
    p_wait: float | None
    overflowed: float | None
    ci: dict[str, tuple[float, float]] = field(default_factory=dict)


class Outcome(Struct, frozen=True, kw_only=True):
    """One way that the time went, overall and by queue and channel."""

    total: Figures
    queues: dict[str, Figures]
    channels: dict[str, Figures]


class Report(Struct, frozen=True, kw_only=True):
    """`outcomes` by title, `reference` what a formula says of the same case (empty where none applies), `chart` an
    SVG of the last outcome, `notes` sentences that the reader should know."""

    outcomes: dict[str, Outcome]
    reference: dict[str, float] = field(default_factory=dict)
    reference_name: str = ""
    chart: str = ""
    notes: tuple[str, ...] = ()


class Job(Struct, frozen=True, kw_only=True):
    """What to simulate. `scenario` is what the TOML file `source` holds (or the flags, as one would write them there);
    `day` (YYYY-MM-DD, local)
    replays that day of a hub, changed by the scenario. `chart`: whether one is wanted."""

    scenario: dict[str, Any] = field(default_factory=dict)
    source: str = "scenario"
    day: str | None = None
    chart: bool = False
