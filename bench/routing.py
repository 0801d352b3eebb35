"""How fast routing is, without and with the hub around it.

    python -m bench.routing [--waiting 100000] [--agents 10000] [--rounds 20000] [--seed 1]
    python -m bench.routing --only hub        one part: crowded, quiet, naive, lives, stalls, rebuild, memory, hub, herd

A large centre (100,000 waiting of 400 kinds, 10,000 agents with some 8,900 different profiles) and single calls of
`Engine.handle` in it: crowded (everybody works; an agent finishes and is offered what has waited longest) and quiet
(most are idle; a contact arrives and is offered to the longest idle). The engine never waits for anything, so all its
figures are CPU time of the thread: other programs on the machine matter little. Beside them stand, from the same run
and the same contacts, the times of answering the same question by looking at everything, and the figures of a prototype
of the same shape in Lua on Redis: offer p50 146 us, p99 396 us.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import thread_time_ns

from bench.routing_centre import START, Centre, offers
from bench.routing_herd import herd
from bench.routing_hub import lifecycles
from bench.routing_naive import Naive
from hub.interpreter import settle
from routing import inputs as i
from routing.engine import Engine
from routing.specs import AgentState, QueueSpec, RelaxStep

Held = list[tuple[str, str]]
REDIS_US = (146, 396)


def everybody_comes(centre: Centre) -> Held:
    """All agents sign in and accept what they are offered: (contact, agent)."""
    held: Held = []
    for spec in centre.specs:
        for offer in centre.come("agent comes, many wait", spec.id):
            centre.do("accept", i.OfferAccepted(offer.contact, offer.agent, offer.fence))
            held.append((offer.contact, offer.agent))
    return held


def crowded(options: argparse.Namespace) -> None:
    """Many wait, everybody works: agents finish and are offered the next; some decline; contacts arrive."""
    centre = Centre(options.agents, options.seed)
    centre.crowd(options.waiting)
    held = everybody_comes(centre)
    for n in range(options.rounds):
        centre.now += 7
        centre.arrive("arrival, everybody busy")
        contact, agent = held.pop(centre.random.randrange(len(held)))
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
    print(f"  kinds that an agent may serve: mean {centre.matched():.1f} of {len(centre.kinds)}")
    show(centre, "agent finishes -> offer")


def quiet(options: argparse.Namespace) -> None:
    """Nobody waits, most are idle: contacts arrive, are offered, accepted, finished."""
    centre = Centre(options.agents, options.seed)
    centre.meet_every_kind()
    for spec in centre.specs:
        centre.come("agent comes, nobody waits", spec.id)
    held: Held = []
    for n in range(options.rounds):
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
    show(centre, "arrival -> offer")


def show(centre: Centre, offer: str) -> None:
    for what in centre.timings:
        centre.report(what)
    half, high, _ = centre.figures(offer)
    print(f"  offer against Redis (146, 396 us): p50 x {REDIS_US[0] / half:.1f}, p99 x {REDIS_US[1] / high:.1f}")


def naive(options: argparse.Namespace) -> None:
    """Each time the three ways have to name the same contact. The engine is timed before the scans clear the caches."""
    centre = Centre(options.agents, options.seed)
    centre.crowd(options.waiting)
    held = everybody_comes(centre)
    for _ in range(min(2_000, len(held) // 2)):
        centre.do("agent finishes -> offer", i.Released(*held.pop(centre.random.randrange(len(held)))))
    beside = Naive(centre)
    for _ in range(min(150, len(held))):
        contact, agent = held.pop(centre.random.randrange(len(held)))
        made = offers(centre.do("compared", i.Released(contact, agent)))
        seat = centre.engine._index.seats[agent].agent
        first = made[0].contact if made else None
        if first is not None:
            # Ask for what he was offered first: with the room he had before.
            taken = [seat.drop(offer.contact) for offer in made]
            assert beside.agent_is_free(seat) == (first, first)
            for offer, work in zip(made, taken, strict=True):
                seat.take(offer.contact, work)
                beside.takes(offer.contact)
    engine = centre.figures("agent finishes -> offer")
    print(f"  {'engine, with all its bookkeeping':<36} p50 {engine[0]:>9.1f} us   p99 {engine[1]:>9.1f} us")
    for what, name in (("scan", "scan of all that wait"), ("walk", "walk of one ordered list")):
        half, high = beside.figures(what)
        ratio = f"x {half / engine[0]:,.1f} and x {high / engine[1]:,.1f}"
        print(f"  {name:<36} p50 {half:>9.1f} us   p99 {high:>9.1f} us   {ratio} of the engine's")


def lives(options: argparse.Namespace) -> None:
    """Lives a second: queued, offered, accepted, ended; in a centre where everybody works, and in three quiet ones."""
    rates = [busy_lives_a_second(options, seed) for seed in range(3)]
    print(
        f"  {options.agents:>6,} agents, 400 kinds of contacts, {options.waiting:,} waiting: "
        f"{median(rates):>7,.0f} lives a second (enqueue, offer, accept, end)"
    )
    for agents, kinds in ((50, 4), (500, 40), (options.agents, 400)):
        rate = {
            whole: median(lives_a_second(agents, kinds, seed, options.rounds // 4, whole=whole) for seed in range(5))
            for whole in (False, True)
        }
        print(
            f"  {agents:>6,} agents, {kinds:>3} kinds of contacts, nobody waits: {rate[False]:>7,.0f} lives a second, "
            f"{rate[True]:>7,.0f} with the offer confirmed and wrap-up"
        )


def busy_lives_a_second(options: argparse.Namespace, seed: int) -> float:
    """For each contact that comes an agent ends one, is offered what has waited longest, and accepts it."""
    centre = Centre(options.agents, seed)
    centre.crowd(options.waiting)
    held = everybody_comes(centre)
    handle, now, lived = centre.engine.handle, centre.now, 0
    arrivals = []
    for _ in range(options.rounds):
        centre.now += 7
        arrivals.append(centre.arrival())
    settle()
    started = thread_time_ns()
    for arrival in arrivals:
        now += 7
        handle(arrival, now)
        for offer in offers(handle(i.Released(*held.pop(centre.random.randrange(len(held)))), now)):
            handle(i.OfferAccepted(offer.contact, offer.agent, offer.fence), now)
            held.append((offer.contact, offer.agent))
            lived += 1
    return lived / (thread_time_ns() - started) * 1e9


def lives_a_second(agents: int, kinds: int, seed: int, rounds: int, *, whole: bool) -> float:
    centre = Centre(agents, seed, kinds)
    centre.meet_every_kind()
    handle, now = centre.engine.handle, centre.now
    for spec in centre.specs:
        handle(i.PresenceChanged(spec.id, AgentState.AVAILABLE, 1, now), now)
    arrivals = [centre.arrival() for _ in range(rounds)]
    settle()
    lived, started = 0, thread_time_ns()
    for arrival in arrivals:
        now += 7
        for offer in offers(handle(arrival, now)):
            contact, agent, fence = offer.contact, offer.agent, offer.fence
            if whole:
                handle(i.OfferMade(contact, agent, fence, offer.deadline, offer.epoch), now)
            handle(i.OfferAccepted(contact, agent, fence), now)
            if whole:
                handle(i.WrapUpStarted(contact, agent, now + 60_000), now)
                handle(i.WrapUpEnded(contact, agent), now)
            else:
                handle(i.Released(contact, agent), now)
            lived += 1
    return lived / (thread_time_ns() - started) * 1e9


def stalls(options: argparse.Namespace) -> None:
    """For how long a single call, or one batch of 500 events of the log, keeps everything else waiting."""
    centre = Centre(options.agents, options.seed)
    centre.crowd(options.waiting)
    settle()
    batches = []
    for start in range(0, len(centre.specs), 500):
        began = thread_time_ns()
        for spec in centre.specs[start : start + 500]:
            centre.come("agent comes, many wait", spec.id)
        batches.append((thread_time_ns() - began) / 1e6)
    centre.report("agent comes, many wait")
    print(f"  500 agents come, one after the other: median {median(batches):.1f} ms, longest {max(batches):.1f} ms")
    one = Centre(options.agents, options.seed, kinds=1)
    one.crowd(options.waiting)
    settle()
    name, edits = one.queues[0].id, []
    for number in range(5):
        edited = QueueSpec(name, one.queues[0].skills, (RelaxStep(900_000, {}),), priority=number)
        began = thread_time_ns()
        one.engine.handle(i.QueueChanged(edited), one.now)
        edits.append((thread_time_ns() - began) / 1e6)
        while (due := one.engine.next_deadline()) == one.now + 1:
            one.now = due
            began = thread_time_ns()
            one.engine.handle(i.Tick(), one.now)
            edits.append((thread_time_ns() - began) / 1e6)
    print(
        f"  the queue of all {options.waiting:,} is edited five times: median {median(edits):.0f} ms a call, "
        f"longest {max(edits):.0f} ms, {sum(edits) / 5:,.0f} ms in all"
    )


def rebuild(options: argparse.Namespace) -> None:
    """A restart: 100,000 open contacts, one in ten of them in conversation, and all agents, into a new engine."""
    times = []
    for number in range(3):
        centre = Centre(options.agents, options.seed + number)
        busy = options.waiting // 10
        facts: list[i.Input] = [i.QueueChanged(queue) for queue in centre.queues]
        facts += [i.AgentChanged(spec) for spec in centre.specs]
        facts.append(i.HandledToday({spec.id: 3 for spec in centre.specs}))
        facts += [centre.arrival(centre.random.randrange(600_000)) for _ in range(options.waiting - busy)]
        for n in range(busy):
            agent = centre.specs[n % len(centre.specs)].id
            facts.append(i.Assigned(f"held{n}", agent, "chat", "queue0", START))
        facts += [i.PresenceChanged(spec.id, AgentState.AVAILABLE, 1, START) for spec in centre.specs]
        engine, began = Engine(), thread_time_ns()
        for fact in facts:
            engine.handle(fact, START)
        times.append((thread_time_ns() - began) / 1e9)
    print(f"  {options.waiting:,} open contacts and {options.agents:,} agents: {median(times):.2f} s of CPU")


def memory(options: argparse.Namespace) -> None:
    """What a waiting contact takes: its facts, its record, its places in the lists."""
    centre, count = Centre(100, options.seed), 20_000
    centre.meet_every_kind()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(count):
        centre.engine.handle(centre.arrival(), centre.now)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"  {used / count:,.0f} bytes a waiting contact")


def hub(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(lifecycles(Path(name), options.hub_contacts))


def sign_in(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(herd(Path(name), options.waiting, options.agents))


PARTS: dict[str, tuple[str, Callable[[argparse.Namespace], None]]] = {
    "crowded": ("everybody works, many wait", crowded),
    "quiet": ("most are idle, nobody waits", quiet),
    "naive": ("an agent finishes: who is next?", naive),
    "lives": ("whole lives in the engine", lives),
    "stalls": ("how long one thing holds up all others", stalls),
    "rebuild": ("restart", rebuild),
    "memory": ("memory", memory),
    "hub": ("through the hub, with SQLite on this disk", hub),
    "herd": ("everybody signs in at once, and a takeover, through the hub", sign_in),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--hub-contacts", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    print(f"{options.agents:,} agents, {options.waiting:,} waiting")
    for name in options.only or PARTS:
        title, part = PARTS[name]
        print(f"{name}: {title}")
        gc.collect()
        part(options)


if __name__ == "__main__":
    main()
