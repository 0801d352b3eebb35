"""Erlang's formulas, as a reference for the simplest case: one queue, one skill, everything exponential, no profile.

Sources: Erlang (1917) for C; Palm (1946) and Garnett, Mandelbaum and Reiman, "Designing a call center with impatient
customers", Manufacturing & Service Operations Management 4 (2002) for A.
"""

from __future__ import annotations

from math import exp
from typing import NamedTuple


class Erlang(NamedTuple):
    """Shares of all offered contacts; `asa_s` is the mean wait of those answered."""

    p_wait: float
    service_level: float
    asa_s: float
    occupancy: float
    abandoned: float


def erlang_b(agents: int, load: float) -> float:
    """The share of contacts that find all `agents` busy and leave at once, under `load` Erlang."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(per_hour: float, handle_s: float, agents: int, threshold_s: float) -> Erlang | None:
    """Everybody waits until he is answered. None when the work is more than the agents can do."""
    load = per_hour * handle_s / 3600
    if load >= agents:
        return None
    blocked = erlang_b(agents, load)
    busy = load / agents
    p_wait = blocked / (1 - busy * (1 - blocked))
    spare = (agents - load) / handle_s
    return Erlang(p_wait, 1 - p_wait * exp(-spare * threshold_s), p_wait / spare, busy, 0.0)


def erlang_a(per_hour: float, handle_s: float, patience_s: float, agents: int, threshold_s: float) -> Erlang:
    """Whoever waits gives up after an exponential time with mean `patience_s`.

    Summed over the number of contacts that an arriving one finds. Found j waiting, the time until its turn is a sum of
    exponentials with the rates a, a + 1, ... a + j (in units of patience, a = agents x patience / handle), so that
    exp(-time) has a Beta(a, j + 1) distribution.
    """
    load, scale = per_hour * handle_s / 3600, agents * patience_s / handle_s
    come = per_hour / 3600 * patience_s
    # Weights relative to the state in which all agents are busy and nobody waits; down from there, then up.
    below, weight = 0.0, 1.0
    for n in range(agents, 0, -1):
        weight *= n / load
        below += weight
    x = exp(-threshold_s / patience_s)
    above = served = served_in_time = waited = queue = 0.0
    weight = 1.0
    # P(Beta(scale + 1, j + 1) < x) as a sum that grows with j.
    term = cdf = x ** (scale + 1)
    ahead, reciprocals = 0, 0.0
    while weight > 1e-16 * (below + above) or ahead < come - scale:
        above += weight
        queue += weight * ahead
        reach = scale / (scale + ahead + 1)
        served += weight * reach
        served_in_time += weight * reach * (1 - min(cdf, 1.0))
        # E[time x exp(-time)] for the time above: reach times the sum of the reciprocals of the rates, each one more.
        reciprocals += 1 / (scale + 1 + ahead)
        waited += weight * reach * reciprocals
        ahead += 1
        term *= (scale + ahead) / ahead * (1 - x)
        cdf += term
        weight *= come / (scale + ahead)
    total = below + above
    answered = (below + served) / total
    abandoned = 1 - answered
    return Erlang(
        above / total,
        (below + served_in_time) / total,
        waited * patience_s / (below + served),
        load * answered / agents,
        abandoned,
    )
