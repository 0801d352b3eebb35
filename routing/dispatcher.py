"""Drives the engine: the log's events go in, its decisions are appended to the log.

The engine is rebuilt from the store at the start and never stored. A decision that the log refuses (the contact has
moved on) is told to the engine, which then knows the contact's next event anyway; so nothing is lost or doubled however
the process ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, assert_never

import structlog

from hub import commands as c
from hub import events as e
from hub.errors import HubError, Unavailable
from hub.events import Recorded
from hub.living import Living
from hub.model import DEFAULT_MAXIMA, Millis
from hub.ports import Fence
from hub.rules import Placement
from hub.service import Hub, QueueStanding
from hub.today import midnight
from routing import inputs as i
from routing.dispatch_overflow import leave_queue
from routing.dispatch_specs import agent_spec, queue_spec, routable
from routing.engine import Engine
from routing.specs import AgentState
from routing.translation import contact_facts, contact_inputs
from routing.views import Explanation

log = structlog.get_logger(__name__)

TURN = 50  # events that are dealt with in one go: the loop has others to serve
MOST_AT_ONCE = 256  # decisions on their way into the log: a herd must not fill the store's queue
PAUSE_S = 0.5  # before a decision that the store could not take is tried again


class Dispatcher:
    """One per node; the one that leads decides, the others' engines follow.

    `start` rebuilds the engine and follows the log from there.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._engine = Engine(seed=random.getrandbits(32))
        self._living = Living()
        self._wake = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._appending = asyncio.Semaphore(MOST_AT_ONCE)
        self._offering = True
        self._let_in: dict[str, frozenset[str] | None] = {}
        self._day: Millis = 0
        self._fence: Fence | None = None

    async def start(self) -> None:
        hub = self._hub
        cursor = await hub.store.log.head()
        await self._living.load(hub.store)
        now = hub.clock.now()
        self._day = midnight(now)
        for item in self._rebuild(now):
            self._carry_out(self._engine.handle(item, now))
        hub.directory.on_change(self._configured)
        hub.feed.add("dispatcher", self.follow, cursor)
        self._timer = asyncio.create_task(self._watch_deadlines(), name="dispatcher.deadlines")

    async def stop(self) -> None:
        """Makes no new offers and finishes what is being appended."""
        self._offering = False
        if self._timer is not None:
            self._timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._timer
        while self._work:
            await asyncio.wait(self._work, timeout=2)

    def pause(self) -> None:
        """No new offers from now on: the hub is about to stop."""
        self._offering = False

    # --- input ------------------------------------------------------------------------------------------------

    def _rebuild(self, now: Millis) -> list[i.Input]:
        directory = self._hub.directory
        result: list[i.Input] = [i.QueueChanged(queue_spec(directory, id, now)) for id in directory.queues()]
        result += [self._agent(user.id) for user in directory.users().values() if routable(user)]
        result.append(i.HandledToday(dict(self._hub.today.handled)))
        result += contact_facts([row.contact for row in self._living], now)
        for user in directory.users().values():
            presence = self._hub.presence.get(user.id)
            if presence.epoch:
                state = AgentState(str(presence.state))
                result.append(i.PresenceChanged(user.id, state, presence.epoch, presence.since))
        return result

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader."""
        now, steps = self._hub.clock.now(), 0
        if (day := midnight(now)) != self._day:
            self._day = day
            self._carry_out(self._engine.handle(i.HandledToday({}), now))
        for recorded in batch:
            if isinstance(recorded.event, e.DispatcherMoved):
                await self._moved(recorded)
                continue
            for item in self._translate(recorded):
                self._carry_out(self._engine.handle(item, now))
            if (steps := steps + 1) % TURN == 0:
                await asyncio.sleep(0)
        self._wake.set()

    async def _moved(self, recorded: Recorded) -> None:
        """A node took over, at this place in the log: all that was decided before stands before it."""
        await self._hub.feed.reached(self._hub.feed.readers["state"], recorded.seq)
        now = self._hub.clock.now()
        self._engine = Engine(seed=random.getrandbits(32))
        self._fence = self._hub.leadership.fence(recorded)
        for item in self._rebuild(now):
            self._carry_out(self._engine.handle(item, now))

    def _translate(self, recorded: Recorded) -> list[i.Input]:
        event = recorded.event
        if isinstance(event, e.PresenceChanged):
            state = AgentState(str(event.state))
            return [i.PresenceChanged(recorded.stream, state, event.epoch, recorded.at)]
        step = self._living.apply(recorded)
        return [] if step is None else contact_inputs(event, *step)

    def _configured(self, kind: str, id: str) -> None:
        directory = self._hub.directory
        item: i.Input
        now = self._hub.clock.now()
        items: list[i.Input] = []
        if kind == "queue":
            gone = id not in directory.queues()
            items.append(i.QueueRemoved(id) if gone else i.QueueChanged(queue_spec(directory, id, now)))
        elif kind == "calendar":
            items += [
                i.QueueChanged(queue_spec(directory, queue, now))
                for queue, row in directory.queues().items()
                if row.hours == id
            ]
        elif kind == "user":
            items.append(self._agent(id))
        # Which queues an agent is let into is a matter of groups and of the queues' own rows, too.
        if kind in ("queue", "group"):
            items += [self._agent(user) for user, known in self._let_in.items() if known != self._queues_of(user)]
        for item in items:
            self._carry_out(self._engine.handle(item, now))
        self._wake.set()

    def _agent(self, id: str) -> i.Input:
        user = self._hub.directory.users().get(id)
        if user is None or not routable(user):
            self._let_in.pop(id, None)
            return i.AgentRemoved(id)
        spec = agent_spec(self._hub.directory, user)
        self._let_in[id] = spec.queues
        return i.AgentChanged(spec)

    def _queues_of(self, id: str) -> frozenset[str] | None:
        user = self._hub.directory.users().get(id)
        return None if user is None else agent_spec(self._hub.directory, user).queues

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
        """Queues that have opened or closed meanwhile."""
        now = self._hub.clock.now()
        for id, row in self._hub.directory.queues().items():
            if any(rule.when == "closed" for rule in row.overflow):
                item = i.QueueChanged(queue_spec(self._hub.directory, id, now))
                self._carry_out(self._engine.handle(item, now))

    async def _watch_deadlines(self) -> None:
        """Ticks the engine when its next deadline is due; woken whenever that may have changed."""
        while True:
            hours = self._next_hours()
            deadlines = [due for due in (self._engine.next_deadline(), hours) if due is not None]
            pause = max(0.0, (min(deadlines) - self._hub.clock.now()) / 1000) if deadlines else None
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            now = self._hub.clock.now()
            if hours is not None and hours <= now:
                self._follow_hours()
            deadline = self._engine.next_deadline()
            if deadline is not None and deadline <= now:
                self._carry_out(self._engine.handle(i.Tick(), now))
                await asyncio.sleep(0)

    # --- decisions --------------------------------------------------------------------------------------------

    def _carry_out(self, decisions: Sequence[i.Decision]) -> None:
        leadership = self._hub.leadership
        for decision in decisions:
            if leadership.alone or (self._fence is not None and leadership.leads):
                self._start(self._perform(decision, self._fence))
            elif isinstance(decision, i.ExpireOffer | i.Rescind):
                self._forget(decision)

    def _forget(self, decision: i.ExpireOffer | i.Rescind) -> None:
        """The engine of a node that does not lead only follows: an offer of its own that the log never held is off."""
        row = self._living.get(decision.contact)
        if row is None or row.contact.offer is None or row.contact.offer.fence != decision.fence:
            rejected = i.OfferRejected(decision.contact, decision.agent, decision.fence)
            self._carry_out(self._engine.handle(rejected, self._hub.clock.now()))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _perform(self, decision: i.Decision, fence: Fence | None) -> None:
        try:
            async with self._appending:
                await self._decide(decision, fence)
        except Unavailable:
            # The engine gives a decision again that the log has not answered; an offer it must be told about.
            if isinstance(decision, i.Offer):
                await asyncio.sleep(PAUSE_S)
                self._reject(decision)
        except HubError as error:
            if isinstance(decision, i.Offer):
                self._reject(decision)
            log.debug("dispatcher.refused", decision=type(decision).__name__, reason=error.code)
        except Exception:
            log.exception("dispatcher.failed", decision=type(decision).__name__)
            if isinstance(decision, i.Offer):
                await asyncio.sleep(PAUSE_S)
                self._reject(decision)

    def _reject(self, offer: i.Offer) -> None:
        rejected = i.OfferRejected(offer.contact, offer.agent, offer.fence)
        self._carry_out(self._engine.handle(rejected, self._hub.clock.now()))
        self._wake.set()

    async def _decide(self, decision: i.Decision, fence: Fence | None) -> None:
        hub, do = self._hub, partial(self._hub.contacts.do, fence=fence)
        match decision:
            case i.Offer():
                if not self._offering:
                    return
                offer = c.MakeOffer(
                    decision.agent, decision.fence, decision.deadline, decision.epoch, decision.auto_accept
                )
                await do(decision.contact, offer, actor="system")
                if decision.auto_accept:
                    await do(decision.contact, c.Accept(decision.agent, decision.fence), actor=decision.agent)
            case i.ExpireOffer():
                row = await hub.contacts.get(decision.contact)
                miss = c.Miss(decision.agent, decision.fence, hub.retry_ms(row.contact.queue))
                await do(decision.contact, miss, actor="system")
            case i.Rescind():
                rescind = c.Rescind(decision.agent, decision.fence, str(decision.reason))
                await do(decision.contact, rescind, actor="system")
            case i.MarkNotResponding():
                await hub.presence.not_responding(decision.agent, decision.epoch)
            case i.EndWrapUp():
                await do(decision.contact, c.Finish("system", None, "timeout"), actor="system")
            case i.SkillsRelaxed():
                await do(decision.contact, c.Relax(decision.step), actor="system")
            case i.Overflow():
                await leave_queue(hub, decision.contact, decision.queue, decision.reason)
            case _:
                assert_never(decision)

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
