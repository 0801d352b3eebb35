"""What a customer may do about callbacks in the widget: see what is offered, ask, look, change, cancel.

As with the e-mail form nobody is given a riddle (`channels/email/puzzle.py`): a form is taken once its puzzle is
solved, out of sight, not sooner than a person can fill it in, and with its trap left alone. The puzzle's nonce makes
the callback this one, so a form that is sent twice is one callback. Whoever asked gets its secret and with that, and
with nothing else, he may come back to it; who asks for a number that is promised a call already gets no secret of
what others asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct

from channels.callback.asking import Asking
from channels.callback.keys import callback_of, is_code, make_token
from channels.callback.steps import Steps
from channels.email import puzzle
from hub.callback_desk import ASAP, Asker, NewCallback
from hub.callbacks.machine import TABLE, Cancel, Move, counted
from hub.callbacks.model import Callback, State
from hub.callbacks.settings import CallbackSettings
from hub.errors import Forbidden, InvalidInput, NotFound, NumberRefused, Refused
from hub.limits import SharedLimit
from hub.mailing import sending
from hub.model import Visitor
from hub.numbers import Verdict, calling_code, digits_short, international, verdict
from hub.service import Hub
from hub.sockets import Input

HOUR_MS = 3_600_000
SOONEST_MS = 1_500
"""Nobody types a number in less."""
LATEST_MS = 12 * HOUR_MS
BEGUN = 120
CHECKED = 3_000
TRIED = 5
"""Codes for one callback in the half hour that it can be confirmed in."""

Country = Annotated[str, Meta(pattern="^([A-Z]{2})?$")]
Typed = Annotated[str, Meta(max_length=80)]
Zone = Annotated[str, Meta(max_length=64)]
Id = Annotated[str, Meta(max_length=64)]
ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Json = dict[str, Any]


class CheckInput(Input, frozen=True, forbid_unknown_fields=True):
    """A number as it is typed; without a country code it is read as `country`'s (ISO)."""

    phone: Typed
    country: Country = ""


class SlotsInput(Input, frozen=True, forbid_unknown_fields=True):
    """`timezone` is the browser's own, `contact` the conversation that he goes on from; `reference` and `token` are of
    a callback that is to have another time."""

    topic: Id = ""
    phone: Typed = ""
    country: Country = ""
    timezone: Zone = ""
    contact: Id = ""
    reference: Annotated[str, Meta(max_length=40)] = ""
    token: Annotated[str, Meta(max_length=80)] = ""


class AskInput(Input, frozen=True, forbid_unknown_fields=True):
    """`ticket` is as it was given out, `counter` solves it. `consent` is the text as it was read, in its language.
    `website` is the trap: people do not see it. With `page` he is rung on this page, and at `phone`, if he gives one,
    when he is not there."""

    ticket: Annotated[str, Meta(max_length=400)]
    counter: Annotated[int, Meta(ge=0, lt=2**53)]
    phone: Typed
    consent: Annotated[str, Meta(max_length=2000)]
    consent_version: Id
    country: Country = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    topic: Id = ""
    note: Annotated[str, Meta(max_length=2000)] = ""
    when: Annotated[str, Meta(max_length=40)] = ASAP
    timezone: Zone = ""
    contact: Id = ""
    locale: Annotated[str, Meta(max_length=35)] = "en"
    page: bool = False
    website: Annotated[str, Meta(max_length=200)] = ""


class HeldInput(Input, frozen=True, forbid_unknown_fields=True):
    """A callback by its reference and its secret."""

    reference: Annotated[str, Meta(max_length=40)]
    token: Annotated[str, Meta(max_length=80)]


class MoveInput(HeldInput, frozen=True, forbid_unknown_fields=True, kw_only=True):
    when: Annotated[str, Meta(max_length=40)]
    client_id: ClientId


class CancelInput(HeldInput, frozen=True, forbid_unknown_fields=True, kw_only=True):
    client_id: ClientId


class ConfirmInput(HeldInput, frozen=True, forbid_unknown_fields=True, kw_only=True):
    code: Annotated[str, Meta(max_length=20)]


class Guest(Struct, frozen=True):
    """Who is at the door, as the connection knows him: the network's address, and the visitor if he is one."""

    site: str
    address: str
    visitor: str | None = None
    known: Visitor | None = None
    user_agent: str = ""


class Door:
    """`secret` signs puzzles, secrets and codes; `shown` is the number that a queue's calls show."""

    def __init__(self, hub: Hub, asking: Asking, steps: Steps, secret: bytes, shown: Callable[[str], str]) -> None:
        self._hub, self._asking, self._steps, self._secret, self._shown = hub, asking, steps, secret, shown
        self._load = puzzle.Load()
        self._begun = SharedLimit("callback.begun", BEGUN, HOUR_MS, hub.bus, hub.clock)
        self._checked = SharedLimit("callback.checked", CHECKED, HOUR_MS, hub.bus, hub.clock)
        self._tried = SharedLimit("callback.tried", TRIED, HOUR_MS, hub.bus, hub.clock)
        asking.sends_codes = lambda queue: hub.mailing is not None and bool(sending(hub.directory.mailboxes()))

    @property
    def _settings(self) -> CallbackSettings:
        return self._steps.settings

    # --- what is offered ----------------------------------------------------------------------------------------------

    async def begin(self, guest: Guest) -> Json:
        """A puzzle for one form, when it may be sent at the soonest, and the countries that are called."""
        await self._begun.take(guest.address)
        now = self._hub.clock.now()
        made = puzzle.make(_place(guest.site), now, self._load.bits(now))
        countries = [{"id": id, "code": code} for id in self._settings.countries if (code := calling_code(id))]
        return {
            "ticket": puzzle.seal(made, self._secret),
            "nonce": made.nonce,
            "bits": made.bits,
            "wait_ms": SOONEST_MS,
            "countries": countries,
            "region": self._settings.region,
            "mails": self._asking.sends_codes(""),
            "page": self._hub.takes_calls,
        }

    async def check(self, guest: Guest, data: CheckInput) -> Json:
        """What is known of a number as it is typed: `reason` "" for one that is called, and by how many digits it is
        too short (or too long, less than 0) when that can be said."""
        await self._checked.take(guest.address)
        region = data.country or self._settings.region
        found = verdict(data.phone, self._settings.countries, region)
        wrong = found.reason in ("malformed", "unknown")
        return {
            "reason": found.reason,
            "country": found.country,
            "number": international(found.number) if not found.reason else "",
            "short": digits_short(data.phone, region) if wrong else 0,
        }

    async def slots(self, guest: Guest, data: SlotsInput) -> Json:
        """When one is called as soon as possible (`soon_at`, and `wait_s` from then on), and the times that can be
        chosen, full ones among them; of which topic, when none was named."""
        await self._checked.take(guest.address)
        site, topic, queue, typed = guest.site, "", "", data.phone
        if data.token:
            callback = await self.held(HeldInput(data.reference, data.token))
            site, queue, typed = "", callback.queue, callback.number
        elif data.contact:
            queue = (await self._own(guest, data.contact)) or ""
            site = ""
        else:
            topic = self._asking.topic(site, data.topic)
        region = data.country or self._settings.region
        found = verdict(typed, self._settings.countries, region)
        phone = "" if found.reason else found.number
        first, wait = await self._asking.soon(site, topic, phone, data.timezone, queue)
        slots = await self._asking.slots(site, topic, queue, phone, data.timezone)
        return {
            "topic": topic,
            "now": self._hub.clock.now(),
            "soon_at": first,
            "wait_s": wait,
            "slots": [{"start": slot.start, "end": slot.end, "left": slot.left} for slot in slots],
        }

    async def _own(self, guest: Guest, contact: str) -> str | None:
        """The queue of a conversation of this visitor's. Raises Forbidden, also when there is none."""
        row = (await self._hub.contacts.many([contact])).get(contact)
        if guest.visitor is None or row is None or row.contact.visitor != guest.visitor:
            raise Forbidden("This conversation is not yours.")
        return row.contact.queue

    # --- asking -------------------------------------------------------------------------------------------------------

    async def ask(self, guest: Guest, form: AskInput) -> tuple[Json, Visitor | None]:
        """The callback with its secret, and whose page is rung; only `joined` when the number was promised one that
        somebody else asked for.

        Raises what `CallbackDesk.ask` raises, Refused: `form.expired` (begin anew), `form.early`, `form.unsolved`,
        `form.trap` and `form.used`, Forbidden.
        """
        made = self._admitted(guest, form)
        region = form.country or self._settings.region
        found = verdict(form.phone, self._settings.countries, region)
        if not form.phone.strip() and form.page:
            found = Verdict()
        elif found.reason:
            raise NumberRefused("phone", found.reason, found.sentence)
        if form.page and not self._hub.takes_calls:
            raise InvalidInput("page", "expected false, as nobody talks by voice here")
        if not form.consent.strip():
            raise InvalidInput("consent", "expected the text that the customer agreed to")
        if form.contact:
            await self._own(guest, form.contact)
        new = NewCallback(
            found.number,
            name=form.name,
            email=form.email,
            topic=form.topic,
            site=guest.site,
            when=form.when,
            note=form.note,
            language=form.locale,
            timezone=form.timezone,
            contact=form.contact,
            consent=form.consent,
            consent_version=form.consent_version,
        )
        browser = None
        if form.page:
            browser = guest.known or self._hub.visitors.first(guest.site, made.nonce, guest.user_agent)
        who = Asker("widget", "widget", guest.address, guest.visitor, browser)
        taken = await self._asking.ask(new, who, made.nonce)
        self._load.came(self._hub.clock.now())
        callback = taken.callback
        if callback.number != found.number:
            raise Refused("This form was sent before. Begin a new one.", code="form.used")
        if taken.joined and (guest.visitor is None or callback.visitor != guest.visitor):
            return {"joined": True}, None
        token = make_token(callback.id, self._secret)
        rung = browser if browser is not None and callback.visitor == browser.id else None
        return {"joined": taken.joined, "token": token, "callback": self.view(callback)}, rung

    def _admitted(self, guest: Guest, form: AskInput) -> puzzle.Puzzle:
        now = self._hub.clock.now()
        made = puzzle.opened(form.ticket, self._secret)
        if made is None or made.site != _place(guest.site) or made.at <= now - LATEST_MS:
            raise Refused("This form was open for too long. Please send it again.", code="form.expired")
        if not puzzle.solved(made, form.counter):
            raise Refused("This form was not filled in by a browser.", code="form.unsolved")
        left = made.at + SOONEST_MS - now
        if left > 0:
            raise Refused("That was too quick.", code="form.early", details={"retry_after_ms": left})
        if form.website:
            raise Refused("Please leave the hidden field empty.", code="form.trap")
        return made

    # --- afterwards ---------------------------------------------------------------------------------------------------

    async def held(self, data: HeldInput) -> Callback:
        """Raises NotFound, the same for a reference and for a secret that are wrong."""
        id = callback_of(data.token, self._secret)
        callback = None if id is None else await self._hub.store.callbacks.get(id)
        if callback is None or callback.reference != data.reference.strip().upper():
            raise NotFound("callback")
        return callback

    async def move(self, data: MoveInput) -> Callback:
        """Raises NotFound, InvalidInput, Refused (`callback.hours`, `callback.full`, `callback.state`)."""
        callback = await self.held(data)
        if not callback.number:
            raise InvalidInput(
                "when", "expected a callback to a telephone: nobody knows whether this page is open then"
            )
        return await self._asking.move(callback.id, data.when, "customer", data.client_id)

    async def cancel(self, data: CancelInput) -> Callback:
        """Raises NotFound, Refused `callback.state`."""
        callback = await self.held(data)
        if callback.state is State.CANCELLED:
            return callback
        return await self._asking.cancel(callback.id, "customer", data.client_id)

    async def confirm(self, data: ConfirmInput) -> Callback:
        """Raises NotFound, RateLimited, Refused `callback.code` for a wrong code."""
        callback = await self.held(data)
        if callback.state is not State.ASKED:
            return callback
        await self._tried.take(callback.id)
        if not is_code("".join(data.code.split()), callback.id, self._secret):
            raise Refused("This code is not right. Please look at our mail again.", code="callback.code")
        return await self._asking.confirm(callback.id, "customer", "confirm")

    def view(self, callback: Callback) -> Json:
        """What its customer sees, with nothing that others may have told of him: whoever has the secret may be him, or
        somebody whom he gave it to."""
        state, queued = callback.state, callback.state is State.QUEUED
        slot = callback.slot
        return {
            "reference": callback.reference,
            "version": callback.version,
            "site": callback.site,
            "topic": callback.topic,
            "state": str(state),
            "phone": international(callback.number),
            "page": callback.page,
            "at_page": callback.at_page,
            "from": self._shown(callback.queue) if callback.number else "",
            "slot": None if slot is None else {"start": slot, "end": slot + self._settings.slot_ms},
            "due_at": callback.due_at if state in (State.SCHEDULED, State.ASKED) else None,
            "position": self._hub.routing.position(callback.contact) if queued else None,
            "wait_s": self._asking.estimate_s(callback) if queued else None,
            "attempts": counted(callback),
            "can_move": state in TABLE[Move] and bool(callback.number),
            "can_cancel": state in TABLE[Cancel],
            "ended_at": callback.ended_at,
        }


def _place(site: str) -> str:
    """What a puzzle names as its site, so that one for a mail lets no callback in."""
    return f"callback:{site}"
