"""A call that we make: forks, early answers, PRACK, failover, redirections, and CANCEL that crosses an answer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from channels.voice.sip import session_timer
from channels.voice.sip.core import SDP, SUPPORTED, Core, allowed, attach_sdp
from channels.voice.sip.dialog import Dialog, called, destination_of, without_tag
from channels.voice.sip.events import Answered, By, Progress, Reason, Rejected
from channels.voice.sip.exchange import Exchange
from channels.voice.sip.fields import OtherContent, number_field, option_tags, reason_field, reasons_of, sdp_of
from channels.voice.sip.headers import CSeq, Headers, NameAddr
from channels.voice.sip.leg import Calls, Leg
from channels.voice.sip.message import Request, Response
from channels.voice.sip.offers import Offers
from channels.voice.sip.redirection import Redirections
from channels.voice.sip.settings import PeerOptions
from channels.voice.sip.transaction import Failure, tag_of
from channels.voice.sip.wire import Destination, Source

MOST_TOO_BRIEF = 2
MOST_RELIABLE = 100


class OutgoingLeg(Leg):
    """Calling, then (with `answered`) talking. The INVITE is sent when the leg is made."""

    def __init__(
        self,
        core: Core,
        calls: Calls,
        call: str,
        options: PeerOptions,
        destinations: Sequence[Destination],
        request_uri: str,
        from_: NameAddr,
        to: NameAddr,
        sdp: str | None,
        headers: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__(core, calls, call, options)
        self.offers = Offers(self, owner=True)
        self.local_sdp = sdp
        self._offered = sdp is not None
        self._early: dict[str, Dialog] = {}
        self._reliable: dict[str, int] = {}
        self._too_brief = self._pracks = self._dropped = 0
        self._next_seq = int(core.random(2), 16) + 1
        self._redirections = Redirections(request_uri, options.redirect)
        request = self._invite(request_uri, from_, to, sdp, headers)
        self._ring_timer = core.clock.after(options.ring_s, self._unanswered)
        self.at_end.append(self._over)
        try:
            self._exchange = Exchange(
                core,
                request,
                destinations,
                self._responded,
                self._failed,
                self._renumber,
                account=options.account,
                silence_s=options.silence_s,
                contact_user=options.contact_user,
                on_late=self._late,
            )
        except ValueError:
            # A header field that cannot be sent: nothing was, and there is no call.
            core.clock.cancel(self._ring_timer)
            del calls.legs[call]
            raise

    def hang_up(self, causes: tuple[Reason, ...] = (), *, cause: str = "bye", by: By = "local") -> None:
        if self.ended:
            return
        if self.answered and self.dialog is not None:
            self.send_bye(self.dialog, causes)
            self.ends(cause, by)
        else:
            self._exchange.cancel(tuple(reason_field(reason) for reason in causes))
            self.ends("cancelled" if by == "local" else cause, by)

    # The INVITE

    def _invite(
        self, uri: str, from_: NameAddr, to: NameAddr, sdp: str | None, headers: Sequence[tuple[str, str]]
    ) -> Request:
        options, core = self.options, self.core
        fields = Headers([("Max-Forwards", "70")])
        fields.add("From", str(without_tag(from_).with_tag(core.tag())))
        fields.add("To", str(without_tag(to)))
        fields.add("Call-ID", core.random(16))
        fields.add("CSeq", str(CSeq(self._next_seq, "INVITE")))
        core.ours(fields)
        fields.set("Allow", allowed(options))
        fields.set("Accept", SDP)
        fields.set("Supported", SUPPORTED)
        if options.reliable == "required":
            fields.set("Require", "100rel")
        elif options.reliable == "supported":
            fields.set("Supported", f"{SUPPORTED}, 100rel")
        for name, value in session_timer.ask(options.session_s, core.settings.min_se, options.refresher):
            fields.set(name, value)
        for name, value in headers:
            fields.add(name, value)
        request = Request("INVITE", uri, fields)
        attach_sdp(request, sdp)
        return request

    def _renumber(self) -> int:
        self._next_seq += 1
        return self._next_seq

    def _responded(self, response: Response, source: Source) -> None:
        status = response.status
        if status < 200:
            if not self.ended and not self.answered and status > 100:
                self._provisional(response, source)
        elif status < 300:
            self._accepted(self._exchange.sent, response, source)
        else:
            self._refused(response)

    def _refused(self, response: Response) -> None:
        if response.status == 422 and not self.ended and self._too_brief < MOST_TOO_BRIEF:
            least = number_field(response.headers, "Min-SE", 86_400) or 0
            headers = self._exchange.request.headers
            if least > (number_field(headers, "Session-Expires") or 0):
                self._too_brief += 1
                headers.set("Session-Expires", str(least))
                headers.set("Min-SE", str(least))
                self._exchange.again()
                return
        if 300 <= response.status < 400:
            self._redirections.learn(response)
        if response.status < 600 and self._redirected():
            return
        reason = self._exchange.unmet if response.status in (401, 407) else None
        if 300 <= response.status < 400 and (host := self._redirections.refused) is not None:
            reason = f"Sent on to {host}, where this call may not go"
        self.finish(Rejected(self.call, response.status, reason or response.reason, reasons_of(response)))

    def _redirected(self) -> bool:
        """Go on to where a 3xx sent us, if anything of it is left."""
        if self.ended or (uri := self._redirections.next()) is None:
            return False
        self._leave_early()
        self._early.clear()
        self._reliable.clear()
        self._exchange.redirect(
            uri, msgspec.structs.replace(destination_of(uri, self._exchange.destination), flow=None)
        )
        return True

    def _failed(self, failure: Failure) -> None:
        if self._redirected():
            return
        if failure == "timeout":
            self.finish(Rejected(self.call, 408, "No answer from the other side"))
        else:
            self.finish(Rejected(self.call, 503, "The other side cannot be reached"))

    def _unanswered(self) -> None:
        if not self.ended and not self.answered:
            self.finish(Rejected(self.call, 408, "Nobody answered in time"))

    def _over(self) -> None:
        self.core.clock.cancel(self._ring_timer)
        if not self.answered:
            self._exchange.cancel()

    # Early dialogs

    def _provisional(self, response: Response, source: Source) -> None:
        tag = tag_of(response.headers.get("To") or "")
        try:
            sdp = sdp_of(response)
        except OtherContent:
            sdp = None
        if tag is not None:
            dialog = self._early.get(tag)
            if dialog is None:
                if len(self._early) >= self.core.settings.forks:
                    return
                dialog = called(self._exchange.sent, response, source, follow=self.options.follow)
                self._early[tag] = dialog
            self.learn(response)
            self.enter(dialog)
            if "100rel" in option_tags(response.headers, "Require"):
                number = number_field(response.headers, "RSeq")
                if number is None or not self._in_order(tag, number):
                    return
                if sdp is not None and not self._offered:
                    self._answer_in_prack(dialog, number, sdp)
                    return
                self._prack(dialog, number, None)
                if sdp is not None:
                    self.offers.early_agreed()
        self.core.emit(Progress(self.call, response.status, sdp))

    def _in_order(self, tag: str, number: int) -> bool:
        """RFC 3262 section 4: each number once, without gaps; a repetition is met by the PRACK that is on its way."""
        last = self._reliable.get(tag)
        if (last is not None and number != last + 1) or self._pracks >= MOST_RELIABLE:
            return False
        self._pracks += 1
        self._reliable[tag] = number
        return True

    def _prack(self, dialog: Dialog, number: int, sdp: str | None) -> None:
        request = dialog.request("PRACK")
        cseq = self._exchange.sent.headers.get("CSeq") or ""
        request.headers.set("RAck", f"{number} {cseq}")
        attach_sdp(request, sdp)
        self.ask(dialog, request, _no_matter, _no_matter)

    def _answer_in_prack(self, dialog: Dialog, number: int, offer: str) -> None:
        """We offered nothing, so the first reliable answer brings an offer, and our answer goes in the PRACK."""

        def accept(answer: str | None) -> None:
            self._offered = True
            if answer is not None:
                self.local_sdp = answer
            self._prack(dialog, number, answer)

        def refuse(status: int) -> None:
            self._prack(dialog, number, None)
            self.hang_up(cause="failed")

        self.offers.open(offer, accept, refuse)

    # The answer

    def _accepted(self, invite: Request, response: Response, source: Source) -> None:
        """A 2xx: the first makes the call, others are the same again or forks, which get ACK and BYE."""
        tag = tag_of(response.headers.get("To") or "") or ""
        number = CSeq.parse(invite.headers.get("CSeq") or "").number
        if self.acknowledge_again(tag, number):
            return
        if self.ended or self.answered:
            self._drop(invite, response, source)
            return
        early = self._early.get(tag)
        dialog = called(invite, response, source, follow=self.options.follow)
        if early is not None:
            # The route set is learnt anew; numbers go on (RFC 3261 section 13.2.2.4).
            dialog.local_seq, dialog.remote_seq = early.local_seq, early.remote_seq
        else:
            dialog.local_seq = max(dialog.local_seq, self._next_seq)
        self._leave_early()
        self.answered = True
        self.core.clock.cancel(self._ring_timer)
        self.learn(response)
        self.enter(dialog)
        try:
            sdp = sdp_of(response)
        except OtherContent:
            sdp = None
        asked = number_field(invite.headers, "Session-Expires") or 0
        if sdp is None or self._offered:
            self.acknowledge(dialog, invite, number)
            self.core.emit(Answered(self.call, sdp))
            self.offers.begin(session_timer.agreed(response.headers, asked))
            self.offers.settled()
            return

        def accept(answer: str | None) -> None:
            if answer is not None:
                self.local_sdp = answer
            self.acknowledge(dialog, invite, number, answer)
            self.offers.settled()

        def refuse(status: int) -> None:
            # A 2xx must be acknowledged, also when nothing follows from it.
            self.acknowledge(dialog, invite, number)
            if not self.ended:
                self.hang_up(cause="failed")

        self.core.emit(Answered(self.call, None))
        self.offers.begin(session_timer.agreed(response.headers, asked))
        self.offers.open(sdp, accept, refuse)

    def _leave_early(self) -> None:
        for dialog in self._early.values():
            self.calls.dialogs.pop(dialog.key, None)

    def _late(self, invite: Request, response: Response, source: Source) -> None:
        """The answer of a destination that had been given up."""
        tag = tag_of(response.headers.get("To") or "") or ""
        if not self.acknowledge_again(tag, CSeq.parse(invite.headers.get("CSeq") or "").number):
            self._drop(invite, response, source)

    def _drop(self, invite: Request, response: Response, source: Source) -> None:
        """Acknowledge a 2xx that nobody wants, and hang up there."""
        self._dropped += 1
        if self._dropped > self.core.settings.forks:
            return
        dialog = called(invite, response, source, follow=self.options.follow)
        self.acknowledge(dialog, invite, CSeq.parse(invite.headers.get("CSeq") or "").number)
        self.send_bye(dialog)


def _no_matter(*_: object) -> None:
    """A PRACK that is refused or lost shows in the answer's being repeated or given up."""
