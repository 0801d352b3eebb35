"""Who is connected at which node: agents with a window or a telephone, visitors with an open page; and where each call
lives.

Each node tells the others what changes, numbered, and gives signs of life; whoever misses a number asks for the whole
list. Nothing is stored, so there is nothing that Redis could lose. A node that is silent for longer than its lease is
gone with all who were there, but only for those who hear the bus: while Redis is away, everybody stays where he was
last heard of.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from hub.ports import Bus

log = structlog.get_logger(__name__)

TOPIC = "roster"
BEAT_S = 1.0
LEASE_S = 3.5
ASK_EVERY_S = 0.5
KINDS = ("agent", "visitor", "call", "phone")


@dataclass
class _Node:
    """Another node: what it last told, under which number, and when it was heard."""

    number: int = -1  # nothing known yet
    heard_at: float = 0.0
    asked_at: float = 0.0
    who: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})


class Roster:
    """`here` is kept up to date by the sockets' namespaces of this node."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._own: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._number = 0
        self._told: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._untold: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._nodes: dict[str, _Node] = {}
        self._listeners: dict[str, list[Callable[[str, bool], None]]] = defaultdict(list)
        self._dirty = asyncio.Event()
        self._tell_all = False
        self._started_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._asking: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        if not self._bus.shared:
            return
        self._started_at = asyncio.get_running_loop().time()
        self._bus.subscribe(TOPIC, self._heard)
        await self._bus.publish(TOPIC, {"kind": "ask", "node": self._bus.node, "of": None})
        self._tasks = [
            asyncio.create_task(self._tell(), name="roster.tell"),
            asyncio.create_task(self._beat(), name="roster.beat"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._tasks:
            await self._bus.publish(TOPIC, {"kind": "bye", "node": self._bus.node})
        self._tasks.clear()

    def on_change(self, kind: str, listener: Callable[[str, bool], None]) -> None:
        """`listener(id, there)` is called when an agent or visitor came to the first or left the last node."""
        self._listeners[kind].append(listener)

    def here(self, kind: str, id: str, there: bool) -> None:
        """Whether he is connected at this node."""
        before = self.there(kind, id)
        if there:
            self._own[kind].add(id)
        else:
            self._own[kind].discard(id)
        if self._bus.shared:
            self._untold[kind].add(id)
            self._dirty.set()
        self._say(kind, id, before)

    def there(self, kind: str, id: str) -> bool:
        """Whether he is connected at any node."""
        return id in self._own[kind] or any(id in node.who[kind] for node in self._nodes.values())

    def where(self, kind: str, id: str) -> str | None:
        """The name of a node at which he is: this one before others."""
        if id in self._own[kind]:
            return self._bus.node
        return next((name for name, node in self._nodes.items() if id in node.who[kind]), None)

    async def settled(self) -> None:
        """Returns once every node that lives has had the time to be heard."""
        if self._bus.shared:
            await asyncio.sleep(self._started_at + LEASE_S - asyncio.get_running_loop().time())

    @property
    def nodes(self) -> list[str]:
        """All that live, this one among them."""
        return sorted([self._bus.node, *self._nodes])

    # --- telling --------------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        """What changed since it was last told, in one message."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            message: dict[str, Any] = {"node": self._bus.node}
            if self._tell_all:
                self._tell_all = False
                message |= {"kind": "all"} | {kind: sorted(self._own[kind]) for kind in KINDS}
                self._told = {kind: set(self._own[kind]) for kind in KINDS}
            else:
                came = {kind: sorted((self._untold[kind] & self._own[kind]) - self._told[kind]) for kind in KINDS}
                left = {kind: sorted((self._untold[kind] & self._told[kind]) - self._own[kind]) for kind in KINDS}
                if not any(came.values()) and not any(left.values()):
                    continue
                message |= {"kind": "change", "came": came, "left": left}
                for kind in KINDS:
                    self._told[kind].update(came[kind])
                    self._told[kind].difference_update(left[kind])
            for kind in KINDS:
                self._untold[kind].clear()
            self._number += 1
            await self._bus.publish(TOPIC, message | {"number": self._number})
            await asyncio.sleep(0.05)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._bus.publish(TOPIC, {"kind": "beat", "node": self._bus.node, "number": self._number})
            await asyncio.sleep(BEAT_S)
            up = self._bus.up_since
            if up is None:
                continue
            for id, node in list(self._nodes.items()):
                if loop.time() - max(node.heard_at, up) > LEASE_S:
                    log.warning("roster.node_lost", node=id, agents=len(node.who["agent"]))
                    self._forget(id)

    # --- hearing --------------------------------------------------------------------------------------------------

    def _heard(self, message: Mapping[str, Any]) -> None:
        id, kind = str(message["node"]), message["kind"]
        if id == self._bus.node:
            return
        if kind == "ask":
            if message["of"] in (None, self._bus.node):
                self._tell_all = True
                self._dirty.set()
            return
        if kind == "bye":
            self._forget(id)
            return
        node = self._nodes.setdefault(id, _Node())
        now = asyncio.get_running_loop().time()
        node.heard_at = now
        number = int(message["number"])
        if kind == "all":
            for each in KINDS:
                who = set(message.get(each, ()))
                self._moved(node, each, who - node.who[each], node.who[each] - who)
            node.number = number
        elif kind == "change" and node.number >= 0 and number == node.number + 1:
            for each in KINDS:
                self._moved(node, each, message["came"].get(each, ()), message["left"].get(each, ()))
            node.number = number
        elif number != node.number and now - node.asked_at > ASK_EVERY_S:
            node.asked_at = now
            self._ask(id)

    def _ask(self, node: str) -> None:
        ask = {"kind": "ask", "node": self._bus.node, "of": node}
        asking = asyncio.ensure_future(self._bus.publish(TOPIC, ask))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    def _forget(self, id: str) -> None:
        node = self._nodes.get(id)
        if node is not None:
            # Taken out first: whoever listens asks where else somebody is.
            del self._nodes[id]
            for kind in KINDS:
                for each in node.who[kind]:
                    self._say(kind, each, True)

    def _moved(self, node: _Node, kind: str, came: Iterable[str], left: Iterable[str]) -> None:
        for id in came:
            before = self.there(kind, id)
            node.who[kind].add(id)
            self._say(kind, id, before)
        for id in left:
            before = self.there(kind, id)
            node.who[kind].discard(id)
            self._say(kind, id, before)

    def _say(self, kind: str, id: str, before: bool) -> None:
        after = self.there(kind, id)
        if after != before:
            for listener in self._listeners[kind]:
                listener(id, after)
