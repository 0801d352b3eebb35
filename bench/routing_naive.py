"""What the engine's indexes are worth: the same questions answered by looking at everything, as most systems do.

`scan` looks at every waiting contact (or agent) and takes the least; `walk` keeps them in one ordered list and stops at
the first that fits. Both know beforehand what each contact asks for and each agent's room, and do none of the
bookkeeping that the engine's figures include, so the ratio flatters them.
"""

from __future__ import annotations

from bisect import insort
from time import thread_time_ns

from bench.routing_centre import Centre
from routing.agents import Agent, Weight
from routing.waiting import Contact

Waiting = tuple[int, int, int, Contact, dict[str, int], Weight]


class Naive:
    """A copy of who waits in a centre: (score, enqueued at, serial, contact, skills asked for, its weight)."""

    def __init__(self, centre: Centre) -> None:
        self.waiting: list[Waiting] = []
        for contact in centre.engine._admission.contacts.values():
            kind = contact.waiting_class
            if kind is not None:
                self.waiting.append((*contact.entry, dict(kind.skills), kind.weight))
        self.ordered = sorted(self.waiting, key=lambda one: one[:3])
        self.timings: dict[str, list[int]] = {"scan": [], "walk": []}

    def agent_is_free(self, agent: Agent) -> tuple[str | None, str | None]:
        """Who would be offered to the agent, by scan and by walk: ids of contacts. Nothing changes."""
        started = thread_time_ns()
        found = [one for one in self.waiting if fits(agent, one)]
        scanned = min(found, key=lambda one: one[:3], default=None)
        between = thread_time_ns()
        walked = next((one for one in self.ordered if fits(agent, one)), None)
        ended = thread_time_ns()
        self.timings["scan"].append(between - started)
        self.timings["walk"].append(ended - between)
        return scanned[3].id if scanned else None, walked[3].id if walked else None

    def takes(self, contact: str) -> None:
        self.waiting = [one for one in self.waiting if one[3].id != contact]
        self.ordered = [one for one in self.ordered if one[3].id != contact]

    def adds(self, contact: Contact) -> None:
        kind = contact.waiting_class
        assert kind is not None
        one: Waiting = (*contact.entry, dict(kind.skills), kind.weight)
        self.waiting.append(one)
        insort(self.ordered, one, key=lambda each: each[:3])

    def figures(self, what: str) -> tuple[float, float]:
        """p50 and p99 in microseconds of CPU."""
        times = sorted(self.timings[what])
        return times[len(times) // 2] / 1000, times[int(len(times) * 0.99)] / 1000


def fits(agent: Agent, one: Waiting) -> bool:
    contact, asked, weight = one[3], one[4], one[5]
    have = agent.spec.skills
    for skill, level in asked.items():
        if have.get(skill, 0) < level:
            return False
    return agent.has_room(weight) and not contact.bars(agent)
