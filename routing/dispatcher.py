"""Drives the engine: the log's events go in, its decisions are appended to the log.

The engine is rebuilt from the store at the start and never stored. A decision that the log refuses (the contact has
moved on) is told to the engine, which then knows the contact's next event anyway; so nothing is lost or doubled however
the process ends. Whatever takes long (a herd of events, a rebuild, a group of many agents that was edited) is done in
slices, between which the loop's other tasks go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import structlog

from hub import events as e
from hub.events import Recorded
from hub.interpreter import building
from hub.living import Living
from hub.model import DEFAULT_MAXIMA, Millis
from hub.ports import Fence
from hub.rules import Placement
from hub.service import Hub, QueueOffice, QueueStanding
from hub.today import midnight
from routing import inputs as i
from routing.dispatch_decisions import Decided, Decisions
from routing.dispatch_rebuild import rebuild, take_apart
from routing.dispatch_specs import agent_input, presence_input, queue_input
from routing.dispatch_turns import Turns
from routing.engine import Engine
from routing.specs import AgentState
from routing.translation import contact_inputs
from routing.views import Explanation

log = structlog.get_logger(__name__)


class Dispatcher:
    """One per node; the one that leads decides, the others' engines follow.

    `start` builds the engine and follows the log from there. At each takeover it is built anew; until the new one knows
    everything, the old one answers what is asked, and nothing is decided.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._engine = Engine()
        # Its own, as it may stand at another place in the log; of the same rows.
        self._living = Living(hub.living.get)
        self._decisions = Decisions(hub, self._rejected)
        self._whole = asyncio.Event()
        self._wake = asyncio.Event()
        self._edited: dict[tuple[str, str], object] = {}
        self._let_in: dict[str, frozenset[str] | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._day: Millis = 0
        self._fence: Fence | None = None

    async def start(self) -> None:
        hub = self._hub
        cursor = await hub.store.log.head()
        await hub.settled(cursor)
        self._living.take(hub.living)
        self._day = midnight(hub.clock.now())
        hub.directory.on_change(self._configured)
        await self._rebuild(None)
        hub.feed.add("dispatcher", self.follow, cursor)
        self._begin(self._keep_time(), "dispatcher.deadlines")

    async def stop(self) -> None:
        """Makes no new offers and finishes what is being appended."""
        self.pause()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._decisions.stop()

    def pause(self) -> None:
        """No new offers from now on: the hub is about to stop."""
        self._decisions.offering = False

    @property
    def busy(self) -> bool:
        """Whether something that was edited or decided has not had its effect yet."""
        return bool(self._edited) or self._decisions.busy

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the engine ---------------------------------------------------------------------------------------------

    async def _rebuild(self, fence: Fence | None) -> None:
        """An engine that knows all that the hub knows takes the place of the present one.

        Only then are its decisions carried out, by the right of `fence`, and is it told of what was edited meanwhile.
        """
        self._whole.clear()
        self._decisions.drop()
        engine, now = Engine(seed=random.getrandbits(32)), self._hub.clock.now()
        with building():
            decided = await rebuild(engine, self._hub, self._living, now)
        self._engine, self._fence = engine, fence
        self._whole.set()
        self._wake.set()
        self._carry_out(decided, now)

    def _tell(self, item: i.Input, now: Millis) -> None:
        self._carry_out(self._engine.handle(item, now), now)

    async def _catch_up(self, turns: Turns) -> Millis:
        """Lets the engine's deadlines pass, one moment after the other, up to now; returns the time."""
        now = self._hub.clock.now()
        while (deadline := self._engine.next_deadline()) is not None and deadline <= now:
            self._tell(i.Tick(), deadline)
            if turns.over:
                await turns.rest()
                now = self._hub.clock.now()
        return now

    # --- input --------------------------------------------------------------------------------------------------

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader."""
        turns, now = Turns(), self._hub.clock.now()
        if (day := midnight(now)) != self._day:
            self._day = day
            self._tell(i.HandledToday({}), now)
        for recorded in batch:
            if isinstance(recorded.event, e.DispatcherMoved):
                await self._moved(recorded)
                continue
            now = await self._catch_up(turns)
            for item in self._translate(recorded):
                self._tell(item, now)
            if turns.over:
                await turns.rest()
        self._wake.set()

    async def _moved(self, recorded: Recorded) -> None:
        """A node took over, at this place in the log: all that was decided before stands before it."""
        hub, before = self._hub, self._engine
        await hub.settled(recorded.seq)
        await self._rebuild(hub.leadership.fence(recorded))
        contacts = [row.contact for row in self._living]
        self._begin(take_apart(before, hub, contacts, hub.clock.now()), "dispatcher.take_apart")

    def _translate(self, recorded: Recorded) -> list[i.Input]:
        event = recorded.event
        if isinstance(event, e.PresenceChanged):
            state = AgentState(str(event.state))
            return [i.PresenceChanged(recorded.stream, state, event.epoch, recorded.at)]
        step = self._living.apply(recorded)
        return [] if step is None else contact_inputs(event, *step)

    def _configured(self, kind: str, id: str) -> None:
        """A row or a user was edited; the engine is told in its turn, and once it is whole."""
        self._edited[kind, id] = object()
        self._wake.set()

    async def _take_edits(self, turns: Turns) -> None:
        """Tells the engine of what was edited. If it is replaced meanwhile, the new one reads it for itself."""
        while self._edited:
            (kind, id), edit = next(iter(self._edited.items()))
            try:
                for item in self._edit(kind, id):
                    self._tell(item, self._hub.clock.now())
                    if turns.over:
                        await turns.rest()
                # Which queues an agent is let into is a matter of groups and of the queues' own rows, too.
                if kind in ("queue", "group"):
                    await self._take_agents(turns)
            except Exception:
                # A row that the engine does not take must not keep it from all others.
                log.exception("dispatcher.bad_row", kind=kind, row=id)
            # Edited again meanwhile, it is told again.
            if self._edited[kind, id] is edit:
                del self._edited[kind, id]

    def _edit(self, kind: str, id: str) -> Iterator[i.Input]:
        directory, now = self._hub.directory, self._hub.clock.now()
        if kind in ("queue", "hours"):
            yield queue_input(directory, id, now)
        elif kind == "calendar":
            for queue, row in directory.queues().items():
                if row.hours == id:
                    yield queue_input(directory, queue, now)
        elif kind == "user":
            yield agent_input(directory, id)
            # What he said of himself may have come before.
            yield from presence_input(self._hub.presence.get(id))

    async def _take_agents(self, turns: Turns) -> None:
        """Those whose queues are others than they were when they were last told."""
        for id in list(self._hub.directory.users()):
            item = agent_input(self._hub.directory, id)
            if isinstance(item, i.AgentRemoved):
                self._let_in.pop(id, None)
            elif id not in self._let_in or self._let_in[id] != item.agent.queues:
                self._let_in[id] = item.agent.queues
                self._tell(item, self._hub.clock.now())
            if turns.over:
                await turns.rest()

    def _next_hours(self) -> Millis | None:
        """When a queue with a rule for its closing opens or closes next."""
        directory, now = self._hub.directory, self._hub.clock.now()
        changes = [
            change[0]
            for id, row in directory.queues().items()
            if any(rule.when == "closed" for rule in row.overflow)
            and (change := directory.next_change(id, now)) is not None
        ]
        return min(changes, default=None)

    def _follow_hours(self) -> None:
        """Queues may have opened or closed meanwhile."""
        for id, row in self._hub.directory.queues().items():
            if any(rule.when == "closed" for rule in row.overflow):
                self._configured("hours", id)

    async def _keep_time(self) -> None:
        """Tells the engine when its next deadline is due, and what was edited; woken whenever that may have changed."""
        while True:
            try:
                await self._whole.wait()
                await self._keep_up()
            except Exception:
                # Nothing else would notice that no offer ends any more.
                log.exception("dispatcher.deadlines_failed")
                await asyncio.sleep(1)

    async def _keep_up(self) -> None:
        """What is due now; returns when something is again, or may be."""
        turns = Turns()
        await self._take_edits(turns)
        await self._catch_up(turns)
        hours = self._next_hours()
        deadlines = [due for due in (self._engine.next_deadline(), hours) if due is not None]
        pause = max(0.0, (min(deadlines) - self._hub.clock.now()) / 1000) if deadlines else None
        self._wake.clear()
        if not self._edited:
            with contextlib.suppress(TimeoutError):
                # wait_for would drop a cancellation that comes as it is woken (before Python 3.12).
                async with asyncio.timeout(pause):
                    await self._wake.wait()
        if hours is not None and hours <= self._hub.clock.now():
            self._follow_hours()

    # --- decisions ----------------------------------------------------------------------------------------------

    def _carry_out(self, decisions: Sequence[i.Decision], now: Millis) -> None:
        leadership = self._hub.leadership
        for decision in decisions:
            if not self._whole.is_set():
                break
            if leadership.alone or (self._fence is not None and leadership.leads):
                self._decisions.add(Decided(decision, self._engine, self._fence, now))
            elif isinstance(decision, i.ExpireOffer | i.Rescind):
                self._forget(decision)

    def _forget(self, decision: i.ExpireOffer | i.Rescind) -> None:
        """The engine of a node that does not lead only follows: an offer of its own that the log never held is off."""
        row = self._living.get(decision.contact)
        if row is None or row.contact.offer is None or row.contact.offer.fence != decision.fence:
            self._tell(i.OfferRejected(decision.contact, decision.agent, decision.fence), self._hub.clock.now())

    def _rejected(self, offer: i.Offer, engine: Engine) -> None:
        if engine is self._engine:
            self._tell(i.OfferRejected(offer.contact, offer.agent, offer.fence), self._hub.clock.now())
            self._wake.set()

    # --- what the hub asks (hub.service.Routing) ----------------------------------------------------------------

    def position(self, contact: str) -> int | None:
        return self._engine.position(contact)

    def wait_s(self, contact: str) -> float | None:
        return self._engine.wait_estimate(contact)

    def queue_wait_s(self, queue: str, channel: str) -> float | None:
        return self._engine.newcomer_wait(queue, channel, self._hub.clock.now())

    def standing(self, queue: str) -> QueueStanding:
        counters = self._engine.counters(queue)
        if counters is None:
            return QueueStanding(0, None, 0, 0)
        return QueueStanding(counters.waiting + counters.offered, counters.oldest, counters.staffed, counters.idle)

    def office(self, queue: str, channel: str) -> QueueOffice:
        return QueueOffice(*(self._engine.office(queue, channel) or (0, 0, 0.0)))

    def explain(self, contact: str) -> list[dict[str, Any]]:
        return self._told(self._engine.explain(contact))

    def explain_newcomer(self, channel: str, placement: Placement, preferred: str | None) -> list[dict[str, Any]]:
        now = self._hub.clock.now()
        facts = i.Enqueued(
            contact="",
            channel=channel,
            queue=placement.queue,
            enqueued_at=now,
            requirements=placement.requirements,
            priority=placement.priority,
            preferred_agent=preferred,
        )
        return self._told(self._engine.explain_newcomer(facts, now))

    def _told(self, rows: Sequence[Explanation]) -> list[dict[str, Any]]:
        directory = self._hub.directory
        return [
            {
                "agent": {"id": row.agent, "name": directory.user_name(row.agent)},
                "eligible": row.eligible,
                "reasons": [str(reason) for reason in row.reasons],
                "rank": row.rank,
            }
            for row in rows
        ]

    def load(self, agent: str) -> dict[str, Any]:
        user = self._hub.directory.user(agent)
        view = self._engine.agent(agent)
        used: dict[str, int] = {}
        for row in self._living.of_agent(agent):
            if agent in (row.contact.agent, *row.contact.participants):
                used[str(row.contact.channel)] = used.get(str(row.contact.channel), 0) + 1
        maxima = {str(channel): user.maxima.get(str(channel), most) for channel, most in DEFAULT_MAXIMA.items()}
        return {
            "units": user.units,
            "used": view.load if view else 0,
            "channels": {name: {"max": most, "used": used.get(name, 0)} for name, most in maxima.items()},
        }
