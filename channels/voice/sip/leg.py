"""One leg: a call with one peer, from its INVITE to its one final event. What both directions have in common.

`outgoing` and `incoming` set it up, `offers` changes what was agreed, `referral` transfers; they add the methods that
they take to `handlers`.
"""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.sip.clock import Timer
from channels.voice.sip.core import SDP, Alone, Core, allowed, attach_sdp
from channels.voice.sip.dialog import Dialog, DialogKey
from channels.voice.sip.events import By, Ended, InfoDigit, Reason, Rejected
from channels.voice.sip.exchange import Exchange
from channels.voice.sip.fields import digit_body, digit_of, methods, reason_field, reasons_of
from channels.voice.sip.message import Message, Request, Response
from channels.voice.sip.settings import PeerOptions
from channels.voice.sip.transaction import Failure, Key, ServerTransaction
from channels.voice.sip.wire import Source, back_to

MOST_ACKS = 32
OnResponse = Callable[[Response, Source], None]
OnFailed = Callable[[Failure], None]
Handler = Callable[[ServerTransaction, Dialog], None]


class Calls:
    """The legs of one user agent, by id and by dialog. A leg can outlive its id for as long as a 2xx waits for its
    ACK. `inviting`: the legs that came in, by their INVITE."""

    def __init__(self) -> None:
        self.legs: dict[str, Leg] = {}
        self.inviting: dict[Key, Leg] = {}
        self.dialogs: dict[DialogKey, tuple[Leg, Dialog]] = {}


class Unacked:
    """A 2xx of ours that is repeated until its ACK comes, over any transport (RFC 3261 section 13.3.1.4)."""

    def __init__(
        self, core: Core, transaction: ServerTransaction, on_ack: Callable[[Request], None], on_lost: Callable[[], None]
    ) -> None:
        self._core, self._transaction, self.on_ack = core, transaction, on_ack
        self._wait = core.settings.timing.t1
        self._repeat_timer: Timer = core.clock.after(self._wait, self._repeat)
        self._lost_timer = core.clock.after(core.settings.timing.give_up, self._lost)
        self._on_lost = on_lost

    def stop(self) -> None:
        self._core.clock.cancel(self._repeat_timer)
        self._core.clock.cancel(self._lost_timer)

    def _repeat(self) -> None:
        self._transaction.resend()
        self._wait = min(2 * self._wait, self._core.settings.timing.t2)
        self._repeat_timer = self._core.clock.after(self._wait, self._repeat)

    def _lost(self) -> None:
        self.stop()
        self._on_lost()


class Leg:
    """`dialog` is the one that counts: of an unanswered call of ours the latest early one, None before any.

    `ended`: the final event is out; what is left (an ACK that still has to come) runs out by the clock.
    """

    def __init__(self, core: Core, calls: Calls, call: str, options: PeerOptions) -> None:
        self.core, self.calls, self.call, self.options = core, calls, call, options
        self.dialog: Dialog | None = None
        self.answered = False
        self.ended = False
        self.local_sdp: str | None = None
        self.peer_allows: frozenset[str] | None = None
        self.unacked: dict[int, Unacked] = {}
        self.at_end: list[Callable[[], None]] = []
        self.handlers: dict[str, Handler] = {"BYE": self._bye, "INFO": self._info, "OPTIONS": self._options}
        self._keys: set[DialogKey] = set()
        self._acks: dict[tuple[str, int], Alone] = {}
        calls.legs[call] = self

    def finish(self, event: Ended | Rejected) -> None:
        """The one final event; a second one is not told."""
        if self.ended:
            return
        self.ended = True
        self.core.emit(event)
        self.calls.legs.pop(self.call, None)
        for act in self.at_end:
            act()
        self.at_end.clear()
        if not self.unacked:
            self.release()

    def ends(self, cause: str, by: By, causes: tuple[Reason, ...] = ()) -> None:
        self.finish(Ended(self.call, cause, by, causes))

    def release(self) -> None:
        """Nothing more is expected: forget the dialogs."""
        for unacked in self.unacked.values():
            unacked.stop()
        self.unacked.clear()
        for key in self._keys:
            self.calls.dialogs.pop(key, None)
        self._keys.clear()

    def enter(self, dialog: Dialog) -> None:
        """Requests inside `dialog` come here from now on."""
        self.dialog = dialog
        self.calls.dialogs[dialog.key] = (self, dialog)
        self._keys.add(dialog.key)

    def learn(self, message: Message) -> None:
        """What the peer says that it can do."""
        allowed = methods(message.headers)
        if allowed is not None:
            self.peer_allows = allowed

    # Requests of ours

    def ask(
        self,
        dialog: Dialog,
        request: Request,
        on_response: OnResponse,
        on_failed: OnFailed,
        *,
        contact: bool = False,
    ) -> Exchange:
        return Exchange(
            self.core,
            request,
            (dialog.next_hop(),),
            on_response,
            on_failed,
            dialog.next_seq,
            account=self.options.account,
            contact_user=self.options.contact_user if contact else None,
        )

    def send_bye(self, dialog: Dialog, causes: tuple[Reason, ...] = ()) -> None:
        request = dialog.request("BYE")
        for reason in causes:
            request.headers.add(*reason_field(reason))
        self.ask(dialog, request, _no_matter, _no_matter)

    def acknowledge(self, dialog: Dialog, invite: Request, cseq: int, sdp: str | None = None) -> None:
        """The ACK of a 2xx, with the credentials of its INVITE; kept, since the 2xx may come again."""
        request = dialog.request("ACK", cseq)
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.lines(name):
                request.headers.add(name, value)
        attach_sdp(request, sdp)
        if len(self._acks) >= MOST_ACKS:
            self._acks.pop(next(iter(self._acks)))
        ack = self._acks[dialog.remote.tag or "", cseq] = Alone(self.core, request, dialog.next_hop())
        ack.send()

    def acknowledge_again(self, tag: str, cseq: int) -> bool:
        """False if this 2xx was not seen before."""
        known = self._acks.get((tag, cseq))
        if known is None:
            return False
        known.send()
        return True

    def send_digit(self, digit: str, ms: int) -> None:
        if self.dialog is None or not self.answered:
            return
        request = self.dialog.request("INFO")
        kind, request.body = digit_body(digit, ms)
        request.headers.set("Content-Type", kind)
        self.ask(self.dialog, request, self.watch, _no_matter)

    def watch(self, response: Response, source: Source) -> None:
        """The peer says that it knows no such call: then there is none (RFC 3261 section 12.2.1.2)."""
        if response.status == 481 and not self.ended and self.answered:
            self.ends("gone", "remote", reasons_of(response))

    def hang_up(self, causes: tuple[Reason, ...] = (), *, cause: str = "bye", by: By = "local") -> None:
        raise NotImplementedError

    # Requests of the peer

    def receive(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        """A request inside `dialog`."""
        method = transaction.request.method
        if not dialog.in_order(transaction.cseq.number):
            self.core.reply(transaction, 500, "Request out of order")
            return
        if self.ended and method != "BYE":
            self.core.reply(transaction, 481)
            return
        dialog.seen = back_to(transaction.source)
        handler = self.handlers.get(method)
        if handler is None:
            self.core.reply(transaction, 405, headers=(("Allow", allowed(self.options)),))
        else:
            handler(transaction, dialog)

    def acked(self, request: Request, number: int) -> None:
        """The ACK of our 2xx to the INVITE with this number."""
        unacked = self.unacked.pop(number, None)
        if unacked is not None:
            unacked.stop()
            unacked.on_ack(request)
            if self.ended and not self.unacked:
                self.release()

    def on_bye(self) -> None:
        """Before the peer's BYE is told."""

    def cancelled(self, cancel: Request) -> None:
        """The peer takes its INVITE back."""

    def _bye(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        self.core.reply(transaction, 200)
        self.on_bye()
        self.ends("bye", "remote", reasons_of(transaction.request))
        self.release()

    def _info(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        request = transaction.request
        found = digit_of(request)
        if found is not None:
            self.core.reply(transaction, 200)
            self.core.emit(InfoDigit(self.call, *found))
        elif request.body:
            self.core.reply(transaction, 415, headers=(("Accept", "application/dtmf-relay, application/dtmf"),))
        else:
            self.core.reply(transaction, 200)

    def _options(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        self.core.reply(transaction, 200, headers=(("Allow", allowed(self.options)), ("Accept", SDP)))


def _no_matter(*_: object) -> None:
    """Nothing follows from the answer of a BYE: the call is over either way."""
