"""What calls cost chats: the mode `chat` of `python -m bench.voice`.

Calls and chats are made by two processes, so that neither waits for the other: each needs a core of its own, as the hub
and its media workers do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import statistics
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from pathlib import Path

from bench.chat import Clock, Figures, conversations, cpu_s, load, talk
from bench.voice_hub import Hub, Reach, callers, prepare, seats

FOREVER_S = 3600.0
CALLS_A_S = 5.0
UP_S, CLEAR_S = 180.0, 15.0
"""So long it may take until all calls talk, and until all are over."""


def spare(calls: int) -> int:
    """More agents than calls: on a busy machine a call may come to a second one."""
    return calls // 10 + 1


async def _hold(hub: Reach, calls: int, line: Connection) -> None:
    """Makes the calls, says how many talk, and keeps them until the line closes."""
    loop = asyncio.get_running_loop()
    async with seats(hub.url, calls + spare(calls)) as staff, callers(hub, CALLS_A_S, calls, FOREVER_S):
        up = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UP_S):
                while up < calls:
                    await asyncio.sleep(0.5)
                    up = sum(len(seat.to_audio) for seat in staff)
        line.send(up)
        with contextlib.suppress(EOFError):
            await loop.run_in_executor(None, line.recv)
        await asyncio.gather(*(seat.hang_up() for seat in staff))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLEAR_S):
                while any(seat.headset is not None for seat in staff):
                    await asyncio.sleep(0.1)


def _calls(hub: Reach, calls: int, line: Connection) -> None:
    """A process of its own, which gives way to what is measured."""
    os.nice(5)
    asyncio.run(_hold(hub, calls, line))


@contextlib.asynccontextmanager
async def running(hub: Reach, calls: int) -> AsyncIterator[None]:
    """So many calls with audio both ways and, as the queue has it, recordings."""
    ours, theirs = multiprocessing.Pipe()
    maker = multiprocessing.get_context("spawn").Process(target=_calls, args=(hub, calls, theirs))
    maker.start()
    theirs.close()
    try:
        said = await asyncio.to_thread(ours.recv)
        if said < calls:
            print(f"{said} of {calls} calls could be made", flush=True)
        yield
    finally:
        with contextlib.suppress(OSError):
            ours.send("over")
        await asyncio.to_thread(maker.join)


async def chats(folder: Path, options: argparse.Namespace) -> None:
    """Chats alone, with calls beside them, and alone again; the medians of the rounds and their ratios."""
    await prepare(folder, options.chat_calls + spare(options.chat_calls), options.chat_agents)
    clock = Clock()
    alone: list[Figures] = []
    beside: list[Figures] = []
    async with Hub(folder).running() as hub:
        pairs = await talk(hub.reach.url, clock, options.visitors, options.chat_agents)
        async with conversations(pairs, stay=True):

            async def measure(name: str, rounds: list[Figures]) -> None:
                rounds.append(await load(hub.server, pairs, clock, options.chat_rate, options.seconds))
                print(f"{name:>12}  {rounds[-1]}  load {os.getloadavg()[0]:.1f}", flush=True)

            async def idle() -> float:
                before = cpu_s(hub.server)
                await asyncio.sleep(5)
                return (cpu_s(hub.server) - before) / 5 * 100

            await load(hub.server, pairs, clock, options.chat_rate // 2, 3)
            for _ in range(options.rounds):
                await measure("chats alone", alone)
            before = await idle()
            async with running(hub.reach, options.chat_calls):
                after = await idle()
                print(f"{options.chat_calls} calls cost the web process {after - before:.1f} % of a core", flush=True)
                for _ in range(options.rounds):
                    await measure("with calls", beside)
            for _ in range(options.rounds):
                await measure("alone again", alone)
    figures: tuple[tuple[str, Callable[[Figures], float]], ...] = (
        ("p50, ms", lambda found: found.percentile(0.5)),
        ("p99, ms", lambda found: found.percentile(0.99)),
        ("web process, ms of CPU a message", lambda found: found.cpu_s / found.sent * 1000),
    )
    for name, of in figures:
        one, other = (statistics.median(map(of, rounds)) for rounds in (alone, beside))
        print(f"{name}: {one:.2f} alone, {other:.2f} with {options.chat_calls} calls: {other / one:.2f} times")
