"""A call that comes in: ringing (also reliably), the answer until its ACK, CANCEL, and calls that nobody takes."""

from __future__ import annotations

from collections import deque

from channels.voice.sip.clock import Timer
from channels.voice.sip.core import SUPPORTED, Core, allowed, attach_sdp
from channels.voice.sip.dialog import Dialog, calling
from channels.voice.sip.events import By, Confirmed, OfferAnswered, Reason
from channels.voice.sip.fields import OtherContent, number_field, option_tags, reason_field, reasons_of, sdp_of
from channels.voice.sip.leg import Calls, Leg, Unacked
from channels.voice.sip.message import Request, reply
from channels.voice.sip.offers import Offers
from channels.voice.sip.session_timer import Fields, Terms
from channels.voice.sip.settings import PeerOptions
from channels.voice.sip.transaction import ServerTransaction

MOST_RINGS = 8
REMIND_S = 60.0


class IncomingLeg(Leg):
    """Ringing, then (with `answered`) waiting for the ACK, then talking.

    `terms` and `fields`: what the session timer was agreed to be, for the 2xx. `asked`: the INVITE had no SDP. Raises
    BadHeader for an INVITE without a Contact.
    """

    def __init__(
        self,
        core: Core,
        calls: Calls,
        call: str,
        options: PeerOptions,
        transaction: ServerTransaction,
        terms: Terms | None,
        fields: Fields,
        *,
        asked: bool,
    ) -> None:
        dialog = calling(transaction.request, transaction.source, core.tag(), follow=options.follow)
        super().__init__(core, calls, call, options)
        self.offers = Offers(self, owner=False)
        self.replaces: Leg | None = None
        self._transaction = transaction
        self._terms, self._fields, self._asked = terms, fields, asked
        self._bye_after_ack: tuple[Reason, ...] | None = None
        self.handlers["PRACK"] = self._pracked
        self._rings: deque[tuple[int, str | None]] = deque()
        self._number = int(core.random(3), 16) + 1
        self._unpracked: int | None = None
        self._early_done = False
        self._waiting_answer: tuple[str | None] | None = None
        self._ring_wait = 0.0
        self._timers: dict[str, Timer] = {}
        self.learn(transaction.request)
        self.enter(dialog)
        calls.inviting[transaction.key] = self
        expires = number_field(transaction.request.headers, "Expires")
        patience = options.ring_s if expires is None else min(options.ring_s, float(expires))
        self._timers["ring"] = core.clock.after(patience, self._unanswered)
        self.at_end.append(self._over)

    @property
    def _here(self) -> Dialog:
        assert self.dialog is not None
        return self.dialog

    # Commands

    def ring(self, status: int, sdp: str | None) -> None:
        """A provisional answer; reliably where both sides want that."""
        if self.answered or self.ended or self._waiting_answer is not None:
            return
        if sdp is not None:
            self.local_sdp = sdp
        if not self._is_reliable(sdp):
            self._respond(status, sdp)
            self._remind(status)
        elif len(self._rings) < MOST_RINGS:
            self._rings.append((status, sdp))
            self._next_ring()

    def answer(self, sdp: str | None) -> None:
        """200. With `sdp` None the SDP that was sent while ringing holds."""
        if self.answered or self.ended:
            return
        self._waiting_answer = (sdp,)
        if self._unpracked is None and not self._rings:
            self._accept()

    def reject(self, status: int, reason: str | None, headers: Fields = (), *, cause: str = "rejected") -> None:
        if self.answered or self.ended:
            return
        self._refuse(status, reason, headers)
        self.ends(cause, "local")

    def hang_up(self, causes: tuple[Reason, ...] = (), *, cause: str = "bye", by: By = "local") -> None:
        if self.ended:
            return
        if not self.answered:
            self._refuse(480, None, tuple(reason_field(reason) for reason in causes))
        elif self._transaction.cseq.number in self.unacked:
            # Before the ACK the called side must not say BYE (RFC 3261 section 15).
            self._bye_after_ack = causes
        else:
            self.send_bye(self._here, causes)
        self.ends(cause if self.answered else "rejected", by)

    # The peer

    def cancelled(self, cancel: Request) -> None:
        """CANCEL: it comes too late for a call that was answered."""
        if self.answered or self.ended:
            return
        self._refuse(487, None)
        self.ends("cancelled", "remote", reasons_of(cancel))

    def on_bye(self) -> None:
        if not self.answered:
            self._refuse(487, None)

    # Ringing

    def _is_reliable(self, sdp: str | None) -> bool:
        headers = self._transaction.request.headers
        if "100rel" in option_tags(headers, "Require"):
            return True
        if self.options.reliable == "no" or "100rel" not in option_tags(headers, "Supported"):
            return False
        # What only says that it rings need not be made sure of.
        return self.options.reliable == "required" or sdp is not None

    def _respond(self, status: int, sdp: str | None, fields: Fields = ()) -> None:
        response = reply(self._transaction.request, status, None, self._here.local.tag)
        headers = response.headers
        headers.set("Contact", self.core.contact(self._here.seen, self.options.contact_user))
        headers.set("Allow", allowed(self.options))
        for name, value in fields:
            headers.add(name, value)
        attach_sdp(response, sdp)
        self._transaction.respond(response)

    def _refuse(self, status: int, reason: str | None, headers: Fields = ()) -> None:
        self.core.reply(self._transaction, status, reason, headers=headers, tag=self._here.local.tag)

    def _remind(self, status: int) -> None:
        """Proxies forget an INVITE that is quiet for three minutes (RFC 3261 section 13.3.1.1)."""
        self._cancel("remind")
        self._timers["remind"] = self.core.clock.after(REMIND_S, lambda: self._reminded(status))

    def _reminded(self, status: int) -> None:
        if self._is_reliable(None):
            self.ring(status, None)
        else:
            self._transaction.resend()
            self._remind(status)

    def _next_ring(self) -> None:
        if self._unpracked is not None or not self._rings:
            return
        status, sdp = self._rings.popleft()
        self._number += 1
        self._unpracked = self._number
        self._early_done = self._early_done or sdp is not None
        self._respond(status, sdp, (("Require", "100rel"), ("RSeq", str(self._number))))
        self._remind(status)
        self._ring_wait = self.core.settings.timing.t1
        self._timers["resend"] = self.core.clock.after(self._ring_wait, self._resend_ring)
        self._timers["prack"] = self.core.clock.after(self.core.settings.timing.give_up, self._unheard)

    def _resend_ring(self) -> None:
        self._transaction.resend()
        self._ring_wait *= 2
        self._timers["resend"] = self.core.clock.after(self._ring_wait, self._resend_ring)

    def _unheard(self) -> None:
        """No PRACK came."""
        self._refuse(504, "No PRACK")
        self.ends("timeout", "network")

    def _pracked(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        request = transaction.request
        rack = (request.headers.get("RAck") or "").split()
        cseq = self._transaction.cseq
        if rack != [str(self._unpracked), str(cseq.number), "INVITE"] or self._unpracked is None:
            self.core.reply(transaction, 481)
            return
        self._unpracked = None
        self._cancel("resend")
        self._cancel("prack")
        try:
            sdp = sdp_of(request)
        except OtherContent:
            sdp = None
        if sdp is not None and not self._asked:
            self._offered_in_prack(transaction, sdp)
        else:
            self.core.reply(transaction, 200)
            if sdp is not None:
                self._asked = False
                self.core.emit(OfferAnswered(self.call, sdp))
        if self._early_done and not self._asked:
            self.offers.early_agreed()
        self._next_ring()
        if self._waiting_answer is not None and self._unpracked is None:
            self._accept()

    def _offered_in_prack(self, transaction: ServerTransaction, sdp: str) -> None:
        def accept(answer: str | None) -> None:
            response = reply(transaction.request, 200)
            attach_sdp(response, answer)
            if answer is not None:
                self.local_sdp = answer
            transaction.respond(response)

        self.offers.open(sdp, accept, lambda status: self._no_offer(transaction, status))

    def _no_offer(self, transaction: ServerTransaction, status: int) -> None:
        self.core.reply(transaction, status)

    def _unanswered(self) -> None:
        if not self.answered:
            self._refuse(480, "Nobody answered in time")
            self.ends("unanswered", "local")

    # The answer

    def _accept(self) -> None:
        assert self._waiting_answer is not None
        (sdp,), self._waiting_answer = self._waiting_answer, None
        self.answered = True
        self._stop_timers()
        sdp = sdp if sdp is not None else self.local_sdp
        self.local_sdp = sdp
        # SDP that went out reliably and was acknowledged is not repeated (RFC 6337 section 3.1.1).
        self._respond(200, None if self._early_done else sdp, (*self._fields, ("Supported", f"{SUPPORTED}, 100rel")))
        self.unacked[self._transaction.cseq.number] = Unacked(
            self.core, self._transaction, self._acknowledged, self._unacknowledged
        )
        self.offers.begin(self._terms)
        if self.replaces is not None and not self.replaces.ended:
            self.replaces.hang_up(cause="replaced")

    def _acknowledged(self, ack: Request) -> None:
        if self.ended:
            self.send_bye(self._here, self._bye_after_ack or ())
            return
        try:
            sdp = sdp_of(ack)
        except OtherContent:
            sdp = None
        self.core.emit(Confirmed(self.call, sdp if self._asked else None))
        self.offers.settled()

    def _unacknowledged(self) -> None:
        """The ACK never came (RFC 3261 section 13.3.1.4)."""
        self.unacked.clear()
        self.send_bye(self._here, self._bye_after_ack or ())
        self.ends("no_ack", "network")
        self.release()

    # Deadlines

    def _over(self) -> None:
        self._stop_timers()
        self.calls.inviting.pop(self._transaction.key, None)

    def _cancel(self, name: str) -> None:
        self.core.clock.cancel(self._timers.pop(name, None))

    def _stop_timers(self) -> None:
        for name in list(self._timers):
            self._cancel(name)
