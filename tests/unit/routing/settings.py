"""What administrators set in the world of faults: rows as the admin page stores them, read by the hub's own code."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hub import config_rows as rows
from hub.ports import ConfigRow
from hub.routing_check import refuse_mistakes
from routing import inputs as i
from routing.dispatch_specs import queue_spec
from routing.offices import directory_of
from routing.specs import AgentSpec, Strategy

QUEUES = ("one", "two", "three", "four")
AGENTS = ("ann", "bob", "eve", "joe", "kim", "lee")
SKILLS: Sequence[dict[str, int]] = ({}, {}, {}, {"billing": 1}, {"sales": 2}, {"billing": 3, "sales": 1})
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = [(f"{hour:02}:{start:02}", f"{hour:02}:{start + 6:02}") for hour in range(24) for start in (0, 12, 24, 36, 48)]
"""Open six minutes, closed six minutes."""


class Settings:
    """Queues that lead, by overflow, only to later ones; they come and go, and so do agents."""

    def __init__(self, chance: random.Random, *, alike: bool) -> None:
        """`alike`: nobody ever gets less room than he has."""
        self._chance = chance
        self._alike = alike
        calendar = ConfigRow("calendar", "office", 1, 0, {"name": "Office", "week": dict.fromkeys(DAYS, OFFICE)})
        self.directory = asyncio.run(directory_of({"calendar": [calendar]}, ()))
        self._quanta: dict[str, int] = {}
        self.agents: dict[str, AgentSpec] = {}

    def spec(self, id: str, now: int) -> i.QueueChanged:
        """As the dispatcher reads it at `now`; how much a step of priority is worth is no setting of the hub's."""
        return i.QueueChanged(replace(queue_spec(self.directory, id, now), quantum_ms=self._quanta[id]))

    def queue(self, id: str) -> rows.Queue | None:
        return self.directory.queues().get(id)

    def next_hours(self, now: int) -> int | None:
        """When a queue opens or closes next."""
        changes = [self.directory.next_change(id, now) for id in self.directory.queues()]
        return min((change[0] for change in changes if change is not None), default=None)

    def edit_queue(self, id: str) -> None:
        pick = self._chance.choice
        skills = pick(SKILLS)
        data: dict[str, Any] = {
            "name": id,
            "skills": skills,
            "relax": _wider(skills),
            "strategy": str(pick(list(Strategy))),
            "priority": pick((0, 0, 1)),
            "max_length": pick((1, 2, 3)),
            "hours": pick((None, "office")),
        }
        data["overflow"] = [self._rule(id, when) for when in self._occasions(data["hours"] is not None)]
        self._quanta[id] = pick((0, 10_000, 60_000))
        refuse_mistakes(self.directory, id, rows.read(rows.Queue, data))
        self.directory._keep(ConfigRow("queue", id, 1, 0, data))

    def _occasions(self, has_hours: bool) -> list[str]:
        known = ("wait", "unstaffed", "full", "closed") if has_hours else ("wait", "unstaffed", "full")
        return [when for when in known if self._chance.random() < 0.6]

    def _rule(self, id: str, when: str) -> dict[str, Any]:
        pick, later = self._chance.choice, QUEUES[QUEUES.index(id) + 1 :]
        to = pick(("queue", "queue", "callback", "voicemail", "message") if later else ("callback", "message"))
        after_s = {"wait": pick((5, 40, 120)), "unstaffed": pick((0, 10, 60)), "full": 0, "closed": pick((0, 30))}
        rule = {"when": when, "to": to, "after_s": after_s[when]}
        return rule | {"queue": pick(later)} if to == "queue" else rule

    def remove_queue(self, id: str) -> None:
        self.directory._rows["queue"].pop(id, None)

    def edit_agent(self, id: str) -> AgentSpec:
        pick = self._chance.choice
        able = pick(({"billing": 3, "sales": 3}, {"billing": 3, "sales": 3}, {"billing": 1}, {"sales": 2}))
        capacity = 100 if self._alike else pick((60, 100, 200))
        maxima = {} if self._alike else pick(({}, {}, {"chat": 2}, {"voice": 0}))
        queues = pick((None, None, frozenset(QUEUES[:2]), frozenset(QUEUES[1:])))
        auto = frozenset({"chat"}) if pick((False, False, True)) else frozenset[str]()
        self.agents[id] = AgentSpec(id, able, queues, capacity, maxima=maxima, auto_accept=auto)
        return self.agents[id]


def _wider(skills: dict[str, int]) -> list[dict[str, Any]]:
    steps = [{"after_s": 20, "skills": dict.fromkeys(skills, 1)}, {"after_s": 60, "skills": {}}]
    return steps if skills else []
