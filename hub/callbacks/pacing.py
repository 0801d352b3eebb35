"""How many customers may be called ahead of an agent: by who will be free, and by how many were let down before.

Pure arithmetic of an office as it is now. Both limits err on the side of the customer: a handle time that has lasted
says nothing of when it ends, and whoever is being called is counted as one who will find no agent.
"""

from __future__ import annotations

from math import exp, lgamma, log
from typing import Literal

from msgspec import Struct

from hub.model import Millis

WINDOW_MS: Millis = 24 * 3_600_000
SPAN_MS: Millis = 5 * 60_000
"""From the moment that somebody is called no call needs longer until it is known whether an agent came."""
ANSWER_S = 6.0
"""What is taken for the time until somebody answers, before enough of them did."""
FEWEST_ANSWERS = 10
RISK = 0.05
"""How sure it has to be that an agent is free: 19 times of 20."""


class Office(Struct, frozen=True):
    """A queue's agents: `free` could take a callback now, `busy` have other work that lasts `handle_s` on average.
    `waiting` contacts are before whoever is called now, and `calling` customers whose phones ring already."""

    free: int
    busy: int
    handle_s: float
    waiting: int = 0
    calling: int = 0


class Rate(Struct, frozen=True):
    """Of the callbacks of a queue that persons answered in the last `WINDOW_MS`: how many, and of them how many found
    no agent. `lasting` of the answered still count `SPAN_MS` from now; `at_risk` were called ahead of an agent and have
    none yet, of whom `on_hold` answered. The limit is a share, such as 0.03."""

    answered: int = 0
    abandoned: int = 0
    lasting: int = 0
    at_risk: int = 0
    on_hold: int = 0

    @property
    def share(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    def over(self, limit: float) -> bool:
        """At the limit, or beyond it."""
        return self.abandoned > 0 and self.abandoned >= limit * self.answered

    def room(self, limit: float) -> int:
        """How many more may be called, so that the share is at most one call above the limit even if no agent comes to
        any of those who are called: abandoned + risked <= limit * (lasting + risked) + 1, those at risk among them."""
        if self.over(limit):
            return 0
        most = (limit * self.lasting + 1 - self.abandoned) / (1 - limit)
        return max(0, int(most + 1e-9) - self.at_risk)


class Plan(Struct, frozen=True):
    """`ahead` customers are called now; `agent_first` callbacks go to agents instead, and all that come until `why` is
    gone: "" or "limit"."""

    ahead: int = 0
    agent_first: int = 0
    why: Literal["", "limit"] = ""


def soon_free(office: Office, within_s: float) -> int:
    """How many agents are free within that time, all but certainly (`RISK`).

    Handle times are taken as exponential: of the busy ones each is free by then with 1 - exp(-t/mean), however long he
    has been at it, so that what is left of a talk is rather too long than too short. The number is binomial, and the
    largest one taken that is reached with 1 - RISK.
    """
    chance = 1 - exp(-max(within_s, 0.0) / max(office.handle_s, 1.0))
    if chance <= 0 or chance >= 1:
        return office.free + (office.busy if chance >= 1 else 0)
    below, count = 0.0, 0
    while count < office.busy:
        below += exp(_log_of(count, office.busy, chance))
        if below > RISK:
            break
        count += 1
    return office.free + count


def _log_of(count: int, of: int, chance: float) -> float:
    """The logarithm of the binomial probability; itself it would be 0 to a machine for thousands of agents."""
    ways = lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
    return ways + count * log(chance) + (of - count) * log(1 - chance)


def plan(office: Office, rate: Rate, ready: int, limit: float, within_s: float) -> Plan:
    """What is done with `ready` callbacks whose customers are to be called ahead of an agent."""
    if rate.over(limit):
        return Plan(0, ready, "limit")
    taken = office.waiting + office.calling
    wanted = min(ready, max(0, soon_free(office, within_s) - taken))
    ahead = min(wanted, rate.room(limit))
    # Nobody sits idle since the limit lets no more be called ahead.
    idle = max(0, office.free - taken - ahead)
    return Plan(ahead, min(ready - ahead, idle if ahead < wanted else 0))


def answers_within_s(rang_s: list[float]) -> float:
    """In which time customers answer, rather too short than too long: a quarter of them are quicker."""
    if len(rang_s) < FEWEST_ANSWERS:
        return ANSWER_S
    return sorted(rang_s)[len(rang_s) // 4]
