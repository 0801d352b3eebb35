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
from typing import Any, assert_never

import structlog

from hub import commands as c
from hub import events as e
from hub.config_rows import Queue
from hub.errors import HubError, Unavailable
from hub.events import Recorded
from hub.living import Living
from hub.model import DEFAULT_MAXIMA, WAITING, Contact, Millis, Phase, User
from hub.permissions import Permission, may
from hub.service import Hub, QueueStanding
from hub.today import midnight
from routing import inputs as i
from routing.engine import Engine
from routing.specs import DEFAULT_CHANNELS, AgentSpec, AgentState, QueueSpec, RelaxStep, Strategy

log = structlog.get_logger(__name__)

PAUSE_S = 0.5  # before a decision that the store could not take is tried again


class Dispatcher:
    """One per hub. `start` rebuilds the engine and follows the log from there."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._engine = Engine(seed=random.getrandbits(32))
        self._living = Living()
        self._wake = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._offering = True
        self._day: Millis = 0

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
        result: list[i.Input] = [i.QueueChanged(queue_spec(id, row)) for id, row in directory.queues().items()]
        result += [i.AgentChanged(agent_spec(user)) for user in directory.users().values() if _routable(user)]
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
        now = self._hub.clock.now()
        if (day := midnight(now)) != self._day:
            self._day = day
            self._carry_out(self._engine.handle(i.HandledToday({}), now))
        for recorded in batch:
            for item in self._translate(recorded):
                self._carry_out(self._engine.handle(item, now))
        self._wake.set()

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
        if kind == "queue":
            row = directory.queues().get(id)
            item = i.QueueRemoved(id) if row is None else i.QueueChanged(queue_spec(id, row))
        elif kind == "user":
            user = directory.users().get(id)
            item = i.AgentRemoved(id) if user is None or not _routable(user) else i.AgentChanged(agent_spec(user))
        else:
            return
        self._carry_out(self._engine.handle(item, self._hub.clock.now()))
        self._wake.set()

    async def _watch_deadlines(self) -> None:
        """Ticks the engine when its next deadline is due; woken whenever that may have changed."""
        while True:
            deadline = self._engine.next_deadline()
            pause = None if deadline is None else max(0.0, (deadline - self._hub.clock.now()) / 1000)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            now = self._hub.clock.now()
            deadline = self._engine.next_deadline()
            if deadline is not None and deadline <= now:
                self._carry_out(self._engine.handle(i.Tick(), now))
                await asyncio.sleep(0)

    # --- decisions --------------------------------------------------------------------------------------------

    def _carry_out(self, decisions: Sequence[i.Decision]) -> None:
        for decision in decisions:
            self._start(self._perform(decision))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _perform(self, decision: i.Decision) -> None:
        try:
            await self._decide(decision)
        except Unavailable:
            # The engine gives a decision again that the log has not answered; an offer it must be told about.
            if isinstance(decision, i.Offer):
                await asyncio.sleep(PAUSE_S)
                self._reject(decision)
        except HubError as error:
            if isinstance(decision, i.Offer):
                self._reject(decision)
            log.info("dispatcher.refused", decision=type(decision).__name__, reason=error.code)
        except Exception:
            log.exception("dispatcher.failed", decision=type(decision).__name__)
            if isinstance(decision, i.Offer):
                await asyncio.sleep(PAUSE_S)
                self._reject(decision)

    def _reject(self, offer: i.Offer) -> None:
        rejected = i.OfferRejected(offer.contact, offer.agent, offer.fence)
        self._carry_out(self._engine.handle(rejected, self._hub.clock.now()))
        self._wake.set()

    async def _decide(self, decision: i.Decision) -> None:
        hub, do = self._hub, self._hub.contacts.do
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
            case i.Overflow() | i.SkillsRelaxed():
                log.info("dispatcher.noted", decision=type(decision).__name__, contact=decision.contact)
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
        directory = self._hub.directory
        return [
            {
                "agent": {"id": row.agent, "name": directory.user_name(row.agent)},
                "eligible": row.eligible,
                "reasons": [str(reason) for reason in row.reasons],
            }
            for row in self._engine.explain(contact)
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


def queue_spec(id: str, row: Queue) -> QueueSpec:
    """The engine's figures of a configured queue."""
    return QueueSpec(
        id=id,
        skills=row.skills,
        relax=tuple(RelaxStep(step.after_s * 1000, step.skills) for step in row.relax),
        strategy=Strategy(row.strategy),
        priority=row.priority,
        offer_ms={channel: seconds * 1000 for channel, seconds in row.offer_s.items()},
        wrap_up_ms=row.wrap_up_s * 1000,
        retry_exclude_ms=row.retry_s * 1000,
        max_length=row.max_length,
    )


def agent_spec(user: User) -> AgentSpec:
    known = {name: most for name, most in user.maxima.items() if name in DEFAULT_CHANNELS}
    return AgentSpec(
        id=user.id,
        skills=user.skills,
        capacity=max(1, user.units),
        maxima=known,
        auto_accept=frozenset(user.auto_accept),
    )


def _routable(user: User) -> bool:
    return may(user, Permission.CONTACT_HANDLE)


def contact_facts(contacts: Sequence[Contact], now: Millis) -> list[i.Input]:
    """What the engine has to be told of contacts that are not closed, when it is rebuilt."""
    contacts = sorted(contacts, key=lambda contact: contact.queued_at)
    result: list[i.Input] = [_enqueued(contact) for contact in contacts if contact.phase in WAITING]
    result += [_offer_made(contact) for contact in contacts if contact.offer is not None]
    for contact in contacts:
        if contact.phase in (Phase.CONNECTING, Phase.ACTIVE, Phase.HELD, Phase.WRAPPING) and contact.agent is not None:
            # Who took part is free once the conversation is over; the wrap-up is its owner's.
            others = () if contact.phase is Phase.WRAPPING else contact.participants
            result += [_assigned(contact, agent, now) for agent in (contact.agent, *others)]
        if contact.phase is Phase.WRAPPING and contact.agent is not None:
            result.append(i.WrapUpStarted(contact.id, contact.agent, contact.wrap_until))
    return result


def _enqueued(contact: Contact) -> i.Enqueued:
    assert contact.queue is not None
    both = contact.only_agent is not None and contact.only_until is not None
    return i.Enqueued(
        contact=contact.id,
        channel=str(contact.channel),
        queue=contact.queue,
        enqueued_at=contact.queued_at,
        requirements=contact.requirements,
        priority=contact.priority,
        last_fence=contact.last_fence,
        preferred_agent=contact.preferred,
        only_agent=contact.only_agent if both else None,
        only_until=contact.only_until if both else None,
        excluded=contact.excluded,
    )


def _offer_made(contact: Contact) -> i.OfferMade:
    offer = contact.offer
    assert offer is not None
    return i.OfferMade(contact.id, offer.agent, offer.fence, offer.deadline, offer.epoch)


def _assigned(contact: Contact, agent: str, at: Millis) -> i.Assigned:
    return i.Assigned(contact.id, agent, str(contact.channel), contact.queue or "", contact.connected_at or at)


def contact_inputs(event: e.AnyEvent, before: Contact, after: Contact) -> list[i.Input]:
    """What an event of a contact means to the engine."""
    id = after.id
    match event:
        case e.ContactQueued():
            return [_enqueued(after)]
        case e.ContactOffered():
            return [_offer_made(after)]
        case e.OfferAccepted():
            return [i.OfferAccepted(id, event.agent, event.fence)]
        case e.OfferDeclined():
            return [i.OfferDeclined(id, event.agent, event.fence)]
        case e.OfferMissed():
            return [i.OfferMissed(id, event.agent, event.fence)]
        case e.OfferRescinded():
            return [i.OfferRescinded(id, event.agent, event.fence)]
        case e.ContactTransferred() | e.ContactRequeued():
            return [i.Released(id, agent) for agent in (event.agent, *before.participants)]
        case e.ParticipantJoined():
            return [_assigned(after, event.agent, after.connected_at or 0)]
        case e.ParticipantLeft():
            return [i.Released(id, event.agent)] if event.agent in before.participants else []
        case e.ContactAbandoned():
            return [i.Dequeued(id, abandoned=True)]
        case e.ContactEnded():
            assert after.agent is not None
            released: list[i.Input] = [i.Released(id, agent) for agent in after.participants]
            return [*released, i.WrapUpStarted(id, after.agent, event.wrap_until)]
        case e.WrapUpExtended():
            assert after.agent is not None
            return [i.WrapUpStarted(id, after.agent, event.until)]
        case e.ContactClosed():
            return [i.WrapUpEnded(id, after.agent)] if after.agent is not None else []
        case _:
            return []
