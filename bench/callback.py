"""How soon callbacks that are due are in their queue, and how long asking for one takes, with 50,000 scheduled.

    python -m bench.callback
    python -m bench.callback --scheduled 2000 --due 50 --seconds 5 --asked 100     a look whether it works

A hub in this process with its dispatcher and the keeper of callbacks, on SQLite in a temporary folder, without agents:
so each callback that becomes due is put into the queue and waits there. Beside it others are asked for, at a pace. What
is printed: how late the contacts came into the queue, and what asking took, from the call to the commit.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from channels.callback.asking import Asking
from channels.callback.guard import Guard
from channels.callback.keeper import Keeper
from channels.callback.steps import Steps
from hub.bus import open_bus
from hub.callback_desk import Asker, NewCallback
from hub.callbacks.model import Callback, Policy, State
from hub.callbacks.records import CallbackFilter
from hub.callbacks.settings import CallbackSettings, Caps
from hub.clock import SystemClock
from hub.events import CallbackMoved
from hub.ids import derived_id
from hub.model import Contact, Customer
from hub.ports import Change
from hub.service import Hub
from hub.store import SqlStore, open_store
from routing.dispatcher import Dispatcher

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SETTINGS = CallbackSettings(
    Policy(hours=dict.fromkeys(DAYS, ("00:00", "24:00"))), ("DE",), caps=Caps(3, 10, 10_000, 10_000)
)
HOUR_MS = 3_600_000


class NoTelephone:
    """A trunk is there; nobody accepts, so nothing is called."""

    def ready(self, callback: Callback) -> bool:
        return True

    async def begin(self, callback: Callback, contact: Contact, wait_ms: int = 0) -> None:
        raise AssertionError("there are no agents")

    def withdraw(self, contact: str) -> None:
        raise AssertionError("nobody was called")


def scheduled(n: int, now: int, due: int) -> Change:
    id = derived_id("cb", 0, "bench", str(n))
    callback = Callback(
        id,
        1,
        State.SCHEDULED,
        id[-8:].upper(),
        f"+4930{2_000_000 + n}",
        f"Customer {n}",
        queue="support",
        site="shop",
        zones=("Europe/Berlin",),
        contact=derived_id("ct", 0, "callback", id),
        customer=derived_id("cu", 0, str(n)),
        origin="bench",
        asked_at=now - 48 * HOUR_MS,
        wished_at=due,
        due_at=due,
        next_at=due,
    )
    event = CallbackMoved(str(callback.state), callback.contact, "", due)
    customer = Customer(callback.customer, callback.name, phone=callback.number, created_at=now)
    return Change(id, 0, (event,), now, "bench", customer=customer, callback=callback)


async def fill(store: SqlStore, count: int, due: int, first: int, seconds: float) -> None:
    """`due` of them come within `seconds` from `first` on, the others some days later."""
    now = SystemClock().now()
    times = [int(first + n * seconds * 1000 / due) for n in range(due)]
    times += [now + 48 * HOUR_MS + n for n in range(count - due)]
    for start in range(0, count, 2000):
        part = range(start, min(count, start + 2000))
        await asyncio.gather(*(store.log.append(scheduled(n, now, times[n])) for n in part))


async def ask(asking: Asking, count: int, seconds: float) -> list[float]:
    """What each took, in milliseconds."""
    took: list[float] = []

    async def one(n: int) -> None:
        start = time.perf_counter()
        new = NewCallback(f"+4940{2_000_000 + n}", name="Eva", queue="support", when="asap")
        await asking.ask(new, Asker("us_bench", "bench"), f"bench-key-{n:06d}")
        took.append((time.perf_counter() - start) * 1000)

    async with asyncio.TaskGroup() as group:
        for n in range(count):
            group.create_task(one(n))
            await asyncio.sleep(seconds / count)
    return took


def told(name: str, values: list[float], unit: str) -> None:
    found = sorted(values)
    p99 = found[min(len(found) - 1, int(len(found) * 0.99))]
    print(f"{name:28} n {len(found):6}  p50 {statistics.median(found):8.1f} {unit}  p99 {p99:8.1f} {unit}"
          f"  max {found[-1]:8.1f} {unit}")  # fmt: skip


async def measure(folder: Path, options: argparse.Namespace) -> None:
    store = open_store(f"sqlite:///{folder / 'hub.db'}")
    await store.open()
    await store.configs.put("queue", "support", {"name": "Support"}, version=None, actor="bench", at=1)
    await store.configs.put("site", "shop", {"name": "Shop"}, version=None, actor="bench", at=1)
    lead_s = options.lead or max(5.0, options.scheduled / 1500)
    first = SystemClock().now() + int(lead_s * 1000)
    start = time.perf_counter()
    await fill(store, options.scheduled, options.due, first, options.seconds)
    print(f"{options.scheduled} scheduled, in {time.perf_counter() - start:.1f} s")
    if SystemClock().now() > first - 1000:
        print("they took longer than --lead: the first ones are late for that")

    hub = Hub(store, open_bus("", ""), SystemClock(), b"x" * 32)
    dispatcher = Dispatcher(hub)
    hub.routing = dispatcher
    steps, guard = Steps(hub, SETTINGS), Guard(hub, SETTINGS)
    keeper = Keeper(hub, steps, guard, NoTelephone())
    await hub.start()
    await dispatcher.start()
    await keeper.start()
    await hub.leadership.start()
    left = (first - hub.clock.now()) / 1000
    await asyncio.sleep(max(0.0, left))
    took = await ask(Asking(hub, steps, guard), options.asked, options.seconds)
    await asyncio.sleep(3)

    lags, page = [], await store.callbacks.page(CallbackFilter(states=("queued",)), limit=options.due + options.asked)
    contacts = await store.contacts.many([callback.contact for callback in page])
    for callback in page:
        row = contacts[callback.contact].contact
        lags.append(float(row.queued_at - callback.due_at))
    told("due ones in the queue after", lags, "ms")
    told("asking took", took, "ms")
    missing = options.due + options.asked - len(page)
    print(f"{missing} not started" if missing else "all were started")
    await keeper.stop()
    await dispatcher.stop()
    await hub.stop()
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scheduled", type=int, default=50_000, help="callbacks that are there")
    parser.add_argument("--due", type=int, default=1_000, help="of them, those that become due meanwhile")
    parser.add_argument("--asked", type=int, default=1_000, help="callbacks that are asked for meanwhile")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long it is measured")
    parser.add_argument("--lead", type=float, default=0.0, help="seconds until the first one is due")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), parser.parse_args()))


if __name__ == "__main__":
    main()
