"""How fast the simulator is: `python bench/simulate.py [--contacts 50000] [--agents 500] [--seed 1]`.

One simulated day of a large centre: ten queues with a skill each, calls and chats with a peak in the morning, agents
with one to four skills in early and late shifts, patience, wrap-up, declined and missed offers. Prints how long it took
and how much of that was the engine itself; CPU time, so other programs on the machine do not matter much.
"""

import argparse
import random
import resource
import sys
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).parent.parent))

from routing import inputs as i
from routing.engine import Engine
from routing.simulation.chances import Times
from routing.simulation.demand import DAY_MS, Source, arrivals
from routing.simulation.plan import QUARTER_MS
from routing.simulation.statistics import outcome
from routing.simulation.tally import Grid, Tally
from routing.simulation.world import Agent, Office, World
from routing.simulator import streams
from routing.specs import AgentSpec, AgentState, QueueSpec

QUEUES = 10
SHAPE = (0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 10, 8, 9, 10, 10, 9, 7, 4, 3, 1, 1, 0, 0)
SHIFTS = ((6, 14), (8, 16), (9, 17), (10, 18), (12, 20), (14, 22))
HOUR_MS = 3_600_000


class Timed(Engine):
    """An engine that knows how much of the process's time went into it."""

    spent = 0.0
    steps = 0

    def handle(self, input: i.Input, now: int) -> list[i.Decision]:
        started = process_time()
        decisions = super().handle(input, now)
        self.spent += process_time() - started
        self.steps += 1
        return decisions


def office(agents: int, seed: int) -> Office:
    chance = random.Random(seed)
    skills = [f"skill{n}" for n in range(QUEUES)]
    made = []
    for n in range(agents):
        have = {skill: chance.randint(1, 5) for skill in chance.sample(skills, chance.choice((1, 2, 2, 3, 4)))}
        start, end = SHIFTS[n % len(SHIFTS)]
        presence = ((start * HOUR_MS, AgentState.AVAILABLE), (end * HOUR_MS, AgentState.OFFLINE))
        made.append(Agent(AgentSpec(f"agent{n}", have), presence, decline=0.02, miss=0.005))
    queues = [(0, QueueSpec(f"queue{n}", {skills[n]: 1})) for n in range(QUEUES)]
    return Office(queues, made)


def sources(contacts: int) -> list[Source]:
    rates = tuple(contacts / QUEUES / 2 * part / sum(SHAPE) for part in SHAPE)
    return [
        Source(
            f"queue{n}",
            channel,
            rates,
            Times(lognormal=seconds, deviation=seconds),
            wrap_up=Times(fixed=15),
            answer=Times(fixed=3),
            patience=Times(exponential=180),
        )
        for n in range(QUEUES)
        for channel, seconds in (("voice", 200.0), ("chat", 400.0))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    engine = Timed(seed=options.seed)
    grid = Grid(0, QUARTER_MS, DAY_MS // QUARTER_MS, DAY_MS // QUARTER_MS)
    chances = streams(options.seed)
    coming = arrivals(sources(options.contacts), 0, DAY_MS, chances)
    world = World(engine, office(options.agents, options.seed), coming, Tally(grid, {}), chances("agents"))
    wall, cpu = perf_counter(), process_time()
    world.run(lambda now: None)
    figures = outcome([world.tally]).total
    wall, cpu = perf_counter() - wall, process_time() - cpu
    around = cpu - engine.spent
    print(
        f"a day of {figures.offered:,} contacts and {options.agents:,} agents: {cpu:.1f} s of CPU, {wall:.1f} s in all"
    )
    print(f"  the engine: {engine.spent:.1f} s in {engine.steps:,} steps; the simulation around it: {around:.1f} s")
    each, steps = 1e6 * cpu / figures.offered, engine.steps / figures.offered
    print(f"  {each:.0f} us a contact; {steps:.1f} steps of the engine each")
    assert figures.service_level is not None and figures.abandoned is not None and figures.occupancy is not None
    print(f"  in time {figures.service_level:.1%}, gave up {figures.abandoned:.1%}, busy {figures.occupancy:.1%}")
    print(f"  offers declined {world.tally.declined:,}, missed {world.tally.missed:,}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
