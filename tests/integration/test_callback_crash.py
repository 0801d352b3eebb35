"""A node that dies after any of its commits, or right after it dialled: no callback is lost, none is dialled twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from channels.callback.asking import Asking
from channels.callback.guard import Guard
from channels.callback.keeper import KIND, Keeper
from channels.callback.steps import Steps
from hub import commands as c
from hub import events as e
from hub.bus import open_bus
from hub.callback_desk import Asker, NewCallback
from hub.callbacks.model import ENDED, Callback, Policy, Result, State
from hub.callbacks.records import CallbackFilter
from hub.callbacks.settings import CallbackSettings
from hub.clock import SystemClock
from hub.errors import HubError, OfferGone
from hub.model import Contact, Phase
from hub.ports import Clock
from hub.service import Hub
from hub.store import open_store

DELAY_MS = 150
EVERY_DAY = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("00:00", "24:00"))
POLICY = Policy(
    delays_ms={str(result): DELAY_MS for result in Result if result not in (Result.REACHED, Result.WRONG_NUMBER)},
    hours=EVERY_DAY,
    postpone_ms=DELAY_MS,
)
SETTINGS = CallbackSettings(POLICY, ("DE",))
NUMBER = "+49301234567"
ALL = CallbackFilter()


@dataclass
class Network:
    """The called network, which outlives nodes: busy the first time, answering the second. `dialled` are the times, and
    `paged` those at which the customer's page was rung before, where he asked for that; there he never answers."""

    dialled: list[int] = field(default_factory=list)
    kill_at_dial: int = 0
    page: bool = False
    paged: list[int] = field(default_factory=list)
    kill_at_page: int = 0


class Node:
    """A hub's node with an agent who accepts whatever is offered; `kill_at` is the commit it does not survive."""

    def __init__(self, url: str, network: Network, kill_at: int = 0, clock: Clock | None = None) -> None:
        self.network, self.kill_at = network, kill_at
        self.dead = asyncio.Event()
        self.commits = 0
        self._before = asyncio.all_tasks()
        self.store = open_store(url)
        self.hub = Hub(self.store, open_bus("", ""), clock or SystemClock(), b"x" * 32)
        self.store.log.on_commit(self._committed)
        steps = Steps(self.hub, SETTINGS)
        guard = Guard(self.hub, SETTINGS)
        self.asking = Asking(self.hub, steps, guard)
        self.keeper = Keeper(self.hub, steps, guard, self)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self.store.open()
        self._open = asyncio.all_tasks()
        await self.hub.start()
        await self.hub.leadership.start()
        self.hub.follow("agent", self._agent)
        await self.keeper.start()
        for row in list(self.hub.living):
            self._begin(self._serve(row.contact.id))

    def _committed(self, recorded: Any) -> None:
        self.commits += 1
        if self.commits == self.kill_at:
            self.die()

    def die(self) -> None:
        """At once: nobody of this node takes another step. Its file is closed by `bury`."""
        self.dead.set()
        me = asyncio.current_task()
        for task in asyncio.all_tasks() - self._open:
            if task is not me and task.get_name() != "story":
                task.cancel()

    async def bury(self) -> None:
        self.die()
        await asyncio.sleep(0)
        with contextlib.suppress(HubError):
            await self.hub.stop()
        await self.store.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the agent ----------------------------------------------------------------------------------------------------

    async def _agent(self, batch: Any) -> None:
        for recorded in batch:
            if isinstance(recorded.event, e.ContactQueued):
                self._begin(self._serve(recorded.stream))

    async def _serve(self, id: str) -> None:
        contact = (await self.hub.contacts.get(id)).contact
        if contact.phase is Phase.QUEUED:
            fence = contact.last_fence + 1
            offer = c.MakeOffer("us_ada", fence, self.hub.clock.now() + 60_000, 1)
            with contextlib.suppress(OfferGone, HubError):
                await self.hub.contacts.do(id, offer, c.Accept("us_ada", fence), actor="us_ada")

    # --- the telephone: what `Keeper` asks of one ---------------------------------------------------------------------

    def ready(self, callback: Callback) -> bool:
        return True

    def withdraw(self, contact: str) -> None:
        """Whoever is called here answers at once, so there is nothing to take back."""

    async def begin(self, callback: Callback, contact: Contact, wait_ms: int = 0) -> None:
        self.hub.roster.here(KIND, contact.id, True)
        self._begin(self._call(contact.id))

    async def _call(self, contact: str) -> None:
        try:
            if self.network.page:
                if not await self.keeper.may_place(contact, page=True):
                    await self._note(contact, c.End("system", "withdrawn", 0))
                    return
                self.network.paged.append(self.hub.clock.now())
                await self._note(contact, c.NoteCall(e.CallRinging()))
                if len(self.network.paged) == self.network.kill_at_page:
                    self.network.kill_at_page = 0
                    self.die()
                    raise asyncio.CancelledError
            if not await self.keeper.may_place(contact, page=False):
                await self._note(contact, c.End("system", "withdrawn", 0))
                return
            self.network.dialled.append(self.hub.clock.now())
            if len(self.network.dialled) == self.network.kill_at_dial:
                self.network.kill_at_dial = 0
                self.die()
                raise asyncio.CancelledError
            if len(self.network.dialled) == 1:
                await self._note(contact, c.End("system", "busy", 0))
                await self._note(contact, c.NoteCall(e.CallEnded("network", "busy", 486)))
            else:
                await self._note(contact, c.NoteCall(e.CallRinging()))
                await self._note(contact, c.Connect("us_ada"))
                await self._note(contact, c.End("visitor", "bye", 0))
                await self._note(contact, c.NoteCall(e.CallEnded("customer", "bye", None, 0, {}, 1000)))
        finally:
            self.hub.roster.here(KIND, contact, False)

    async def _note(self, contact: str, command: c.ContactCommand) -> None:
        with contextlib.suppress(HubError):
            await self.hub.contacts.do(contact, command, actor="system")


async def furnished(url: str, preview_s: int = 0) -> None:
    store = open_store(url)
    await store.open()
    row = {"name": "Support", "preview_s": preview_s}
    await store.configs.put("queue", "support", row, version=None, actor="system", at=1)
    await store.close()


async def live_through(
    url: str, network: Network, kill_at: int, kill_in: State | None = None
) -> tuple[list[Callback], int]:
    """Asks, dies once (at a commit, or when the callback is in this state), and goes on in new nodes until it is over;
    (all callbacks, the first node's commits).

    Who got no answer asks again, with the same key.
    """
    story = asyncio.current_task()
    assert story is not None
    story.set_name("story")
    commits = 0
    async with asyncio.timeout(60):
        while True:
            node = Node(url, network, kill_at)
            await node.start()
            with contextlib.suppress(HubError):
                browser = node.hub.visitors.first("demo", "the-only-page", "") if network.page else None
                who = Asker("us_root", "rest", browser=browser)
                await node.asking.ask(NewCallback(NUMBER, queue="support"), who, "the-only-key")
            found: list[Callback] = []
            while not node.dead.is_set() and not (found and found[0].state in ENDED):
                await asyncio.sleep(0.01)
                found = await node.store.callbacks.page(ALL)
                if found and found[0].state is kill_in:
                    node.die()
            died = node.dead.is_set()
            commits = commits or node.commits
            await node.bury()
            if not died:
                return found, commits
            kill_at, kill_in = 0, None
            network.kill_at_dial = network.kill_at_page = 0


def check(found: list[Callback], network: Network) -> Callback:
    (callback,) = found
    assert callback.state is State.REACHED, callback
    attempts = callback.attempts
    assert 1 <= len(attempts) <= POLICY.attempts
    # Each time that the phone rang has an attempt of its own, and the one after it kept the delay.
    assert len(network.dialled) <= len(attempts)
    for before, after in pairwise(network.dialled):
        assert after - before >= DELAY_MS, (network.dialled, attempts)
    # And each attempt rings his page once, before his telephone.
    assert len(network.paged) <= len(attempts) * network.page
    for before, after in pairwise(network.paged):
        assert after - before >= DELAY_MS, (network.paged, attempts)
    return callback


@pytest.mark.parametrize("page", [False, True])
async def test_a_node_that_dies_after_any_commit(tmp_path: Path, page: bool) -> None:
    kill_at, commits = 0, 1
    while kill_at <= commits:
        url = f"sqlite:///{tmp_path / f'{kill_at}.db'}"
        await furnished(url)
        network = Network(page=page)
        found, lived = await live_through(url, network, kill_at)
        check(found, network)
        commits = lived if kill_at == 0 else commits
        kill_at += 1
    assert commits > 10, "there were steps to die between"


async def test_a_node_that_dies_while_the_agent_reads(tmp_path: Path) -> None:
    """In the midst of the preview, and after each commit around it: nothing is lost, nobody called early or twice."""
    preview_ms = 1_000
    for dies in ("reading", 4, 5, 6, 7):
        url, network = f"sqlite:///{tmp_path / f'{dies}.db'}", Network()
        await furnished(url, preview_ms // 1000)
        kill_at, kill_in = (dies, None) if isinstance(dies, int) else (0, State.CONNECTING)
        found, _ = await live_through(url, network, kill_at, kill_in)
        callback = check(found, network)
        # Who had accepted reads as long as he was promised, also at the node that comes after.
        assert network.dialled[0] >= callback.age + preview_ms


async def test_a_node_that_dies_right_after_it_dialled(tmp_path: Path) -> None:
    for dial in (1, 2):
        url = f"sqlite:///{tmp_path / f'dial{dial}.db'}"
        await furnished(url)
        network = Network(kill_at_dial=dial)
        found, _ = await live_through(url, network, 0)
        callback = check(found, network)
        assert Result.INTERRUPTED in [attempt.result for attempt in callback.attempts]


async def test_a_node_that_dies_while_the_page_rings(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    await furnished(url)
    network = Network(page=True, kill_at_page=1)
    found, _ = await live_through(url, network, 0)
    callback = check(found, network)
    # Its telephone is not called in that attempt any more: whether he was about to answer is not known.
    assert callback.attempts[0].result is Result.INTERRUPTED
    assert len(network.paged) == len(callback.attempts) == len(network.dialled) + 1


class NextDay(SystemClock):
    """The clock of a node that starts later, by so many milliseconds."""

    def __init__(self, later: int) -> None:
        super().__init__()
        self._later = later

    def now(self) -> int:
        return super().now() + self._later


async def test_a_slot_tomorrow_is_in_the_calendar_and_is_dialled_then(tmp_path: Path) -> None:
    url, network = f"sqlite:///{tmp_path / 'hub.db'}", Network()
    await furnished(url, preview_s=1)
    today = SystemClock().now()
    start = (today // SETTINGS.slot_ms + 49) * SETTINGS.slot_ms
    wish = NewCallback(NUMBER, queue="support", when=datetime.fromtimestamp(start / 1000, UTC).isoformat())
    async with asyncio.timeout(60):
        node = Node(url, network)
        await node.start()
        await node.asking.ask(wish, Asker("us_root", "rest"), "the-only-key")
        (slot,) = await node.asking.loads("support", start, start + 1)
        assert (slot.start, slot.promised, slot.due, slot.capacity) == (start, 1, 1, SETTINGS.capacity)
        (waits,) = await node.store.callbacks.page(CallbackFilter(due_from=start, due_to=slot.end))
        assert (waits.state, waits.next_at, network.dialled) == (State.SCHEDULED, start, [])
        await node.bury()

        # The night passes; a second before its time the node is there again.
        node = Node(url, network, clock=NextDay(start - SystemClock().now() - 1_000))
        await node.start()
        while not network.dialled:
            await asyncio.sleep(0.01)
        found = await node.asking.get(waits.id)
        assert found.attempts[0].at >= start + 1_000, "not before its time, nor before who accepted it could read"
        assert network.dialled[0] < start + 20_000
        await node.bury()
