"""Transfers by REFER (RFC 3515, RFC 3891): asked of us by the peer, where that is allowed, and asked of the peer."""

from __future__ import annotations

import re
from urllib.parse import unquote

from channels.voice.sip.clock import Timer
from channels.voice.sip.core import allowed
from channels.voice.sip.dialog import Dialog
from channels.voice.sip.events import ReferProgress, Referred
from channels.voice.sip.headers import BadHeader, NameAddr
from channels.voice.sip.leg import Leg
from channels.voice.sip.message import REASONS, Response, reply
from channels.voice.sip.transaction import Failure, ServerTransaction
from channels.voice.sip.uri import BadUri, SipUri
from channels.voice.sip.wire import Source

SUBSCRIPTION_S = 120.0
_FRAGMENT = re.compile(rb"SIP/2\.0[ \t]+([1-6][0-9][0-9])(?![0-9])")


class Referral:
    """The transfers of one leg: at most one each way at a time, and none for longer than the subscription lasts."""

    def __init__(self, leg: Leg) -> None:
        self._leg, self._core = leg, leg.core
        self._incoming: tuple[str, Dialog, bool] | None = None
        self._outgoing = False
        self._timers: dict[str, Timer] = {}
        leg.handlers["REFER"] = self._referred
        leg.handlers["NOTIFY"] = self._notified
        leg.at_end.append(self._stop)

    def refer(self, to: str, replaces: str | None) -> None:
        """Ask the peer to call the URI `to` instead of us; `replaces` is the header value for that call."""
        leg, dialog = self._leg, self._leg.dialog
        if dialog is None or not leg.answered or self._outgoing:
            self._core.emit(ReferProgress(leg.call, 491 if self._outgoing else 481))
            return
        request = dialog.request("REFER")
        request.headers.set("Refer-To", f"<{_with_replaces(to, replaces) if replaces else to}>")
        request.headers.set("Referred-By", f"<{dialog.local.uri}>")
        self._outgoing = True
        self._timers["outgoing"] = self._core.clock.after(SUBSCRIPTION_S, lambda: self._told(408))

        def responded(response: Response, source: Source) -> None:
            if response.status >= 300:
                self._told(response.status)
            elif response.status >= 200 and (response.headers.get("Refer-Sub") or "").lower().startswith("false"):
                self._told(202)

        def failed(failure: Failure) -> None:
            self._told(408)

        leg.ask(dialog, request, responded, failed, contact=True)

    def progress(self, status: int) -> None:
        """Tell the peer what became of the call that it asked for; from 200 on that is the last it hears."""
        if self._incoming is None:
            return
        number, dialog, wanted = self._incoming
        if status >= 200:
            self._incoming = None
            self._core.clock.cancel(self._timers.pop("incoming", None))
        if not wanted or self._leg.ended:
            return
        request = dialog.request("NOTIFY")
        headers = request.headers
        headers.set("Event", f"refer;id={number}")
        headers.set("Content-Type", "message/sipfrag;version=2.0")
        state = "terminated;reason=noresource" if status >= 200 else f"active;expires={SUBSCRIPTION_S:.0f}"
        headers.set("Subscription-State", state)
        request.body = f"SIP/2.0 {status} {REASONS.get(status, 'Unknown')}\r\n".encode()
        self._leg.ask(dialog, request, self._leg.watch, _no_matter, contact=True)

    def _referred(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        leg, headers = self._leg, transaction.request.headers
        if not leg.options.refer:
            self._core.reply(transaction, 603, headers=(("Allow", allowed(leg.options)),))
            return
        if self._incoming is not None or not leg.answered:
            self._core.reply(transaction, 491)
            return
        try:
            target = NameAddr.parse(headers.get("Refer-To") or "")
            uri = SipUri.parse(target.uri)
        except (BadHeader, BadUri):
            self._core.reply(transaction, 400, "Malformed Refer-To")
            return
        fields = {name.lower(): unquote(value) for name, value in uri.headers}
        if uri.params.get("method", "INVITE") not in ("INVITE", None):
            self._core.reply(transaction, 403, "Only calls can be transferred")
            return
        wanted = (headers.get("Refer-Sub") or "").strip().lower() != "false"
        self._incoming = (str(transaction.cseq.number), dialog, wanted)
        response = reply(transaction.request, 202)
        response.headers.set("Contact", self._core.contact(dialog.seen, leg.options.contact_user))
        if not wanted:
            response.headers.set("Refer-Sub", "false")
        transaction.respond(response)
        self._timers["incoming"] = self._core.clock.after(SUBSCRIPTION_S, lambda: self.progress(504))
        self.progress(100)
        plain = str(SipUri(uri.scheme, uri.user, uri.host, uri.port, uri.params))
        self._core.emit(Referred(leg.call, plain, fields.get("replaces"), headers.get("Referred-By")))

    def _notified(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        request = transaction.request
        event = (request.headers.get("Event") or "").partition(";")[0].strip().lower()
        if event != "refer" or not self._outgoing:
            self._core.reply(transaction, 481 if event == "refer" else 489)
            return
        self._core.reply(transaction, 200)
        found = _FRAGMENT.match(request.body)
        over = (request.headers.get("Subscription-State") or "").strip().lower().startswith("terminated")
        if found is not None:
            self._told(int(found[1]))
        elif over:
            self._told(500)

    def _told(self, status: int) -> None:
        if not self._outgoing:
            return
        if status >= 200:
            self._outgoing = False
            self._core.clock.cancel(self._timers.pop("outgoing", None))
        self._core.emit(ReferProgress(self._leg.call, status))

    def _stop(self) -> None:
        for timer in self._timers.values():
            self._core.clock.cancel(timer)
        self._timers.clear()
        self._incoming = None
        self._outgoing = False


def _with_replaces(to: str, replaces: str) -> str:
    """`to` with an embedded Replaces header (RFC 3891), escaped."""
    safe = "".join(c if c.isalnum() or c in "-_.!~*'()" else f"%{ord(c):02X}" for c in replaces)
    return f"{to}{'&' if '?' in to else '?'}Replaces={safe}"


def _no_matter(*_: object) -> None:
    """A NOTIFY that is lost changes nothing here."""
