"""Asking for a callback, and changing it: what customers, agents and programs do (`hub/callback_desk.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from channels.callback.guard import DO_NOT_CALL, Guard
from channels.callback.steps import Steps
from channels.chat.sites import topic_of
from channels.voice.callers import customer_of
from hub import commands as c
from hub.callback_desk import ASAP, Asker, NewCallback, Rehearsal, SlotLoad, Taken, off
from hub.callbacks import machine as cm
from hub.callbacks.model import Callback, Consent, Result, State, page_of
from hub.callbacks.opening import Slot, slot_of, slots
from hub.callbacks.records import DoNotCall
from hub.config_rows import Topic
from hub.contacts import clean_text
from hub.errors import InvalidInput, NotFound, NumberRefused, Refused, VersionConflict
from hub.ids import derived_id
from hub.machine import WAITING
from hub.model import Contact, Customer, Millis, Phase, User
from hub.numbers import verdict
from hub.service import Hub
from hub.visitors import clean_email

SHOWN_DAYS = 14
DAY_MS = 24 * 3_600_000


class Asking:
    """Implements `CallbackDesk`. `has_trunk` says whether one is set up that calls out."""

    def __init__(self, hub: Hub, steps: Steps, guard: Guard, has_trunk: Callable[[], bool] = lambda: True) -> None:
        self._hub, self._steps, self._guard, self._has_trunk = hub, steps, guard, has_trunk
        self._settings = steps.settings
        # Whether a code can be sent to the customers of a queue, by mail.
        self.sends_codes: Callable[[str], bool] = lambda queue: False

    # --- asking -----------------------------------------------------------------------------------------------------

    def takes(self) -> bool:
        return self._has_trunk() or not self._settings.only_by_trunk

    def keeps_places(self) -> bool:
        return self._settings.in_line and self.takes()

    def is_called(self, number: str) -> bool:
        return not verdict(number, self._settings.countries, self._settings.region).reason

    async def ask(self, new: NewCallback, who: Asker, key: str) -> Taken:
        hub = self._hub
        id = derived_id("cb", 0, who.id, key)
        try:
            number = self._guard.admit(new.phone) if new.phone or who.browser is None else ""
        except NumberRefused:
            # Asked before, when it was one that is called?
            known = await hub.store.callbacks.get(id)
            if known is None:
                raise
            return Taken(known)
        known, living, never = await hub.store.callbacks.known(id, number or page_of(who.visitor))
        if known is not None:
            return Taken(known)
        if not self.takes():
            raise off()
        if never:
            raise NumberRefused("phone", "do_not_call", DO_NOT_CALL)
        wish, at = await self._read(new, who, id, number)
        if living is not None:
            return Taken(living, joined=True)
        by_mail = bool(wish.email) and self.sends_codes(wish.queue)
        by_call = "call" if wish.number else ""  # at a page there is nobody else who could say that it was he
        confirming = "" if who.origin != "widget" else "mail" if by_mail else by_call
        confirm = await self._guard.count(wish.callee, who.address, wish.site, confirming=confirming)
        # Who goes on from a conversation is its customer, whoever else may have had this number.
        known_as = (await hub.contacts.customers([wish.customer])).get(wish.customer) if wish.customer else None
        customer, fresh, changed = (
            (known_as, False, None) if known_as else await self._customer(wish, who, new.language)
        )
        draft = replace(
            wish,
            name=wish.name or customer.name,
            email=wish.email or customer.email,
            customer=customer.id,
            code=confirming if confirm else "",
        )
        slot = draft.slot
        try:
            taken = await self._steps.begin(
                draft,
                cm.Ask(at, confirm and by_mail),
                actor=who.id,
                key=key,
                room=self._settings.capacity if slot is not None else None,
                customer=changed,
                visitor=who.browser if who.visitor is None else None,
            )
        except VersionConflict:
            return Taken(await self._steps.get(id))
        except Refused as refused:
            # Another window, or the telephone, was quicker by a moment.
            living = await hub.store.callbacks.living(wish.callee) if refused.code == "callback.known" else None
            if living is None:
                raise
            return Taken(living, joined=True)
        if fresh:
            await hub.store.people.add_identity(customer.id, "phone", number)
        return Taken(taken)

    async def _customer(self, wish: Callback, who: Asker, language: str) -> tuple[Customer, bool, Customer | None]:
        """(who has this number, whether it is known to be his only now, his row when it is to be written). Who is rung
        at his page is whoever he was there."""
        hub, browser = self._hub, who.browser
        if browser is None:
            customer, fresh = await customer_of(hub, wish.number, wish.name, language)
            if fresh and wish.email:
                customer = replace(customer, email=wish.email)
            return customer, fresh, customer if fresh else None
        changed = await hub.visitors.customer_for(browser, wish.name, wish.email, wish.number, language)
        found = changed or (await hub.contacts.customers([browser.customer]))[browser.customer]
        return found, False, changed

    async def _read(self, new: NewCallback, who: Asker, id: str, number: str) -> tuple[Callback, Millis]:
        """(the callback as it is wished for, when it is tried first). Raises what `ask` raises for a wish that cannot
        be."""
        hub = self._hub
        email = clean_email(new.email)
        hub.refuse_blocked(phone=number, email=email, visitor=who.visitor or "", address=who.address)
        linked, queue, site, topic = await self._place(new)
        contact = linked if linked is not None and linked.phase in WAITING else None
        zones = await self._steps.zones(number, new.timezone, queue)
        at, slot = self._time(new.when, queue, zones)
        if slot is not None and not number:
            # Nobody's page can be relied on to be open then.
            raise InvalidInput("phone", "expected a number to call at that time")
        consent = clean_text(new.consent, "consent")
        wish = Callback(
            id,
            reference=id[-8:].upper(),
            number=number,
            name=" ".join(clean_text(new.name, "name", 200).split()),
            email=email,
            topic=topic,
            note=clean_text(new.note, "note", 2000),
            site=site,
            queue=queue,
            language=new.language,
            zones=zones,
            contact=contact.id if contact is not None else derived_id("ct", 0, "callback", id),
            conversation=linked.id if linked is not None and contact is None else "",
            customer=linked.customer if linked is not None else "",
            visitor=who.visitor or (who.browser.id if who.browser is not None else None),
            page=who.browser is not None,
            origin=who.origin,
            address=who.address,
            consent=Consent(consent, new.consent_version, hub.clock.now()) if consent else Consent(),
            asked_by=who.id,
            slot=slot,
            age=contact.queued_at if contact is not None else 0,
        )
        return wish, at

    async def rehearse(self, new: NewCallback, who: Asker, before: Rehearsal) -> bool:
        number = self._guard.admit(new.phone)
        _, living, never = await self._hub.store.callbacks.known("", number)
        if never:
            raise NumberRefused("phone", "do_not_call", DO_NOT_CALL)
        wish, _ = await self._read(new, who, "", number)
        if living is not None or number in before.numbers:
            return True
        await self._guard.count(number, who.address, wish.site)
        if wish.slot is not None:
            place = (wish.queue, wish.slot)
            if place not in before.slots:
                taken = await self._hub.store.callbacks.loads(wish.queue, wish.slot, wish.slot + 1)
                before.slots[place] = taken.get(wish.slot, 0)
            if before.slots[place] >= self._settings.capacity:
                raise Refused("Nobody has time for it then. Please choose another time.", code="callback.full")
            before.slots[place] += 1
        before.numbers.add(number)
        return False

    async def _place(self, new: NewCallback) -> tuple[Contact | None, str, str, str]:
        """(the contact that it goes on from, queue, site, topic). Raises InvalidInput."""
        directory = self._hub.directory
        if new.contact:
            try:
                contact = (await self._hub.contacts.get(new.contact)).contact
            except NotFound:
                raise InvalidInput("contact", "expected a contact that there is") from None
            queue = contact.queue if contact.phase in WAITING or not new.queue else new.queue
            if queue is None:
                raise InvalidInput("contact", "expected a contact that came to a queue")
            if queue not in directory.queues():
                raise InvalidInput("queue", "expected a queue that there is")
            return contact, queue, contact.site, contact.subject
        site = new.site or next(iter(directory.sites()), "")
        if site and site not in directory.sites():
            raise InvalidInput("site", "expected a site that there is")
        if new.queue:
            if new.queue not in directory.queues():
                raise InvalidInput("queue", "expected a queue that there is")
            return None, new.queue, site, new.topic
        if not site:
            raise InvalidInput("queue", "expected a queue, as there is no site")
        topic = self._topic(site, new.topic)
        return None, topic.queue, site, topic.id

    def _topic(self, site: str, named: str) -> Topic:
        """By its id or any of its labels; without a name the first one for which somebody is there, or the first."""
        row = self._hub.directory.site(site)
        wanted = named.strip().casefold()
        if not wanted:
            there = (topic for topic in row.topics if self._hub.routing.standing(topic.queue).staffed)
            return next(there, None) or topic_of(row, row.topics[0].id if row.topics else "")
        for topic in row.topics:
            if wanted in (topic.id.casefold(), *(label.casefold() for label in topic.label.values())):
                return topic
        return topic_of(row, named)

    def _time(self, when: str, queue: str, zones: Sequence[str]) -> tuple[Millis, Millis | None]:
        """(when it is tried first, its slot when one was chosen). Raises InvalidInput, Refused `callback.hours`."""
        now = self._hub.clock.now()
        if when == ASAP:
            return now, None
        try:
            wished = datetime.fromisoformat(when)
        except ValueError:
            wished = None
        if wished is None or wished.tzinfo is None:
            raise InvalidInput("when", 'expected "asap" or a time with its offset, such as 2026-05-04T10:00:00+02:00')
        at = int(wished.timestamp() * 1000)
        if not now < at <= now + self._settings.horizon_ms:
            days = self._settings.horizon_ms // DAY_MS
            raise InvalidInput("when", f"expected a time within the next {days} days")
        if not self._steps.opening(queue, zones).is_open(at):
            raise Refused("Nobody can call you at that time. Please choose another one.", code="callback.hours")
        return at, slot_of(at, self._settings.slot_ms)

    def topic(self, site: str, named: str) -> str:
        """The id of the topic that a callback is about, "" for a site's only one. Raises InvalidInput."""
        found = self._topic(site, named).id
        return found if self._hub.directory.site(site).topics else ""

    async def soon(
        self, site: str, topic: str, phone: str, timezone: str, queue: str = ""
    ) -> tuple[Millis | None, float | None]:
        """(the first time from now on at which it would be tried, how many seconds one waits in the queue then)."""
        queue, zones = await self._where(site, topic, queue, phone, timezone)
        first = self._steps.opening(queue, zones).first(self._hub.clock.now())
        return first, self._hub.routing.queue_wait_s(queue, "callback")

    async def _where(self, site: str, topic: str, queue: str, phone: str, timezone: str) -> tuple[str, tuple[str, ...]]:
        """(queue, zones of a number, none of what is no number)."""
        _, found, _, _ = await self._place(NewCallback("", site=site, topic=topic, queue=queue))
        number = verdict(phone, self._settings.countries, self._settings.region).number if phone else ""
        return found, await self._steps.zones(number, timezone, found) if number else ()

    async def slots(self, site: str, topic: str, queue: str, phone: str, timezone: str) -> list[Slot]:
        found, zones = await self._where(site, topic, queue, phone, timezone)
        now = self._hub.clock.now()
        until = now + min(SHOWN_DAYS * DAY_MS, self._settings.horizon_ms)
        taken = await self._hub.store.callbacks.loads(found, now, until)
        length = self._settings.slot_ms
        opening = self._steps.opening(found, zones)
        return slots(opening, now + 1, until, length=length, capacity=self._settings.capacity, taken=taken)

    async def loads(self, queue: str, since: Millis, until: Millis) -> list[SlotLoad]:
        length, capacity = self._settings.slot_ms, self._settings.capacity
        first = slot_of(since, length)
        promised = await self._hub.store.callbacks.loads(queue, first, until)
        due = await self._hub.store.callbacks.due_loads(queue, first, until, length)
        opening = self._steps.opening(queue, ())
        rooms = slots(opening, first, until, length=length, capacity=capacity, taken={})
        room = {slot.start: capacity for slot in rooms}
        return [
            SlotLoad(start, start + length, promised.get(start, 0), due.get(start, 0), room.get(start, 0))
            for start in sorted({*room, *promised, *due})
        ]

    # --- what becomes of it -----------------------------------------------------------------------------------------

    async def get(self, id: str) -> Callback:
        return await self._steps.get(id)

    def estimate_s(self, callback: Callback) -> float | None:
        now, routing = self._hub.clock.now(), self._hub.routing
        match callback.state:
            case State.QUEUED if callback.ahead:
                return routing.queue_wait_s(callback.queue, "callback")
            case State.QUEUED:
                return routing.wait_s(callback.contact)
            case State.SCHEDULED if callback.next_at is not None:
                left = max(0, callback.next_at - now) / 1000
                wait = routing.queue_wait_s(callback.queue, "callback")
                return left if wait is None else left + wait
        return None

    async def move(self, id: str, when: str, by: str, key: str) -> Callback:
        callback = await self._steps.get(id)
        await self._steps.ready(callback)
        at, slot = self._time(when, callback.queue, callback.zones)
        room = None if slot is None else self._settings.capacity
        return await self._steps.do(id, cm.Move(at, slot), actor=by, key=key, room=room)

    async def confirm(self, id: str, by: str, key: str) -> Callback:
        """Its customer has shown that it was he who asked."""
        return await self._steps.do(id, cm.Confirm(), actor=by, key=key)

    async def cancel(self, id: str, by: str, key: str) -> Callback:
        return await self._steps.do(id, cm.Cancel(by), actor=by, key=key)

    async def call_now(self, id: str, by: str, key: str) -> Callback:
        return await self._steps.do(id, cm.CallNow(), actor=by, key=key)

    async def give(self, id: str, agent: str | None, by: str, key: str) -> Callback:
        if agent is not None:
            self._hub.directory.user(agent)
        return await self._steps.do(id, cm.Give(agent), actor=by, key=key)

    async def of_contact(self, contact: str) -> Callback | None:
        return await self._hub.store.callbacks.by_contact(contact)

    async def dial(self, contact: str, agent: str) -> None:
        callback = await self.of_contact(contact)
        if callback is None or callback.state not in (State.QUEUED, State.CONNECTING):
            return
        await self._accepted_by(callback, agent)
        await self._steps.do(callback.id, cm.Dial(agent), actor=agent)

    async def put_off(self, id: str, agent: str, minutes: int | None, why: str, key: str) -> Callback:
        callback = await self._steps.get(id)
        if await self._hub.store.log.find(id, agent, key) is not None:
            return callback
        contact = await self._accepted_by(callback, agent)
        at = None if minutes is None else self._hub.clock.now() + minutes * 60_000
        said = " ".join(clean_text(why, "reason", 200).split())
        after = await self._steps.do(id, cm.PutOff(agent, at, said), actor=agent, key=key)
        if at is None:
            # Should this not come to pass, the callback is offered to him as accepted once more.
            row = self._hub.directory.queues().get(contact.queue or "")
            lose = c.LoseAgent(agent, "not_now", (row.retry_s if row is not None else 60) * 1000)
            await self._hub.contacts.do(contact.id, lose, actor=agent)
        return after

    async def _accepted_by(self, callback: Callback, agent: str) -> Contact:
        contact = (await self._hub.contacts.get(callback.contact)).contact
        if contact.phase is not Phase.CONNECTING or contact.agent != agent:
            raise Refused("You do not have this callback.", code="contact.not_yours")
        return contact

    def most_attempts(self) -> int:
        return self._settings.policy.attempts

    async def tell(self, id: str, result: Result, by: str, key: str) -> Callback:
        return await self._steps.do(id, cm.Told(result), actor=by, key=key)

    def may_tell(self, user: User, callback: Callback) -> bool:
        return callback.agent == user.id

    def on_time_ms(self) -> Millis:
        return self._settings.slot_ms

    # --- numbers that are never called, breakers ----------------------------------------------------------------------

    async def block(self, typed: str, by: str, source: str) -> str:
        number = self._number(typed)
        await self._hub.store.callbacks.block([DoNotCall(number, self._hub.clock.now(), source, by)])
        await self._forget(number, by)
        return number

    async def block_many(self, typed: Sequence[str], by: str, *, dry_run: bool = False) -> tuple[int, dict[int, str]]:
        now, wrong = self._hub.clock.now(), dict[int, str]()
        entries = []
        for place, text in enumerate(typed):
            try:
                entries.append(DoNotCall(self._number(text), now, "import", by))
            except NumberRefused as refused:
                wrong[place] = refused.message
        if dry_run:
            numbers = {entry.number for entry in entries}
            return len(numbers) - await self._hub.store.callbacks.known_blocked(list(numbers)), wrong
        new = await self._hub.store.callbacks.block(entries)
        for entry in entries:
            await self._forget(entry.number, by)
        return new, wrong

    def _number(self, typed: str) -> str:
        found = verdict(typed, self._settings.countries, self._settings.region)
        if found.reason in ("malformed", "unknown"):
            raise NumberRefused("phone", found.reason, found.sentence)
        return found.number

    async def _forget(self, number: str, by: str) -> None:
        living = await self._hub.store.callbacks.living(number)
        if living is not None and living.state is not State.TALKING:
            await self._steps.do(living.id, cm.Cancel(by), actor=by)

    async def reset_breaker(self, name: str, by: str) -> None:
        await self._guard.reset(name, by)
