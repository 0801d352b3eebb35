"""The user agent: SIP messages and times in, messages and events out. No I/O, no clock.

Commands take `now`, in seconds of one monotonic clock; so do `receive`, `failed` and `tick`. What follows is taken with
`drain`: `Send` for the transport, everything else for whoever runs the calls. Whatever is started has a deadline, so
running the clock empties the agent. A command for a call that is not there (any more) does nothing: its final event is
out or on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from channels.voice.sip import events, session_timer
from channels.voice.sip.core import ALLOW, SDP, Core
from channels.voice.sip.events import Output, Reason
from channels.voice.sip.exchange import Exchange
from channels.voice.sip.fields import OtherContent, asserted_identity, diversion, option_tags, sdp_of
from channels.voice.sip.headers import BadHeader, CSeq, Headers, NameAddr
from channels.voice.sip.incoming import IncomingLeg
from channels.voice.sip.leg import Calls, Leg
from channels.voice.sip.message import BadMessage, Message, Request, Response, encode, reply
from channels.voice.sip.outgoing import OutgoingLeg
from channels.voice.sip.referral import Referral
from channels.voice.sip.registrar import Lookup, PhoneContact, Registrar
from channels.voice.sip.registration import RegistrationPlan, Registrations
from channels.voice.sip.session_timer import TooBrief
from channels.voice.sip.settings import PeerOptions, Settings
from channels.voice.sip.transaction import Failure, ServerTransaction, answer_address, tag_of
from channels.voice.sip.wire import Destination, Source

EXTENSIONS = frozenset({"100rel", "timer", "replaces", "norefersub"})
INSIDE = frozenset({"BYE", "INFO", "UPDATE", "PRACK", "NOTIFY"})
KNOWN = INSIDE | {"INVITE", "OPTIONS", "REGISTER", "REFER", "SUBSCRIBE", "MESSAGE", "PUBLISH"}


class UserAgent:
    """`random(n)` gives 2n hexadecimal digits that nobody can guess, as secrets.token_hex does.

    `options_for(source, request)` says how a call that comes in is taken (per trunk, say); Settings.inbound unless
    given. `lookup(username)` gives the digest hashes of a user of a desk phone (digest.hash_user), None for nobody.
    Only who may send at all should get as far as `receive`.
    """

    def __init__(
        self,
        settings: Settings,
        random: Callable[[int], str],
        options_for: Callable[[Source, Request], PeerOptions] | None = None,
        lookup: Lookup = lambda username: None,
    ) -> None:
        self.settings = settings
        self._core = Core(settings, random, self)
        self._calls = Calls()
        self._registrations = Registrations(self._core)
        self._registrar = Registrar(self._core, lookup)
        self._referrals: dict[str, Referral] = {}
        self._options_for = options_for or (lambda source, request: settings.inbound)

    # The world

    def receive(self, message: Message, source: Source, now: float) -> None:
        self._core.clock.tell(now)
        try:
            self._core.transactions.receive(message, source)
        except BadHeader as error:
            if isinstance(message, Request):
                self._refuse_alone(message, source, 400, str(error))
        self._core.clock.run()

    def refuse(self, bad: BadMessage, source: Source, now: float) -> None:
        """Answer what could not be parsed, as far as that is possible."""
        self._core.clock.tell(now)
        if isinstance(bad.partial, Request):
            self._refuse_alone(bad.partial, source, bad.status, bad.reason)

    def failed(self, destination: Destination, now: float) -> None:
        """The transport could not deliver to `destination`."""
        self._core.clock.tell(now)
        if destination.transport == "tcp":
            self._core.targets.refused_stream(destination)
        self._core.transactions.transport_failed(destination)
        self._core.clock.run()

    def located(self, asked: Destination, found: Sequence[Destination], now: float) -> None:
        """The addresses behind the name of a `LookUp`, in the order in which to try them; none if there are none."""
        self._core.clock.tell(now)
        self._core.targets.located(asked, found)
        self._core.clock.run()

    def lost(self, flow: str, now: float) -> None:
        """A connection closed: who came by it cannot be called, and what we registered by it is registered anew."""
        self._core.clock.tell(now)
        self._registrar.lost(flow)
        self._registrations.lost(flow)

    def tick(self, now: float) -> None:
        """Do what is due; call it at `next_deadline`."""
        self._core.clock.tell(now)
        self._core.clock.run()

    def next_deadline(self) -> float | None:
        return self._core.clock.next_deadline()

    def drain(self) -> list[Output]:
        outputs, self._core.outputs = self._core.outputs, []
        return outputs

    @property
    def calls(self) -> int:
        """How many calls have not had their final event."""
        return len(self._calls.legs)

    @property
    def idle(self) -> bool:
        """Nothing is in hand: no call, no dialog, no transaction, no name that is being looked up."""
        calls, core = self._calls, self._core
        return not (calls.legs or calls.dialogs or calls.inviting or len(core.transactions) or len(core.targets))

    # Calls

    def invite(
        self,
        to: NameAddr,
        from_: NameAddr,
        sdp: str | None,
        destinations: Sequence[Destination],
        now: float,
        *,
        request_uri: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        options: PeerOptions | None = None,
        call: str | None = None,
    ) -> str:
        """Call `to`; the id of the call. Without `sdp` the other side is asked for its offer (`Offered`).

        `destinations` are tried in order at 503 and silence. `headers`: what else the INVITE carries (identity,
        privacy, Replaces ...). Raises ValueError without a destination and for what cannot stand in a header field
        (line ends); there is no call then.
        """
        if not destinations:
            raise ValueError("a call needs a destination")
        self._core.clock.tell(now)
        call = call or self._new_call()
        leg = OutgoingLeg(
            self._core,
            self._calls,
            call,
            options or self.settings.inbound,
            destinations,
            request_uri or to.uri,
            from_,
            to,
            sdp,
            headers,
        )
        self._refer_by(leg)
        return call

    def ring(self, call: str, now: float, sdp: str | None = None, status: int | None = None) -> None:
        """180, or 183 with SDP (early media), or another provisional status."""
        if isinstance(leg := self._leg(call, now), IncomingLeg):
            leg.ring(status or (180 if sdp is None else 183), sdp)

    def answer(self, call: str, sdp: str | None, now: float) -> None:
        """Take the call; `Confirmed` follows when the caller has acknowledged it."""
        if isinstance(leg := self._leg(call, now), IncomingLeg):
            leg.answer(sdp)

    def reject(
        self,
        call: str,
        status: int,
        now: float,
        reason: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Refuse a call that came in and was not answered (300 to 699; a redirection brings a Contact in `headers`)."""
        if isinstance(leg := self._leg(call, now), IncomingLeg):
            leg.reject(status, reason, tuple(headers))

    def hang_up(self, call: str, now: float, causes: Sequence[Reason] = ()) -> None:
        """End the call, however far it is: CANCEL, BYE or a refusal."""
        if (leg := self._leg(call, now)) is not None:
            leg.hang_up(tuple(causes))

    def reinvite(self, call: str, sdp: str | None, now: float) -> None:
        """Offer anew (`OfferAnswered` or `OfferRefused` follows); without `sdp` the peer is asked to offer."""
        if isinstance(leg := self._leg(call, now), OutgoingLeg | IncomingLeg):
            leg.offers.offer(sdp)

    def accept_offer(self, call: str, sdp: str | None, now: float) -> None:
        """Answer an `Offered`."""
        if isinstance(leg := self._leg(call, now), OutgoingLeg | IncomingLeg):
            leg.offers.accept(sdp)

    def refuse_offer(self, call: str, status: int, now: float) -> None:
        """Refuse an `Offered`; what was agreed before holds."""
        if isinstance(leg := self._leg(call, now), OutgoingLeg | IncomingLeg):
            leg.offers.refuse(status)

    def info(self, call: str, digit: str, ms: int, now: float) -> None:
        """Send a key by INFO."""
        if (leg := self._leg(call, now)) is not None:
            leg.send_digit(digit, ms)

    def refer(self, call: str, to: str, now: float, replaces: str | None = None) -> None:
        """Ask the peer to call `to` (a URI) instead; `ReferProgress` tells what became of it."""
        if self._leg(call, now) is not None and (referral := self._referrals.get(call)) is not None:
            referral.refer(to, replaces)

    def refer_progress(self, call: str, status: int, now: float) -> None:
        """What became of the call that a `Referred` asked for."""
        if self._leg(call, now) is not None and (referral := self._referrals.get(call)) is not None:
            referral.progress(status)

    def replaces_of(self, call: str) -> str | None:
        """The Replaces header value (RFC 3891) by which somebody else can take the place of this call of ours."""
        leg = self._calls.legs.get(call)
        if leg is None or leg.dialog is None:
            return None
        dialog = leg.dialog
        return f"{dialog.call_id};to-tag={dialog.remote.tag or '0'};from-tag={dialog.local.tag or '0'}"

    def options(
        self,
        destination: Destination,
        now: float,
        *,
        uri: str | None = None,
        patience_s: float | None = None,
        others: Sequence[Destination] = (),
        silence_s: float | None = None,
    ) -> None:
        """Ask whether `destination` lives; `OptionsAnswered` follows within `patience_s` (timer F unless given).

        `others` are asked when it cannot be reached, answers 503, or says nothing for `silence_s`.
        """
        core = self._core
        core.clock.tell(now)
        host = f"[{destination.host}]" if ":" in destination.host else destination.host
        target = uri or f"sip:{host}" + (f":{destination.port}" if destination.port else "")
        local = core.local(destination)
        headers = Headers([("Max-Forwards", "70")])
        headers.add("From", f"<sip:hub@{local.host if ':' not in local.host else f'[{local.host}]'}>;tag={core.tag()}")
        headers.add("To", f"<{target}>")
        headers.add("Call-ID", core.random(16))
        headers.add("CSeq", str(CSeq(1, "OPTIONS")))
        headers.add("Accept", SDP)
        core.ours(headers)

        def responded(response: Response, source: Source) -> None:
            if response.status >= 200:
                core.emit(events.OptionsAnswered(destination, response.status, exchange.destination))

        def failed(failure: Failure) -> None:
            core.emit(events.OptionsAnswered(destination, None))

        request = Request("OPTIONS", target, headers)
        exchange = Exchange(
            core,
            request,
            (destination, *others),
            responded,
            failed,
            lambda: 2,
            contact_user="hub",
            answer_s=patience_s,
            silence_s=silence_s,
        )

    # Registrations

    def register(self, registration: str, plan: RegistrationPlan, now: float) -> None:
        """Register at a trunk and keep it so, under the name `registration`; another plan replaces the former, the same
        one changes nothing."""
        self._core.clock.tell(now)
        self._registrations.register(registration, plan)

    def unregister(self, registration: str, now: float) -> None:
        """`Unregistered` follows."""
        self._core.clock.tell(now)
        self._registrations.unregister(registration)

    def refresh_registration(self, registration: str, now: float) -> None:
        """At once, as after a change of network or of the trunk's password."""
        self._core.clock.tell(now)
        self._registrations.refresh(registration)

    def phones(self, user: str) -> tuple[PhoneContact, ...]:
        """Where the user's desk phones can be called: `uri` is the request_uri of `invite`."""
        return self._registrar.contacts(user)

    def forget_phones(self, user: str, now: float) -> None:
        """The user may not use phones any more."""
        self._core.clock.tell(now)
        self._registrar.forget(user)

    # TransactionUser

    def on_request(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        required = option_tags(request.headers, "Require")
        if request.method != "CANCEL" and (unknown := required - EXTENSIONS):
            self._core.reply(transaction, 420, headers=(("Unsupported", ", ".join(sorted(unknown))),))
            return
        to_tag = tag_of(request.headers.get("To") or "")
        if to_tag is not None:
            from_tag = tag_of(request.headers.get("From") or "") or ""
            found = self._calls.dialogs.get((request.headers.get("Call-ID") or "", to_tag, from_tag))
            if found is None:
                self._core.reply(transaction, 481)
            else:
                leg, dialog = found
                leg.receive(transaction, dialog)
            return
        match request.method:
            case "INVITE":
                self._invited(transaction)
            case "REGISTER":
                self._registrar.register(transaction)
            case "OPTIONS":
                self._core.reply(transaction, 200, headers=(("Allow", ALLOW), ("Accept", SDP), ("Supported", _ours())))
            case method if method in INSIDE:
                self._core.reply(transaction, 481)
            case method:
                self._core.reply(transaction, 405 if method in KNOWN else 501, headers=(("Allow", ALLOW),))

    def on_ack(self, request: Request, source: Source) -> None:
        headers = request.headers
        to_tag = tag_of(headers.get("To") or "") or ""
        from_tag = tag_of(headers.get("From") or "") or ""
        found = self._calls.dialogs.get((headers.get("Call-ID") or "", to_tag, from_tag))
        if found is not None:
            found[0].acked(request, CSeq.parse(headers.get("CSeq") or "").number)

    def on_cancel(self, transaction: ServerTransaction, invite: ServerTransaction | None) -> None:
        if invite is None:
            self._core.reply(transaction, 481)
            return
        leg = self._calls.inviting.get(invite.key)
        tag = leg.dialog.local.tag if leg is not None and leg.dialog is not None else None
        self._core.reply(transaction, 200, tag=tag)
        if leg is not None:
            leg.cancelled(transaction.request)
        elif not invite.answered:
            # A re-INVITE; whoever was asked for its answer hears nothing of it and is too late.
            self._core.reply(invite, 487)

    # Inside

    def _invited(self, transaction: ServerTransaction) -> None:
        core, request, source = self._core, transaction.request, transaction.source
        scheme = request.uri.partition(":")[0].lower()
        if scheme not in ("sip", "sips", "tel"):
            core.reply(transaction, 416)
            return
        if len(self._calls.legs) >= self.settings.calls:
            core.reply(transaction, 503, headers=(("Retry-After", "10"),))
            return
        user = None
        if source.authenticate and (user := self._registrar.authenticate(transaction)) is None:
            return
        options = self._options_for(source, request)
        try:
            sdp = sdp_of(request)
            terms, fields = session_timer.answer(
                request.headers, options.session_s, self.settings.min_se, options.refresher
            )
            replaces = self._replaced(request, options)
            call = self._new_call()
            from_, to = (NameAddr.parse(request.headers.get(name) or "") for name in ("From", "To"))
            leg = IncomingLeg(core, self._calls, call, options, transaction, terms, fields, asked=sdp is None)
        except OtherContent:
            core.reply(transaction, 415, headers=(("Accept", SDP),))
            return
        except TooBrief as brief:
            core.reply(transaction, 422, headers=(("Min-SE", str(brief.least)),))
            return
        except _NoSuchCall as refusal:
            core.reply(transaction, refusal.status)
            return
        except BadHeader:
            core.reply(transaction, 400, "Missing Contact")
            return
        core.reply(transaction, 100)
        leg.replaces = replaces
        self._refer_by(leg)
        headers = request.headers
        if not source.trusted:
            headers = headers.copy()
            headers.remove("P-Asserted-Identity")
        core.emit(
            events.Invited(
                call,
                source,
                request.uri,
                from_,
                to,
                asserted_identity(headers),
                diversion(headers),
                sdp,
                headers,
                user,
                replaces.call if replaces is not None else None,
            )
        )

    def _replaced(self, request: Request, options: PeerOptions) -> Leg | None:
        """The leg that a Replaces header names (RFC 3891). Raises _NoSuchCall."""
        text = request.headers.get("Replaces")
        if text is None or not options.replaces:
            return None
        call_id, _, rest = text.partition(";")
        params = dict(pair.partition("=")[::2] for pair in rest.replace(" ", "").split(";"))
        found = self._calls.dialogs.get((call_id.strip(), params.get("to-tag", ""), params.get("from-tag", "")))
        if found is None or found[0].ended:
            raise _NoSuchCall(481)
        if "early-only" in params and found[0].answered:
            raise _NoSuchCall(486)
        if not found[0].answered and isinstance(found[0], IncomingLeg):
            raise _NoSuchCall(481)
        return found[0]

    def _refer_by(self, leg: Leg) -> None:
        self._referrals[leg.call] = Referral(leg)
        leg.at_end.append(lambda: self._forget_referral(leg.call))

    def _forget_referral(self, call: str) -> None:
        self._referrals.pop(call, None)

    def _leg(self, call: str, now: float) -> Leg | None:
        self._core.clock.tell(now)
        return self._calls.legs.get(call)

    def _new_call(self) -> str:
        return self._core.random(8)

    def _refuse_alone(self, request: Request, source: Source, status: int, reason: str) -> None:
        """Answer without a transaction."""
        if request.method == "ACK":
            return
        try:
            response = reply(request, status, reason.translate({10: " ", 13: " "})[:100], self._core.tag())
            self._core.send(answer_address(request, source), encode(response))
        except (BadHeader, ValueError):
            return


class _NoSuchCall(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _ours() -> str:
    return ", ".join(sorted(EXTENSIONS))
