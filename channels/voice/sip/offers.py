"""Offers inside a call: re-INVITE and UPDATE both ways, glare, and the session timer that they refresh.

RFC 3261 section 14, RFC 3311, RFC 4028, RFC 6337. One offer is open at a time; what we want to offer meanwhile waits,
and the latest wish counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from channels.voice.sip import session_timer
from channels.voice.sip.clock import Timer
from channels.voice.sip.core import SDP, SUPPORTED, allowed, attach_sdp
from channels.voice.sip.dialog import Dialog
from channels.voice.sip.events import OfferAnswered, Offered, OfferRefused
from channels.voice.sip.exchange import Exchange
from channels.voice.sip.fields import OtherContent, number_field, reasons_of, sdp_of
from channels.voice.sip.leg import Leg, Unacked
from channels.voice.sip.message import Request, Response, reply
from channels.voice.sip.session_timer import Fields, Terms, TooBrief
from channels.voice.sip.transaction import Failure, ServerTransaction
from channels.voice.sip.wire import Source

MOST_GLARES = 6
PROBE_EVERY_S = 1800


@dataclass(slots=True)
class _Open:
    """The peer's offer (or its wish for one) that we owe an answer: `accept` takes the SDP, `refuse` a status."""

    accept: Callable[[str | None], None]
    refuse: Callable[[int], None]
    deadline: Timer | None = None


class Offers:
    """The offers of one leg. `owner`: whether the Call-ID is ours; the owner waits longer after a glare."""

    def __init__(self, leg: Leg, *, owner: bool) -> None:
        self.leg, self._core, self._owner = leg, leg.core, owner
        self.initial_open = True
        self.terms: Terms | None = None
        self._open: _Open | None = None
        self._exchange: Exchange | None = None
        self._wish: tuple[str | None] | None = None
        self._glares = 0
        self._timers: dict[str, Timer] = {}
        leg.handlers["INVITE"] = leg.handlers["UPDATE"] = self._received
        leg.at_end.append(self._stop)

    # Commands

    def offer(self, sdp: str | None) -> None:
        """Offer `sdp` (or ask for the peer's offer) by re-INVITE, at once or as soon as nothing else is open."""
        self._wish = (sdp,)
        self._glares = 0
        self._try_wish()

    def accept(self, sdp: str | None) -> None:
        """Answer the open offer, or offer what was asked for. Nothing happens if nothing is open."""
        if (opened := self._close()) is not None:
            opened.accept(sdp)
            self._try_wish()

    def refuse(self, status: int) -> None:
        if (opened := self._close()) is not None:
            opened.refuse(status)
            self._try_wish()

    # For the leg

    def open(self, sdp: str | None, accept: Callable[[str | None], None], refuse: Callable[[int], None]) -> None:
        """Tell the peer's offer; it is refused when nobody answers it in time."""
        self._open = _Open(accept, refuse)
        self._open.deadline = self._core.clock.after(self._core.settings.offer_s, lambda: self.refuse(504))
        self._core.emit(Offered(self.leg.call, sdp))

    def early_agreed(self) -> None:
        """Offer and answer went by reliable provisional answers: UPDATE may change them before the call is answered."""
        self.initial_open = False

    def settled(self) -> None:
        """The call is answered and acknowledged: what waited can go."""
        self.initial_open = False
        self._try_wish()

    def begin(self, terms: Terms | None) -> None:
        """The session timer from now on; with a peer that has none we ask from time to time whether it still lives."""
        self.terms = terms
        for name in ("refresh", "expiry", "probe"):
            self._cancel(name)
        if self.leg.ended:
            return
        if terms is None:
            self._set("probe", (self.leg.options.session_s or PROBE_EVERY_S) / 2, self._probe)
        elif terms.refresher == "local":
            self._set("refresh", terms.refresh_after, self._refresh)
            self._set("expiry", float(terms.interval), self._expire)
        else:
            self._set("expiry", terms.expires_after, self._expire)

    # The peer's offers

    def _received(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        request, leg = transaction.request, self.leg
        invite = request.method == "INVITE"
        leg.learn(request)
        try:
            sdp = sdp_of(request)
            terms, fields = self._answer_terms(request)
        except OtherContent:
            self._core.reply(transaction, 415, headers=(("Accept", SDP),))
            return
        except TooBrief as brief:
            self._core.reply(transaction, 422, headers=(("Min-SE", str(brief.least)),))
            return
        if invite or sdp is not None:
            if self._exchange is not None:
                self._core.reply(transaction, 491)
                return
            if self._open is not None or self.initial_open or leg.unacked or (invite and not leg.answered):
                after = str(int(10 * self._core.share()))
                self._core.reply(transaction, 500, "Another offer is open", headers=(("Retry-After", after),))
                return
        if not invite and sdp is None:
            self._confirm(transaction, dialog, None, terms, fields)
            return

        def accept(answer: str | None) -> None:
            if transaction.answered:  # cancelled meanwhile
                return
            self._confirm(transaction, dialog, answer, terms, fields)
            if invite and not leg.ended:
                self._await_ack(transaction, asked=sdp is None)

        def refuse(status: int) -> None:
            self._core.reply(transaction, status)

        self.open(sdp, accept, refuse)

    def _confirm(
        self, transaction: ServerTransaction, dialog: Dialog, sdp: str | None, terms: Terms | None, fields: Fields
    ) -> None:
        """The 2xx; by it the peer's new target counts too."""
        dialog.refresh_target(transaction.request)
        response = reply(transaction.request, 200)
        response.headers.set("Contact", self._core.contact(dialog.seen, self.leg.options.contact_user))
        response.headers.set("Allow", allowed(self.leg.options))
        for name, value in fields:
            response.headers.add(name, value)
        attach_sdp(response, sdp)
        if sdp is not None:
            self.leg.local_sdp = sdp
        transaction.respond(response)
        self.begin(terms)

    def _await_ack(self, transaction: ServerTransaction, *, asked: bool) -> None:
        leg = self.leg

        def acked(ack: Request) -> None:
            if asked and not leg.ended:
                self._core.emit(OfferAnswered(leg.call, _sdp_or_none(ack)))
            self._try_wish()

        def lost() -> None:
            leg.unacked.clear()
            leg.hang_up(cause="no_ack", by="network")
            leg.release()

        leg.unacked[transaction.cseq.number] = Unacked(self._core, transaction, acked, lost)

    def _answer_terms(self, request: Request) -> tuple[Terms | None, Fields]:
        """Raises TooBrief."""
        options, least = self.leg.options, self._core.settings.min_se
        keep = self.terms.refresher if self.terms is not None else options.refresher
        return session_timer.answer(request.headers, options.session_s, least, keep)

    # Our offers

    def _try_wish(self) -> None:
        leg = self.leg
        if self._wish is None or leg.ended or leg.dialog is None or not leg.answered or self.initial_open:
            return
        if self._exchange is not None or self._open is not None or leg.unacked or "glare" in self._timers:
            return
        (sdp,), self._wish = self._wish, None
        self._send("INVITE", sdp)

    def _refresh(self) -> None:
        """Show that the call lives. A re-INVITE repeats what we said last."""
        del self._timers["refresh"]
        leg = self.leg
        if leg.peer_allows is not None and "UPDATE" in leg.peer_allows:
            if self._exchange is None:
                self._send("UPDATE", None)
        elif self._wish is None:
            self.offer(leg.local_sdp)

    def _probe(self) -> None:
        """Whatever it answers, it lives; but it may know nothing of the call any more."""
        del self._timers["probe"]
        leg, dialog = self.leg, self.leg.dialog
        if dialog is None:
            return

        def responded(response: Response, source: Source) -> None:
            if leg.ended or response.status < 200:
                return
            if response.status in (408, 481):
                leg.hang_up(reasons_of(response), cause="gone", by="remote")
            elif self.terms is None:
                self.begin(None)

        def failed(failure: Failure) -> None:
            leg.hang_up(cause=failure, by="network")

        leg.ask(dialog, dialog.request("OPTIONS"), responded, failed)

    def _send(self, method: str, sdp: str | None) -> None:
        leg, dialog = self.leg, self.leg.dialog
        assert dialog is not None
        request = dialog.request(method)
        headers = request.headers
        headers.set("Allow", allowed(leg.options))
        headers.set("Supported", SUPPORTED)
        interval = self.terms.interval if self.terms is not None else leg.options.session_s
        refresher = self.terms.refresher if self.terms is not None else leg.options.refresher
        for name, value in session_timer.ask(interval, self._core.settings.min_se, refresher):
            headers.add(name, value)
        attach_sdp(request, sdp)
        if sdp is not None:
            leg.local_sdp = sdp
        answered = False

        def responded(response: Response, source: Source) -> None:
            nonlocal answered
            if response.status < 200:
                # Somebody may be asked there; but the call is up, so not for ever.
                self._set("patience", 2 * self._core.settings.timing.give_up, exchange.cancel)
            elif response.status < 300:
                self._accepted(dialog, exchange, response, source, sdp, again=answered)
                answered = True
            else:
                self._refused(response, exchange, method, sdp)

        def failed(failure: Failure) -> None:
            self._done()
            if not leg.ended:
                leg.hang_up(cause=failure, by="network")

        exchange = self._exchange = leg.ask(dialog, request, responded, failed, contact=True)

    def _done(self) -> None:
        self._exchange = None
        self._cancel("patience")

    def _accepted(
        self,
        dialog: Dialog,
        exchange: Exchange,
        response: Response,
        source: Source,
        offered: str | None,
        *,
        again: bool,
    ) -> None:
        leg, sent = self.leg, exchange.sent
        invite = sent.method == "INVITE"
        number = int((sent.headers.get("CSeq") or "0").partition(" ")[0])
        if again:
            leg.acknowledge_again(dialog.remote.tag or "", number)
            return
        self._done()
        self._glares = 0
        dialog.refresh_target(response)
        leg.learn(response)
        try:
            sdp = sdp_of(response)
        except OtherContent:
            sdp = None
        if leg.ended:
            if invite:
                leg.acknowledge(dialog, sent, number)
            return
        asked = number_field(sent.headers, "Session-Expires") or 0
        self.begin(session_timer.agreed(response.headers, asked))
        if invite and offered is None and sdp is not None:

            def accept(answer: str | None) -> None:
                if answer is not None:
                    leg.local_sdp = answer
                leg.acknowledge(dialog, sent, number, answer)

            def refuse(status: int) -> None:
                # A 2xx must be acknowledged; without an answer in it the session is broken.
                leg.acknowledge(dialog, sent, number)
                leg.hang_up(cause="failed")

            self.open(sdp, accept, refuse)
            return
        if invite:
            leg.acknowledge(dialog, sent, number)
        if offered is not None or invite:
            self._core.emit(OfferAnswered(leg.call, sdp))
        self._try_wish()

    def _refused(self, response: Response, exchange: Exchange, method: str, sdp: str | None) -> None:
        leg, status = self.leg, response.status
        if status == 422 and self._glares < MOST_GLARES and not leg.ended:
            least = number_field(response.headers, "Min-SE") or 0
            asked = number_field(exchange.request.headers, "Session-Expires") or 0
            if least > asked:
                self._glares += 1
                exchange.request.headers.set("Session-Expires", str(least))
                exchange.request.headers.set("Min-SE", str(least))
                exchange.again()
                return
        self._done()
        if leg.ended:
            return
        if status == 491 and self._glares < MOST_GLARES:
            self._glares += 1
            # RFC 3261 section 14.1: whoever made the Call-ID waits longer.
            pause = (2.1 + 1.9 * self._core.share()) if self._owner else 2.0 * self._core.share()
            self._set("glare", round(pause, 2), lambda: self._after_glare(method, sdp))
        elif status in (408, 481):
            leg.hang_up(reasons_of(response), cause="gone" if status == 481 else "timeout", by="remote")
        else:
            if method == "INVITE" or sdp is not None:
                self._core.emit(OfferRefused(leg.call, status))
            self._try_wish()

    def _after_glare(self, method: str, sdp: str | None) -> None:
        del self._timers["glare"]
        if self._wish is None and method == "INVITE":
            self._wish = (sdp,)
        if self._wish is not None:
            self._try_wish()
        elif self._exchange is None:
            self._send(method, sdp)

    def _expire(self) -> None:
        del self._timers["expiry"]
        self.leg.hang_up(cause="session_expired", by="network")

    # Deadlines

    def _close(self) -> _Open | None:
        opened, self._open = self._open, None
        if opened is not None:
            self._core.clock.cancel(opened.deadline)
        return opened

    def _set(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = self._core.clock.after(seconds, action)

    def _cancel(self, name: str) -> None:
        self._core.clock.cancel(self._timers.pop(name, None))

    def _stop(self) -> None:
        """The call is over: whoever still waits for our answer gets one."""
        if (opened := self._close()) is not None:
            opened.refuse(487)
        for name in list(self._timers):
            self._cancel(name)
        if self._exchange is not None:
            # Its end comes by itself; a re-INVITE that rings somewhere is called back.
            if self._exchange.sent.method == "INVITE":
                self._exchange.cancel()
            self._exchange = None


def _sdp_or_none(message: Request) -> str | None:
    try:
        return sdp_of(message)
    except OtherContent:
        return None
