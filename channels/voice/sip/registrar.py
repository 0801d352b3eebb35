"""Desk phones that register with us (RFC 3261 section 10.3): who they are, and where each can be called.

A phone is called by the way that its REGISTER came (its connection, or the address that its NAT gave it), never by
what its Contact says alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec import Struct

from channels.voice.sip.clock import Timer
from channels.voice.sip.core import Core
from channels.voice.sip.digest import Accepted, Credentials, DigestServer
from channels.voice.sip.events import PhoneDenied, PhoneGone, PhoneRegistered
from channels.voice.sip.fields import number_field
from channels.voice.sip.headers import BadHeader, CSeq, NameAddr
from channels.voice.sip.message import Request, reply
from channels.voice.sip.transaction import ServerTransaction
from channels.voice.sip.uri import BadUri, SipUri
from channels.voice.sip.wire import Destination, back_to

MOST_IN_ONE = 16
Lookup = Callable[[str], Mapping[str, str] | None]


class PhoneContact(Struct, frozen=True):
    """Where a phone of a user is called: `uri` is the Request-URI."""

    uri: str
    destination: Destination


@dataclass(slots=True)
class _Binding:
    contact: PhoneContact
    key: tuple[str, ...]
    call_id: str
    number: int
    until: float
    timer: Timer


@dataclass(slots=True)
class _Wish:
    """One Contact of a REGISTER."""

    uri: str
    key: tuple[str, ...]
    seconds: int


class _Refused(Exception):
    def __init__(self, status: int, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status)
        self.status, self.reason, self.headers = status, reason, headers


class Registrar:
    """`lookup(username)` gives the digest hashes of a user of a phone, None for nobody (digest.hash_user)."""

    def __init__(self, core: Core, lookup: Lookup) -> None:
        self._core, self._settings = core, core.settings.registrar
        self._digest = DigestServer(self._settings.realm, bytes.fromhex(core.random(32)), lookup, core.random)
        self._bindings: dict[str, list[_Binding]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def contacts(self, user: str) -> tuple[PhoneContact, ...]:
        """Where the user's phones are, latest registered first."""
        return tuple(binding.contact for binding in reversed(self._bindings.get(user, ())))

    def authenticate(self, transaction: ServerTransaction) -> str | None:
        """The user whose credentials the request brings; else it is challenged, and None."""
        request = transaction.request
        text = self._credentials(request)
        stale = False
        if text is not None:
            verdict = self._digest.check(text, request.method, request.uri, self._core.clock.now)
            if isinstance(verdict, Accepted):
                return verdict.username
            stale = verdict.stale
            if not stale:
                self._core.emit(PhoneDenied(transaction.source, _claimed(text), request.method, verdict.reason))
        challenges = self._digest.challenge(self._core.clock.now, stale=stale)
        self._core.reply(transaction, 401, headers=tuple(("WWW-Authenticate", one) for one in challenges))
        return None

    def register(self, transaction: ServerTransaction) -> None:
        user = self.authenticate(transaction)
        if user is None:
            return
        try:
            self._register(transaction, user)
        except _Refused as refusal:
            self._core.reply(transaction, refusal.status, refusal.reason, headers=refusal.headers)

    def lost(self, flow: str) -> None:
        """A connection closed: whoever came by it cannot be called any more."""
        for user, bindings in list(self._bindings.items()):
            for binding in [one for one in bindings if one.contact.destination.flow == flow]:
                if binding.contact.destination.transport != "udp":
                    self._remove(user, binding, "flow")

    def forget(self, user: str) -> None:
        """The user may not use phones any more."""
        for binding in list(self._bindings.get(user, ())):
            self._remove(user, binding, "removed")

    def _credentials(self, request: Request) -> str | None:
        for text in request.headers.lines("Authorization")[:4]:
            try:
                if Credentials.parse(text).realm == self._settings.realm:
                    return text
            except BadHeader:
                continue
        return None

    def _register(self, transaction: ServerTransaction, user: str) -> None:
        """Everything is checked before anything is changed. Raises _Refused."""
        request = transaction.request
        address = NameAddr.parse(request.headers.get("To") or "").sip_uri
        if address is None or address.username != user:
            raise _Refused(403, "That is another user's address")
        number = CSeq.parse(request.headers.get("CSeq") or "").number
        call_id = request.headers.get("Call-ID") or ""
        texts = request.headers.all("Contact")
        own = self._bindings.get(user, [])
        if "*" in texts:
            if texts != ["*"] or number_field(request.headers, "Expires") != 0:
                raise _Refused(400, "A Contact of * needs Expires: 0 and nothing beside it")
            for binding in own:
                _check_order(binding, call_id, number)
            self.forget(user)
        elif texts:
            wishes = self._wishes(request, texts)
            for wish in wishes:
                for binding in own:
                    if binding.key == wish.key:
                        _check_order(binding, call_id, number)
            if self._count + len(wishes) > self._settings.contacts:
                raise _Refused(503, "Too many phones", (("Retry-After", "60"),))
            for wish in wishes:
                self._bind(user, wish, back_to(transaction.source), call_id, number)
        response = reply(request, 200, None, self._core.tag())
        now = self._core.clock.now
        for binding in self._bindings.get(user, ()):
            left = max(round(binding.until - now), 0)
            response.headers.add("Contact", f"<{binding.contact.uri}>;expires={left}")
        transaction.respond(response)

    def _wishes(self, request: Request, texts: list[str]) -> list[_Wish]:
        """Raises _Refused."""
        settings, wishes = self._settings, []
        if len(texts) > MOST_IN_ONE:
            raise _Refused(403, "Too many contacts")
        header = number_field(request.headers, "Expires")
        for text in texts:
            try:
                contact = NameAddr.parse(text)
                uri = SipUri.parse(contact.uri)
            except (BadHeader, BadUri):
                raise _Refused(400, "Malformed Contact") from None
            if uri.scheme not in ("sip", "sips"):
                raise _Refused(400, "A phone is called by SIP")
            own = contact.params.get("expires") or ""
            if own.isascii() and own.isdigit():
                seconds = int(own[:10])
            else:
                seconds = header if header is not None else settings.expires
            if 0 < seconds < settings.min_expires:
                raise _Refused(423, None, (("Min-Expires", str(settings.min_expires)),))
            instance = contact.params.get("+sip.instance")
            if instance:
                key: tuple[str, ...] = ("instance", instance, contact.params.get("reg-id") or "")
            else:
                key = ("uri", uri.scheme, uri.user or "", uri.host, str(uri.port), uri.transport or "")
            wishes.append(_Wish(contact.uri, key, min(seconds, settings.max_expires)))
        return wishes

    def _bind(self, user: str, wish: _Wish, destination: Destination, call_id: str, number: int) -> None:
        own = self._bindings.setdefault(user, [])
        known = next((binding for binding in own if binding.key == wish.key), None)
        if wish.seconds == 0:
            if known is not None:
                self._remove(user, known, "removed")
            elif not own:
                del self._bindings[user]
            return
        if known is not None:
            self._core.clock.cancel(known.timer)
            own.remove(known)
            self._count -= 1
        elif len(own) >= self._settings.contacts_a_user:
            # A phone that restarts with a new Contact each time must not shut itself out.
            self._remove(user, own[0], "removed")
            own = self._bindings.setdefault(user, [])
        until = self._core.clock.now + wish.seconds
        timer = self._core.clock.after(wish.seconds, lambda: self._remove(user, binding, "expired"))
        binding = _Binding(PhoneContact(wish.uri, destination), wish.key, call_id, number, until, timer)
        own.append(binding)
        self._count += 1
        self._core.emit(PhoneRegistered(user, wish.uri, destination, wish.seconds))

    def _remove(self, user: str, binding: _Binding, why: str) -> None:
        own = self._bindings[user]
        own.remove(binding)
        if not own:
            del self._bindings[user]
        self._count -= 1
        self._core.clock.cancel(binding.timer)
        self._core.emit(PhoneGone(user, binding.contact.uri, why))


def _check_order(binding: _Binding, call_id: str, number: int) -> None:
    """RFC 3261 section 10.3, steps 6 and 7. Raises _Refused."""
    if binding.call_id == call_id and number <= binding.number:
        raise _Refused(500, "Request out of order")


def _claimed(text: str) -> str:
    return Credentials.parse(text).username[:100]
