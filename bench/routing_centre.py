"""A large centre for the benchmarks of routing: queues, kinds of contacts, agents with many different profiles."""

from __future__ import annotations

import random
from time import thread_time_ns

from routing import inputs as i
from routing.engine import Engine
from routing.specs import AgentSpec, AgentState, QueueSpec

QUEUES, SKILLS = 40, 40
CHANNELS = ("voice", "chat", "email", "callback")
START = 1_800_000_000_000


class Centre:
    """An engine with its queues and agents, a clock that is told, and timings (ns of CPU) by what was done."""

    def __init__(self, agents: int, seed: int, kinds: int = 400) -> None:
        self.random = random.Random(seed)
        self.engine = Engine(seed=seed)
        self.now = START
        self.timings: dict[str, list[int]] = {}
        self.known: set[tuple[str, str, tuple[tuple[str, int], ...]]] = set()
        self.serial = 0
        queues = min(QUEUES, kinds)
        skills = [f"skill{n}" for n in range(SKILLS)]
        self.kinds: list[tuple[str, str, dict[str, int]]] = []
        self.queues = [QueueSpec(f"queue{n}", {skills[n % SKILLS]: 1}) for n in range(queues)]
        self.specs: list[AgentSpec] = []
        for queue in self.queues:
            self.engine.handle(i.QueueChanged(queue), self.now)
        while len(self.kinds) < kinds:
            own = {self.random.choice(skills): self.random.randint(1, 3)} if self.random.random() < 0.62 else {}
            made = (f"queue{self.random.randrange(queues)}", self.random.choice(CHANNELS), own)
            if made not in self.kinds:
                self.kinds.append(made)
        for n in range(agents):
            few = self.random.choices((1, 2, 5, 8, 11), (13, 14, 30, 28, 15))[0]
            have = {skill: self.random.randint(1, 5) for skill in self.random.sample(skills, few)}
            self.specs.append(AgentSpec(f"agent{n}", have, maxima={"chat": 1, "email": 1}))
            self.engine.handle(i.AgentChanged(self.specs[-1]), self.now)
        self.profiles = len({frozenset(spec.skills.items()) for spec in self.specs})

    def matched(self) -> float:
        """Mean number of classes that an agent matches."""
        seats = self.engine._index.seats.values()
        return sum(len(lane.classes) for seat in seats for lane in seat.profile.lanes.values()) / len(seats)

    def do(self, what: str, input: i.Input) -> list[i.Decision]:
        started = thread_time_ns()
        decisions = self.engine.handle(input, self.now)
        self.timings.setdefault(what, []).append(thread_time_ns() - started)
        return decisions

    def come(self, what: str, agent: str, epoch: int = 1) -> list[i.Offer]:
        return offers(self.do(what, i.PresenceChanged(agent, AgentState.AVAILABLE, epoch, self.now)))

    def arrival(self, age_ms: int = 0) -> i.Enqueued:
        self.serial += 1
        queue, channel, own = self.random.choice(self.kinds)
        return i.Enqueued(f"contact{self.serial}", channel, queue, self.now - age_ms, own, self.random.randint(0, 3))

    def arrive(self, what: str, age_ms: int = 0) -> list[i.Decision]:
        """A contact arrives; the first of its kind, for which the engine has to find who matches, is timed apart."""
        contact = self.arrival(age_ms)
        kind = (contact.queue, contact.channel, tuple(contact.requirements.items()))
        first = kind not in self.known
        self.known.add(kind)
        return self.do("first contact of its kind" if first else what, contact)

    def crowd(self, waiting: int) -> None:
        """So many contacts wait, of ages up to ten minutes, and nobody is there."""
        for _ in range(waiting):
            self.arrive("arrival, nobody available", self.random.randrange(600_000))

    def meet_every_kind(self) -> None:
        """Each kind came and went once, so that the engine has its class."""
        while len(self.known) < len(self.kinds):
            contact = f"contact{self.serial + 1}"
            self.arrive("arrival, nobody available")
            self.do("abandoned", i.Dequeued(contact, abandoned=True))

    def figures(self, what: str) -> tuple[float, float, float]:
        """p50, p99 and the greatest, in microseconds of CPU."""
        times = sorted(self.timings[what])
        return times[len(times) // 2] / 1000, times[int(len(times) * 0.99)] / 1000, times[-1] / 1000

    def report(self, what: str) -> None:
        half, high, most = self.figures(what)
        count = len(self.timings[what])
        print(f"  {what:<36} {count:>7,}   p50 {half:>7.1f} us   p99 {high:>7.1f} us   max {most:>9.1f} us")


def offers(decisions: list[i.Decision]) -> list[i.Offer]:
    return [decision for decision in decisions if isinstance(decision, i.Offer)]
