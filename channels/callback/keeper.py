"""What has to be done about callbacks, done by the node that leads: they are started when they are due, dialled when
an agent has them, tried again, given up.

The keeper is told how a callback and its contact stand, not what happened to them. `look` reads both, does the one
thing that is missing, and looks again until nothing is; it may be killed anywhere and looks again afterwards. So:

- the contact is put into the queue before the callback says that it is there; a repetition puts it there once;
- the callback says that the page is rung, or the phone called (`may_place`), before it is; after a crash it may not
  have been, and is tried again after a delay, but never at once;
- what became of a call is read from its contact's log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol
from weakref import WeakValueDictionary

import structlog

from channels.callback.ahead import Ahead
from channels.callback.contact import OVER, end, enqueue
from channels.callback.guard import Guard
from channels.callback.lines import Lines
from channels.callback.steps import Steps
from hub import events as e
from hub.callbacks import machine as cm
from hub.callbacks.model import ENDED, LATER, ON_THE_LINE, Callback, Result, State, page_of
from hub.callbacks.settings import cost_of
from hub.errors import HubError, NotFound, Refused, Unavailable, VersionConflict
from hub.events import Recorded
from hub.machine import SERVED, WAITING
from hub.model import Channel, Contact, Millis, Phase
from hub.ports import Fence
from hub.service import Hub

log = structlog.get_logger(__name__)

KIND = "call"
AT_ONCE = 200
LOOKS = 12
"""No callback needs more steps than this in a row."""
CALL_GONE_S = 0.5
LOOK_S = 30.0
TALKS = frozenset({Phase.ACTIVE, Phase.HELD})
BEFORE_CALL = frozenset({State.ASKED, State.SCHEDULED, State.QUEUED, State.CONNECTING})
CUSTOMER = "customer"
CALLING_IN = "calling_in"
"""Why he is not called: he is on the line with us."""


class Telephone(Protocol):
    """What the keeper asks of telephony."""

    def ready(self, callback: Callback) -> bool:
        """Whether its customer could be called now: a trunk takes calls, or his page is there."""
        ...

    async def begin(self, callback: Callback, contact: Contact, wait_ms: Millis = 0) -> None:
        """Opens the call, which waits for the agent's audio; with `wait_ms` it is made ahead of an agent, whom the
        customer waits for so long. Raises HubError."""
        ...

    def withdraw(self, contact: str) -> None:
        """Ends the call, if there is one at this node."""
        ...


class Keeper:
    def __init__(self, hub: Hub, steps: Steps, guard: Guard, telephone: Telephone) -> None:
        self._hub, self._steps, self._guard, self._telephone = hub, steps, guard, telephone
        self._of: dict[str, str] = {}  # contact -> callback, of those that live
        self._lines = Lines(hub.living)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.failures = 0
        self.ahead = Ahead(hub, steps, guard, telephone, self._lines, self._locks)
        hub.leadership.on_change(self._leads)
        hub.roster.on_change(KIND, self._call_moved)

    async def start(self) -> None:
        """After the hub has started."""
        self._lines.load()
        self._hub.follow("callbacks", self._follow)
        self._task = asyncio.create_task(self._run(), name="callbacks")
        self.ahead.start()
        if self._hub.leadership.leads:
            self._leads(True)

    async def stop(self) -> None:
        await self.ahead.stop()
        tasks = [*self._tasks, *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- when there is something to look at ---------------------------------------------------------------------------

    def _leads(self, leads: bool) -> None:
        if leads and self._task is not None:
            self._begin(self._take_up())
        self._wake.set()

    async def _take_up(self) -> None:
        """What a former leader left: calls that live at no node any more are over."""
        await self._hub.roster.settled()
        for callback in await self._hub.store.callbacks.under_way():
            self._of[callback.contact] = callback.id
            await self._look(callback.id, sure=True)

    async def _follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader."""
        ids: dict[str, None] = {}
        for recorded in batch:
            event = recorded.event
            if isinstance(event, e.CallbackMoved):
                ids[recorded.stream] = None
                if event.next_at is None:
                    self._of.pop(event.contact, None)
                else:
                    self._of[event.contact] = recorded.stream
                self._wake.set()
            elif recorded.stream in self._of:
                ids[self._of[recorded.stream]] = None
        numbers = self._lines.follow(batch)
        if self._hub.leadership.leads:
            for id in ids:
                self._begin(self._look(id))
            if numbers:
                self._begin(self._called_in(numbers))

    async def _called_in(self, numbers: Sequence[str]) -> None:
        """Looks at the callbacks of those who call us, or whose call has ended."""
        try:
            for number in numbers:
                callback = await self._hub.store.callbacks.living(number)
                if callback is not None:
                    await self._look(callback.id)
        except HubError as error:
            self._failed(error)

    def _call_moved(self, contact: str, there: bool) -> None:
        """A former call of the contact is gone: now another one may begin."""
        if not there and contact in self._of and self._hub.leadership.leads and not self._hub.stopping:
            self._begin(self._look(self._of[contact]))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        while True:
            try:
                await self._look_at_due()
                await self._sleep()
            except HubError as error:
                self._failed(error)
                await asyncio.sleep(1.0)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        log.warning("callbacks.failed", error=str(error))

    async def _look_at_due(self) -> None:
        while self._hub.leadership.leads:
            due = await self._hub.store.callbacks.due(self._hub.clock.now(), AT_ONCE)
            await asyncio.gather(*(self._look(callback.id) for callback in due))
            left = {callback.id for callback in due}
            if len(due) < AT_ONCE:
                return
            again = await self._hub.store.callbacks.due(self._hub.clock.now(), AT_ONCE)
            if left == {callback.id for callback in again}:
                return  # nothing moves them; the next round is a while away

    async def _sleep(self) -> None:
        wait = LOOK_S  # not longer: clocks are set, and machines sleep
        if self._hub.leadership.leads:
            due = await self._hub.store.callbacks.next_due()
            if due is not None:
                left = (due - self._hub.clock.now()) / 1000
                wait = min(wait, left) if left > 0 else 1.0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._wake.wait()
        self._wake.clear()

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def _right(self) -> Fence | None:
        return self._hub.leadership.right

    async def _look(self, id: str, *, sure: bool = False) -> None:
        """Does all that is missing for one callback. `sure`: what no node says of its calls is so."""
        async with self._locks.setdefault(id, asyncio.Lock()):
            for _ in range(LOOKS):
                if not self._hub.leadership.leads:
                    return
                try:
                    callback = await self._hub.store.callbacks.get(id)
                    if callback is None or not await self._once(callback, sure=sure):
                        return
                except (VersionConflict, NotFound):
                    continue
                except Refused as refused:
                    if refused.code == "fence.lost":
                        return
                    log.info("callback.refused", callback=id, reason=refused.code)
                except HubError as error:
                    self._failed(error)
                    return

    async def _once(self, callback: Callback, *, sure: bool) -> bool:
        """The next thing to do about it, done; False when there is none."""
        self.ahead.see(callback)
        row = (await self._hub.contacts.many([callback.contact])).get(callback.contact)
        contact = None if row is None else row.contact
        state = callback.state
        if state in ENDED:
            return await self._clear(callback, contact)
        if state in BEFORE_CALL and await self._on_the_line_himself(callback):
            return True
        if state is State.SCHEDULED:
            return await self._scheduled(callback, contact)
        if state is State.QUEUED:
            return await self._queued(callback, contact)
        if state is State.CONNECTING:
            return await self._connecting(callback, contact)
        if state in ON_THE_LINE:
            return await self._on_the_line(callback, contact, sure=sure)
        return await self._due(callback)

    async def _step(self, callback: Callback, input: cm.Input) -> bool:
        """Whether it changed anything; only while it is as it was looked at, and this node leads."""
        after = await self._steps.do(callback.id, input, fence=self._right, before=callback)
        return after.version != callback.version

    async def _due(self, callback: Callback) -> bool:
        due = callback.next_at is not None and callback.next_at <= self._hub.clock.now()
        return await self._step(callback, cm.Due()) if due else False

    async def _clear(self, callback: Callback, contact: Contact | None) -> bool:
        """Nobody is asked to serve, or calls, who is not to be called any more."""
        unserved = contact is not None and (contact.phase in WAITING or contact.phase is Phase.CONNECTING)
        called = callback.attempts and callback.attempts[-1].ahead and callback.attempts[-1].result is None
        if contact is None or not (unserved or called) or contact.channel is not Channel.CALLBACK:
            return False
        newer = await self._hub.store.callbacks.by_contact(contact.id)
        if newer is not None and newer.id != callback.id:
            return False
        if called:
            self._telephone.withdraw(contact.id)
        if not unserved:
            return False
        await self._end(contact, "cancelled" if callback.state is State.CANCELLED else "callback_over")
        return False

    def _calls_of(self, callback: Callback) -> list[Contact]:
        callees = dict.fromkeys((callback.number, page_of(callback.visitor)))
        calls = [contact for callee in callees for contact in self._lines.of(callee)]
        return [contact for contact in calls if contact.id != callback.contact]

    async def _on_the_line_himself(self, callback: Callback) -> bool:
        """Whether anything was done since he calls us, or called: whom we serve is called no more; while he waits he is
        not called, and when he gives up his callback is due at once. Whoever calls him by hand settles nothing."""
        calls = self._calls_of(callback)
        if any(_settles(call, callback) for call in calls):
            return await self._step(callback, cm.CalledIn())
        if callback.state not in (State.SCHEDULED, State.QUEUED) or callback.next_at is None:
            return False
        now = self._hub.clock.now()
        due = callback.state is State.QUEUED or callback.next_at <= now
        if calls and due:
            return await self._step(callback, cm.Postpone(CALLING_IN))
        gave_up = not calls and not due and callback.reason == CALLING_IN
        if gave_up and self._steps.opening_of(callback).is_open(now):
            return await self._step(callback, cm.CallNow())
        return False

    def _unattended(self, contact: Contact) -> bool:
        """Whether it waits, or was accepted for a call that is not made."""
        connecting = contact.phase is Phase.CONNECTING and not self._hub.roster.there(KIND, contact.id)
        return contact.channel is Channel.CALLBACK and (contact.phase in WAITING or connecting)

    async def _end(self, contact: Contact, reason: str) -> None:
        await end(self._hub, contact, reason, self._right)

    async def _scheduled(self, callback: Callback, contact: Contact | None) -> bool:
        now = self._hub.clock.now()
        if callback.next_at is None or callback.next_at > now:
            if contact is not None and self._unattended(contact):
                await self._end(contact, LATER)
            return False
        if contact is not None and contact.phase in SERVED:
            if contact.channel is not Channel.CALLBACK:
                return await self._step(callback, cm.CalledIn())  # somebody serves him where he waited
            # It was put into the queue before a crash, and accepted since.
            return await self._step(callback, cm.Due(contact.queued_at))
        reason = await self._refusal(callback)
        if reason is not None:
            return await self._step(callback, cm.Close(reason))
        breaker = await self._guard.open_breaker(lately=True)
        if breaker is not None or not self._telephone.ready(callback):
            missing = "trunk" if callback.number else "page"
            return await self._step(callback, cm.Postpone(missing if breaker is None else f"breaker.{breaker}"))
        await self._steps.ready(callback)
        age = 0
        if self._steps.opening_of(callback).is_open(now):
            if (contact is None or contact.phase in OVER) and await self.ahead.is_for(callback):
                return await self._step(callback, cm.Due(ahead=True))
            await enqueue(self._hub, callback, contact, self._right)
            age = (await self._hub.contacts.get(callback.contact)).contact.queued_at
        return await self._step(callback, cm.Due(age))

    async def _queued(self, callback: Callback, contact: Contact | None) -> bool:
        if callback.ahead:
            return await self._queued_ahead(callback, contact)
        if contact is not None and contact.phase in SERVED and contact.agent is not None:
            row = self._hub.directory.queues().get(contact.queue or callback.queue)
            preview_ms = 0 if row is None else row.preview_s * 1000
            return await self._step(callback, cm.Accepted(contact.agent, preview_ms))
        if contact is None or contact.phase in OVER:
            return await self._step(callback, cm.Close("abandoned"))
        return await self._due(callback)

    async def _queued_ahead(self, callback: Callback, contact: Contact | None) -> bool:
        """Nobody is offered it; `Ahead` has its customer called in time."""
        if await self._due(callback):
            return True
        if (contact is None or contact.phase in OVER) and await self.ahead.is_for(callback):
            return False
        await enqueue(self._hub, callback, contact, self._right)
        return await self._step(callback, cm.AgentFirst())

    async def _connecting(self, callback: Callback, contact: Contact | None) -> bool:
        if contact is None or contact.phase in OVER:
            by = "system" if contact is None else contact.ended_by or "system"
            if by == "system":
                return await self._step(callback, cm.Postpone("agent"))
            return await self._step(callback, cm.Close("agent"))
        if contact.phase not in SERVED or contact.agent != callback.agent:
            return await self._step(callback, cm.Lost())
        if callback.preview_until is not None:
            return await self._due(callback)
        if self._hub.roster.there(KIND, contact.id):
            return False
        try:
            await self._telephone.begin(callback, contact)
        except Unavailable:
            await asyncio.sleep(CALL_GONE_S)  # a call that he came from is still being ended
            return True
        except HubError as error:
            await self._step(callback, cm.Postpone(error.code.partition(".")[0]))
            await self._end(contact, "no_line")
            return True
        return False

    async def _on_the_line(self, callback: Callback, contact: Contact | None, *, sure: bool) -> bool:
        attempt = callback.attempts[-1]
        happened = [recorded.event for recorded in await self._log(callback.contact, attempt.since)]
        for event in happened:
            if isinstance(event, e.CallEnded):
                talked = any(isinstance(each, e.ContactConnected) for each in happened)
                rang = any(isinstance(each, e.CallRinging) for each in happened)
                asked_him = callback.code == "call" and not callback.at_page  # on his own page it is he
                doubted = asked_him and any(_is_customers(each) for each in happened)
                result = cm.result_of(
                    event.by, event.cause, event.status, talked=talked, rang=rang, unconfirmed=doubted
                )
                cost = cost_of(event.talk_ms, self._steps.settings.price)
                return await self._step(callback, cm.Ended(result, event.status, event.talk_ms, cost))
        lives = self._hub.roster.there(KIND, callback.contact)
        due = callback.next_at is not None and callback.next_at <= self._hub.clock.now()
        if not lives and (sure or due):
            if contact is not None and contact.phase in WAITING | SERVED:
                await self._end(contact, "interrupted")
            return await self._step(callback, cm.Ended(Result.INTERRUPTED))
        if any(isinstance(each, e.ContactConnected) for each in happened) and callback.state is not State.TALKING:
            return await self._step(callback, cm.Talks((contact and contact.agent) or ""))
        if any(isinstance(each, e.CallRinging) for each in happened) and callback.state is State.DIALLING:
            return await self._step(callback, cm.Rings())
        return await self._step(callback, cm.StillOn()) if due else False

    async def _log(self, contact: str, after: int) -> list[Recorded]:
        found: list[Recorded] = []
        while batch := await self._hub.store.log.stream(contact, after + len(found)):
            found += batch
        return found

    # --- asked by the call, right before the phone is called ----------------------------------------------------------

    async def _refusal(self, callback: Callback) -> str | None:
        return await self._guard.refusal(callback.number) if callback.number else None

    async def may_place(self, contact: str, page: bool) -> bool:
        """Says in the log that this attempt begins, at his page or his phone, or that it goes on from the one to the
        other; False when nobody is to be called (any more)."""
        known = await self._hub.store.callbacks.by_contact(contact)
        if known is None:
            return False
        async with self._locks.setdefault(known.id, asyncio.Lock()):
            callback = await self._steps.get(known.id)
            if self._calls_of(callback):
                return False
            if callback.state is State.DIALLING and callback.attempts[-1].ahead:
                return not page  # said so before the call was opened
            falls = callback.at_page and not page and callback.state is not State.TALKING
            if not (falls or callback.state is State.CONNECTING):
                return False
            if await self._refusal(callback) is not None or await self._guard.open_breaker() is not None:
                return False
            version = (await self._hub.contacts.get(contact)).contact.version
            if not falls:
                place = cm.Place(version, page)
                after = await self._steps.do(callback.id, place, fence=self._right)
                return after.state is State.DIALLING
            with contextlib.suppress(Refused):  # his hours are over meanwhile, or it was cancelled
                after = await self._steps.do(callback.id, cm.Fall(), fence=self._right)
                return after.state is State.DIALLING
            return False

    async def answered(self, contact: str) -> bool:
        """A person answered who was called ahead of an agent: now he waits for one, before all others. False when he is
        not to be kept on the line."""
        known = await self._hub.store.callbacks.by_contact(contact)
        if known is None:
            return False
        async with self._locks.setdefault(known.id, asyncio.Lock()):
            callback = await self._steps.get(known.id)
            if callback.state not in (State.DIALLING, State.RINGING):
                return False
            callback = await self._steps.do(callback.id, cm.Answered(), fence=self._right)
            self.ahead.has_answered(callback)
            found = (await self._hub.contacts.get(contact)).contact
            await enqueue(self._hub, callback, found, self._right)
        return True


def _is_customers(event: e.AnyEvent) -> bool:
    return isinstance(event, e.CallAnswered) and event.party == CUSTOMER


def _settles(call: Contact, callback: Callback) -> bool:
    """Whether the customer has in this call what he asked to be called for; not by what was asked for in the call."""
    inbound = call.fields.get("direction") != "outbound"
    return inbound and call.phase in TALKS and call.created_at >= callback.asked_at
