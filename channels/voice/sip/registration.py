"""Our registrations at trunks (RFC 3261 section 10.2): kept fresh, tried again with growing pauses, taken back."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from channels.voice.sip.clock import Timer
from channels.voice.sip.core import Core
from channels.voice.sip.events import Registered, RegistrationFailed, Unregistered
from channels.voice.sip.exchange import Exchange
from channels.voice.sip.fields import number_field
from channels.voice.sip.headers import BadHeader, CSeq, Headers, NameAddr
from channels.voice.sip.message import Request, Response
from channels.voice.sip.settings import Account
from channels.voice.sip.transaction import Failure
from channels.voice.sip.wire import Destination, Source

FIRST_PAUSE_S = 30.0  # RFC 5626 section 4.5
LONGEST_PAUSE_S = 1800.0
MOST_TOO_BRIEF = 2
LONGEST_S = 7 * 86_400


class RegistrationPlan(Struct, frozen=True):
    """`aor`: the address that is registered; `registrar`: the Request-URI; `destinations` in order of preference.

    `expires` is what we ask for, `silence_s` how long a destination may say nothing before the next is tried.
    """

    aor: str
    registrar: str
    destinations: tuple[Destination, ...]
    account: Account | None = None
    contact_user: str = "hub"
    expires: int = 600
    silence_s: float = 4.0


class Registration:
    """One address at one registrar, from `refresh` until `Unregistered`.

    The events: `Registered` at every success, `RegistrationFailed` at every failure, with the pause until the next
    try. After refused credentials there is none: trying on would lock the account.
    """

    def __init__(self, core: Core, name: str, plan: RegistrationPlan) -> None:
        self._core, self.name, self.plan = core, name, plan
        self._call_id = core.random(16)
        self._tag = core.tag()
        self._number = 0
        self._expires = plan.expires
        self._exchange: Exchange | None = None
        self._timer: Timer | None = None
        self._failures = 0
        self._too_brief = 0
        self._removing = False
        self._then: Callable[[], None] | None = None
        self.over = False
        self.flow: str | None = None
        self._since = 0.0

    def refresh(self) -> None:
        """Register now, unless that is under way."""
        if self._exchange is None and not self._removing:
            self._core.clock.cancel(self._timer)
            self._send(self._expires)

    @property
    def stays(self) -> bool:
        return not (self._removing or self.over)

    def drop(self) -> None:
        """Another registration of the same contact takes the place of this one: nothing is taken back or told."""
        self._core.clock.cancel(self._timer)
        self._removing = self.over = True

    def remove(self, then: Callable[[], None] | None = None) -> None:
        """Take it back; `Unregistered` follows, also when the registrar says nothing, and then comes `then`."""
        self._then = then or self._then
        if self._removing:
            return
        self._removing = True
        self._core.clock.cancel(self._timer)
        if self._exchange is None:
            self._send(0)

    def lost(self, flow: str) -> None:
        """A connection closed. If ours, the registrar can no longer reach us; but one that closes them at once must
        not make us register without a pause."""
        if flow == self.flow and self.stays and self._exchange is None:
            self.flow = None
            self._again(max(0.0, FIRST_PAUSE_S - (self._core.clock.now - self._since)))

    def _send(self, expires: int) -> None:
        plan = self.plan
        headers = Headers([("Max-Forwards", "70")])
        headers.add("From", f"<{plan.aor}>;tag={self._tag}")
        headers.add("To", f"<{plan.aor}>")
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", str(CSeq(self._next(), "REGISTER")))
        headers.add("Expires", str(expires))
        headers.add("Supported", "path")
        self._core.ours(headers)
        self._exchange = Exchange(
            self._core,
            Request("REGISTER", plan.registrar, headers),
            plan.destinations,
            self._responded,
            self._failed,
            self._next,
            account=plan.account,
            silence_s=plan.silence_s,
            contact_user=plan.contact_user,
        )

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _responded(self, response: Response, source: Source) -> None:
        status, exchange = response.status, self._exchange
        assert exchange is not None
        if status < 200 or self.over:
            return
        if status == 423 and not self._removing and self._too_brief < MOST_TOO_BRIEF:
            least = number_field(response.headers, "Min-Expires", LONGEST_S) or 0
            if least > self._expires:
                self._too_brief += 1
                self._expires = least
                exchange.request.headers.set("Expires", str(least))
                exchange.again()
                return
        self._exchange = None
        if self._removing:
            self._removed(exchange)
        elif status < 300:
            self._stands(exchange, response, source)
        else:
            self._failure(status, exchange.unmet or response.reason, response, refused=exchange.unmet is not None)

    def _failed(self, failure: Failure) -> None:
        exchange, self._exchange = self._exchange, None
        if self.over:
            return
        if self._removing:
            assert exchange is not None
            self._removed(exchange)
        elif failure == "timeout":
            self._failure(None, "no answer", None)
        else:
            self._failure(None, "cannot be reached", None)

    def _stands(self, exchange: Exchange, response: Response, source: Source) -> None:
        seconds = self._granted(exchange, response)
        if seconds <= 0:
            self._failure(response.status, "the registrar keeps no contact", response)
            return
        self._failures = self._too_brief = 0
        self.flow = source.flow
        self._since = self._core.clock.now
        # Early enough for one try that hears nothing, and spread, since many start together.
        self._again(max(0.5 * seconds, seconds - 120.0) * (0.9 + 0.1 * self._core.share()))
        routes = tuple(response.headers.all("Service-Route"))
        self._core.emit(Registered(self.name, seconds, exchange.destination, routes))

    def _granted(self, exchange: Exchange, response: Response) -> int:
        """For how long our contact is kept: its own parameter, or the header, or what we asked for."""
        ours = NameAddr.parse(exchange.sent.headers.get("Contact") or "").sip_uri
        contacts = response.headers.all("Contact")
        for text in contacts:
            try:
                contact = NameAddr.parse(text)
            except BadHeader:
                continue
            uri = contact.sip_uri
            if uri is not None and ours is not None and uri.equals(ours):
                expires = contact.params.get("expires") or ""
                if expires.isascii() and expires.isdigit() and len(expires) < 10:
                    return min(int(expires), LONGEST_S)
        granted = number_field(response.headers, "Expires", LONGEST_S)
        return granted if granted is not None else self._expires

    def _failure(self, status: int | None, reason: str, response: Response | None, *, refused: bool = False) -> None:
        self.flow = None
        pause: float | None = None
        if not refused:
            pause = min(FIRST_PAUSE_S * 2.0**self._failures, LONGEST_PAUSE_S) * (0.5 + 0.5 * self._core.share())
            if status == 403:
                pause = LONGEST_PAUSE_S
            asked = number_field(response.headers, "Retry-After", int(LONGEST_PAUSE_S)) if response else None
            pause = max(pause, float(asked or 0))
            self._failures = min(self._failures + 1, 16)
            self._again(pause)
        self._core.emit(RegistrationFailed(self.name, status, reason, pause))

    def _again(self, seconds: float) -> None:
        self._core.clock.cancel(self._timer)
        self._timer = self._core.clock.after(seconds, self.refresh)

    def _removed(self, exchange: Exchange) -> None:
        if (exchange.sent.headers.get("Expires") or "") != "0":
            self._send(0)
            return
        self.over = True
        self._core.emit(Unregistered(self.name))
        if self._then is not None:
            self._then()


class Registrations:
    """By name."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._by_name: dict[str, Registration] = {}

    def __len__(self) -> int:
        self._tidy()
        return len(self._by_name)

    def register(self, name: str, plan: RegistrationPlan) -> None:
        """The same plan again changes nothing; another one replaces the former, which is taken back where it was of
        another address (else the registrar would take that for the new contact)."""
        self._tidy()
        others = [one for one in self._by_name.values() if one.name == name]
        if any(one.stays and one.plan == plan for one in others):
            return
        registration = Registration(self._core, name, plan)
        waits = False
        for one in others:
            if one.plan.aor != plan.aor or one.plan.registrar != plan.registrar:
                one.remove()
            elif one.stays:
                one.drop()
            else:
                # What is being taken back could still arrive after what we say now.
                one.remove(registration.refresh)
                waits = True
        self._tidy()
        key = name
        while key in self._by_name:
            key += "'"
        self._by_name[key] = registration
        if not waits:
            registration.refresh()

    def unregister(self, name: str) -> None:
        for registration in self._by_name.values():
            if registration.name == name and registration.stays:
                registration.remove()

    def refresh(self, name: str) -> None:
        for registration in self._by_name.values():
            if registration.name == name:
                registration.refresh()

    def lost(self, flow: str) -> None:
        for registration in self._by_name.values():
            registration.lost(flow)

    def _tidy(self) -> None:
        self._by_name = {key: one for key, one in self._by_name.items() if not one.over}
