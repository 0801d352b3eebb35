"""Agents' own telephones at this node: which stand registered, how one is rung, and what keeps guessers out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import structlog

from channels.voice.sip import events as s
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.registrar import PhoneContact
from channels.voice.sip.uri import SipUri, escape_user
from channels.voice.sip.wire import Source
from channels.voice.trunks import PHONE, Trunks
from hub.attempts import Attempts
from hub.model import Millis, User
from hub.phones import PhoneRules, PhoneSeen
from hub.service import Hub

log = structlog.get_logger(__name__)

KIND = "phone"
FREE_GUESSES = 10
"""Wrong passwords of one address that cost nothing: a whole office may have old ones after a change."""


class RegisteredPhones:
    """Follows what the registrar tells. A user is known by his id, his telephone by its account's name."""

    def __init__(self, hub: Hub, trunks: Trunks) -> None:
        self._hub, self._trunks = hub, trunks
        self._hosts: dict[str, Counter[str]] = {}  # by account: the addresses that the gate knows for it
        self._since: dict[str, dict[str, Millis]] = {}  # by account: since when each contact is there
        self._made_at: dict[str, Millis] = {}  # by account: which password it registered with
        self._users: dict[str, str] = {}  # by account
        self._listeners: list[Callable[[str], None]] = []
        self._guesses = Attempts(free=FREE_GUESSES)
        hub.phones.seen = self.seen
        hub.directory.on_change(self._configured)
        trunks.listen(self._heard)
        self.configure()

    def configure(self) -> None:
        """The settings of the trunks have changed: whether and where telephones register."""
        settings = self._trunks.settings
        locals_ = self._trunks.user_agent.settings.locals if settings.phones else ()
        servers = tuple(
            f"{local.transport}:{f'[{local.host}]' if ':' in local.host else local.host}:{local.port}"
            for local in locals_
        )
        self._hub.phones.rules = PhoneRules(bool(settings.phones and settings.enabled), servers)
        if not settings.phones:
            for account in list(self._users):
                self._forget(account)

    def on_change(self, listener: Callable[[str], None]) -> None:
        """`listener(user)` is called when telephones of the user came or went here."""
        self._listeners.append(listener)

    def of(self, user: User) -> tuple[PhoneContact, ...]:
        """Where the user's telephones are, latest first; none of an account that is not his any more."""
        account = user.phone.username if user.phone is not None else ""
        return self._trunks.user_agent.phones(account) if self._users.get(account) == user.id else ()

    def seen(self, user: str) -> list[PhoneSeen]:
        found = self._hub.directory.users().get(user)
        if found is None or found.phone is None:
            return []
        since = self._since.get(found.phone.username, {})
        return [
            PhoneSeen(phone.destination.host, phone.destination.transport, since.get(phone.uri, 0))
            for phone in self.of(found)
        ]

    def user_of(self, event: s.Invited) -> User | None:
        """Whose telephone calls us, by the credentials that came with it."""
        return self._hub.phones.owner(event.user) if event.user is not None else None

    def ring(self, phone: PhoneContact, user: User, number: str, name: str, sdp: str) -> str:
        """Calls a telephone of the user, with the customer's number and name; the user agent's name of the leg."""
        agent, to = self._trunks.user_agent, phone.destination
        host = next((one.host for one in agent.settings.locals if one.transport == to.transport), "hub.invalid")
        shown = escape_user(_printable(number)) or "anonymous"
        account = user.phone.username if user.phone is not None else ""
        call = agent.invite(
            NameAddr("", str(SipUri("sip", account, host))),
            NameAddr(_printable(name), str(SipUri("sip", shown, host))),
            sdp,
            [to],
            self._trunks.transport.now(),
            request_uri=phone.uri,
            options=PHONE,
        )
        # Its first messages go out in a moment, when whoever rings it knows the call's name.
        asyncio.get_running_loop().call_soon(self._trunks.transport.flush)
        return call

    def talks_from(self, host: str, talks: bool) -> None:
        """A call with a telephone there goes on: what comes from it is let in, even if its registration ends."""
        self._trunks.gate.know(host, talks)

    # --- what comes in -----------------------------------------------------------------------------------------------

    def _heard(self, event: s.Event) -> None:
        match event:
            case s.PhoneRegistered():
                self._guesses.clear(event.destination.host)
                self._came(event)
            case s.PhoneGone():
                log.info("phone.gone", account=event.user, why=event.why)
                self._look(event.user)
            case s.PhoneDenied():
                self._denied(event.source, event)

    def _came(self, event: s.PhoneRegistered) -> None:
        owner = self._hub.phones.owner(event.user)
        if owner is None or owner.phone is None:  # taken from him in this moment
            self._trunks.user_agent.forget_phones(event.user, self._trunks.transport.now())
            return
        if event.user not in self._users:
            log.info("phone.registered", account=event.user, user=owner.id, transport=event.destination.transport)
        self._users[event.user] = owner.id
        self._made_at[event.user] = owner.phone.made_at
        self._look(event.user)

    def _look(self, account: str) -> None:
        """Brings what is kept of an account up to what the registrar has."""
        there = self._trunks.user_agent.phones(account)
        before = self._hosts.pop(account, Counter())
        hosts = Counter(phone.destination.host for phone in there)
        for host in (hosts - before).elements():
            self._trunks.gate.know(host, True)
        for host in (before - hosts).elements():
            self._trunks.gate.know(host, False)
        known, now = self._since.pop(account, {}), self._hub.clock.now()
        user = self._users.get(account)
        if there:
            self._hosts[account] = hosts
            self._since[account] = {phone.uri: known.get(phone.uri, now) for phone in there}
        else:
            self._users.pop(account, None)
            self._made_at.pop(account, None)
        if user is not None and known.keys() != self._since.get(account, {}).keys():
            self._hub.roster.here(KIND, user, bool(there))
            for listener in self._listeners:
                listener(user)

    def _denied(self, source: Source, event: s.PhoneDenied) -> None:
        """Guesses cost the address time; one from which a telephone stands registered is left alone, as its rate is
        bounded and a password has a hundred bits."""
        if event.reason != "wrong user or password":
            return
        now = self._hub.clock.now()
        self._guesses.begin(source.host, now)
        wait = self._guesses.wait(source.host, now)
        if wait:
            self._trunks.gate.bar(source.host, self._trunks.transport.now() + wait / 1000)
            log.warning("phone.guesses", address=source.host, account=event.user, barred_ms=wait)

    def _configured(self, kind: str, id: str) -> None:
        """An account was taken away or given a new password, or its user may take no calls any more."""
        if kind != "user":
            return
        for account in [account for account, user in self._users.items() if user == id]:
            owner = self._hub.phones.owner(account)
            phone = owner.phone if owner is not None and owner.id == id else None
            if phone is None or phone.made_at != self._made_at[account]:
                self._forget(account)

    def _forget(self, account: str) -> None:
        self._trunks.user_agent.forget_phones(account, self._trunks.transport.now())
        self._trunks.transport.flush()


def _printable(text: str) -> str:
    """What may stand in a header: one short line."""
    return "".join(sign for sign in text if sign.isprintable())[:60]
