"""How fast the routing engine is: `python bench/routing.py [--waiting 100000] [--agents 10000] [--seed 1]`.

Builds a large centre (100,000 waiting in 400 classes, 10,000 agents with some 8,700 different profiles) and times
single calls of `Engine.handle` in two states: crowded (everybody works; an agent finishes and is offered what has
waited longest) and quiet (most are idle; a contact arrives and is offered to the longest idle). The engine never waits
for anything, so the thread's CPU time counts: other programs on the machine do not matter. Beside them stand the
figures of a prototype of the same shape in Lua on Redis: offer p50 146 us, p99 396 us.
"""

import argparse
import gc
import random
import resource
import sys
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

sys.path.insert(0, str(Path(__file__).parent.parent))

from routing import inputs as i
from routing.engine import Engine
from routing.specs import AgentSpec, AgentState, QueueSpec

QUEUES, CLASSES, SKILLS = 40, 400, 40
CHANNELS = ("voice", "chat", "email", "callback")
START = 1_800_000_000_000


class Centre:
    """An engine with its queues and agents, a clock that is told, and timings by what was done."""

    def __init__(self, agents: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.engine = Engine(seed=seed)
        self.now = START
        self.timings: dict[str, list[int]] = {}
        self.known: set[tuple[str, str, tuple[tuple[str, int], ...]]] = set()
        self.serial = 0
        skills = [f"skill{n}" for n in range(SKILLS)]
        self.classes: list[tuple[str, str, dict[str, int]]] = []
        for n in range(QUEUES):
            self.engine.handle(i.QueueChanged(QueueSpec(f"queue{n}", {skills[n % SKILLS]: 1})), self.now)
        while len(self.classes) < CLASSES:
            queue = self.random.randrange(QUEUES)
            own = {self.random.choice(skills): self.random.randint(1, 3)} if self.random.random() < 0.62 else {}
            made = (f"queue{queue}", self.random.choice(CHANNELS), own)
            if made not in self.classes:
                self.classes.append(made)
        profiles = set()
        self.agents = []
        for n in range(agents):
            few = self.random.choices((1, 2, 5, 8, 11), (13, 14, 30, 28, 15))[0]
            have = {skill: self.random.randint(1, 5) for skill in self.random.sample(skills, few)}
            profiles.add(frozenset(have.items()))
            self.agents.append(f"agent{n}")
            self.engine.handle(i.AgentChanged(AgentSpec(f"agent{n}", have, maxima={"chat": 1, "email": 1})), self.now)
        self.profiles = len(profiles)

    def matched(self) -> float:
        """Mean number of classes that an agent matches."""
        seats = self.engine._index.seats.values()
        return sum(len(seat.profile.classes) for seat in seats) / len(seats)

    def do(self, what: str, input: i.Input) -> list[i.Decision]:
        started = thread_time_ns()
        decisions = self.engine.handle(input, self.now)
        self.timings.setdefault(what, []).append(thread_time_ns() - started)
        return decisions

    def arrival(self, age_ms: int = 0) -> i.Enqueued:
        self.serial += 1
        queue, channel, own = self.random.choice(self.classes)
        return i.Enqueued(f"contact{self.serial}", channel, queue, self.now - age_ms, own, self.random.randint(0, 3))

    def arrive(self, what: str, age_ms: int = 0) -> list[i.Decision]:
        """A contact arrives; the first of its kind, for which the engine has to find who matches, is timed apart."""
        contact = self.arrival(age_ms)
        kind = (contact.queue, contact.channel, tuple(contact.requirements.items()))
        first = kind not in self.known
        self.known.add(kind)
        return self.do("first contact of its kind" if first else what, contact)

    def report(self, what: str) -> None:
        times = sorted(self.timings.get(what, ()))
        if times:
            half, high = times[len(times) // 2] / 1000, times[int(len(times) * 0.99)] / 1000
            most = times[-1] / 1000
            print(f"  {what:<36} {len(times):>7,}   p50 {half:>7.1f} us   p99 {high:>7.1f} us   max {most:>9.1f} us")


def offers(decisions: list[i.Decision]) -> list[i.Offer]:
    return [decision for decision in decisions if isinstance(decision, i.Offer)]


def crowded(centre: Centre, waiting: int, rounds: int) -> None:
    """Many wait, everybody works: agents finish and are offered the next; some decline; some callers give up."""
    for _ in range(waiting):
        centre.arrive("arrival, nobody available", centre.random.randrange(600_000))
    held: list[tuple[str, str]] = []
    for agent in centre.agents:
        for offer in offers(
            centre.do("agent comes, many wait", i.PresenceChanged(agent, AgentState.AVAILABLE, 1, START))
        ):
            centre.do("accept", i.OfferAccepted(offer.contact, offer.agent, offer.fence))
            held.append((offer.contact, offer.agent))
    for n in range(rounds):
        centre.now += 7
        centre.arrive("arrival, everybody busy")
        at = centre.random.randrange(len(held))
        held[at], held[-1] = held[-1], held[at]
        contact, agent = held.pop()
        for offer in offers(centre.do("agent finishes -> offer", i.Released(contact, agent))):
            if n % 10 == 0:
                declined = i.OfferDeclined(offer.contact, offer.agent, offer.fence)
                for other in offers(centre.do("decline -> offer of the next", declined)):
                    offer = other
            centre.do("accept", i.OfferAccepted(offer.contact, offer.agent, offer.fence))
            held.append((offer.contact, offer.agent))
        started = thread_time_ns()
        centre.engine.position(f"contact{centre.serial}")
        centre.engine.wait_estimate(f"contact{centre.serial}")
        centre.timings.setdefault("position and estimate", []).append(thread_time_ns() - started)


def quiet(centre: Centre, rounds: int) -> None:
    """Nobody waits, most are idle: contacts arrive, are offered, accepted, finished."""
    while len(centre.known) < CLASSES:
        contact = f"contact{centre.serial + 1}"
        centre.arrive("arrival, nobody available")
        centre.do("abandoned", i.Dequeued(contact, abandoned=True))
    for agent in centre.agents:
        centre.do("agent comes, nobody waits", i.PresenceChanged(agent, AgentState.AVAILABLE, 1, START))
    held: list[tuple[str, str]] = []
    for n in range(rounds):
        centre.now += 7
        for offer in offers(centre.arrive("arrival -> offer")):
            if n % 10 == 0:
                declined = i.OfferDeclined(offer.contact, offer.agent, offer.fence)
                for other in offers(centre.do("decline -> offer to the next agent", declined)):
                    offer = other
            centre.do("accept (agents idle)", i.OfferAccepted(offer.contact, offer.agent, offer.fence))
            held.append((offer.contact, offer.agent))
        if len(held) > 1000:
            centre.do("agent finishes, nobody waits", i.Released(*held.pop(0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pauses: list[int] = []

    def watch(phase: str, info: dict[str, int]) -> None:
        pauses.append(-thread_time_ns() if phase == "start" else pauses.pop() + thread_time_ns())

    for title in ("crowded", "quiet"):
        gc.collect()
        pauses.clear()
        gc.callbacks.append(watch)
        started = perf_counter_ns()
        centre = Centre(options.agents, options.seed)
        print(f"{title}: {options.agents:,} agents, {centre.profiles:,} profiles; {CLASSES} kinds of contacts")
        if title == "crowded":
            crowded(centre, options.waiting, options.rounds)
            figures = centre.timings["agent finishes -> offer"]
        else:
            quiet(centre, options.rounds)
            figures = centre.timings["arrival -> offer"]
        gc.callbacks.remove(watch)
        print(f"  kinds that an agent may serve: mean {centre.matched():.1f}")
        for what in centre.timings:
            centre.report(what)
        print(f"  Python's garbage collector, within the above: longest pause {max(pauses, default=0) / 1e6:.1f} ms")
        figures.sort()
        half, high = figures[len(figures) // 2] / 1000, figures[int(len(figures) * 0.99)] / 1000
        print(
            f"  offer, as fast as the prototype on Redis (146, 396 us): p50 x {146 / half:.1f}, p99 x {396 / high:.1f}"
        )
        print(f"  took {(perf_counter_ns() - started) / 1e9:.1f} s")
        del centre, figures
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory {peak} MB")


if __name__ == "__main__":
    main()
