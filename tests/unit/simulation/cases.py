"""Scenarios for the simulator's tests, run as the command line runs them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from hub.simulation import Figures, Job, Report
from routing.engine import Engine
from routing.simulation.demand import Arrival
from routing.simulation.tally import Grid, Tally
from routing.simulation.world import Agent, Office, World
from routing.simulator import run
from routing.specs import AgentSpec, AgentState, OverflowReason, QueueSpec

S = 1000
HOUR = 3600 * S


def one_queue(
    per_hour: float, handle_s: float, agents: int, hours: float, patience_s: float | None = None, seed: int = 1
) -> dict[str, Any]:
    """A scenario of one queue and one skill, everything exponential."""
    source: dict[str, Any] = {"queue": "all", "per_hour": per_hour, "handle_s": handle_s, "skills": {"any": 1}}
    if patience_s is not None:
        source["patience_s"] = patience_s
    return {
        "seed": seed,
        "hours": hours,
        "threshold_s": 20,
        "queues": {"all": {}},
        "agents": [{"count": agents, "skills": {"any": 1}}],
        "arrivals": [source],
    }


def simulated(scenario: Mapping[str, Any]) -> Report:
    return run(Job(scenario=dict(scenario)), None, lambda done, total: None)


def total(report: Report) -> Figures:
    return report.outcomes["simulated"].total


def play(
    coming: Sequence[Arrival],
    agents: Sequence[Agent],
    queues: Sequence[QueueSpec] = (QueueSpec("q"),),
    overflow: Mapping[tuple[str, OverflowReason], str | None] | None = None,
) -> Tally:
    """What became of these very contacts within an hour of a batch each minute; service level within 20 s."""
    tally = Tally(Grid(0, 60 * S, 60, 1), {})
    office = Office([(0, queue) for queue in queues], agents, overflow or {})
    World(Engine(), office, iter(coming), tally, random.Random(1)).run(lambda now: None)
    return tally


def here(id: str = "a", *, skills: Mapping[str, int] | None = None, until: int | None = None, **more: Any) -> Agent:
    """An agent who is there from the beginning on, `until` some time (ms) or for ever."""
    presence = [(0, AgentState.AVAILABLE)]
    if until is not None:
        presence.append((until, AgentState.OFFLINE))
    return Agent(AgentSpec(id, skills or {}), tuple(presence), **more)
