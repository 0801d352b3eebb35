"""Transactions (RFC 3261 section 17, corrected by RFC 6026): one request and its answers on a wire that loses.

| machine | states, and the timers that lead on |
|---|---|
| INVITE client | calling (A resends, B gives up), proceeding, completed (ACK sent, D waits), accepted (2xx, M waits) |
| other client | trying (E resends, F gives up), proceeding (E, F), completed (K waits) |
| INVITE server | proceeding, completed (G resends, H gives up), confirmed (ACK, I waits), accepted (2xx, L waits) |
| other server | trying, proceeding, completed (J waits) |

All end in `terminated`, by an answer or by the clock. Bytes and times go in and out; nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, Protocol

from msgspec import Struct

from channels.voice.sip.clock import Clock, Timer
from channels.voice.sip.headers import BadHeader, CSeq, Headers, NameAddr, Via
from channels.voice.sip.message import Message, Request, Response, encode, reply
from channels.voice.sip.wire import Destination, Source, back_to, is_reliable

COOKIE = "z9hG4bK"
State = Literal["calling", "trying", "proceeding", "completed", "confirmed", "accepted", "terminated"]
Failure = Literal["timeout", "transport"]
Key = tuple[str, ...]


class Timing(Struct, frozen=True):
    """Seconds (RFC 3261 table 4): T1 a round trip, T2 the longest pause between resends, T4 a message's life, timer D
    how long the refusal of an INVITE may come again."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    d: float = 32.0

    @property
    def give_up(self) -> float:
        return 64 * self.t1


class TransactionUser(Protocol):
    """What the transactions of one user agent tell it."""

    def on_request(self, transaction: ServerTransaction) -> None:
        """A new request other than ACK and CANCEL."""

    def on_ack(self, request: Request, source: Source) -> None:
        """An ACK of a 2xx."""

    def on_cancel(self, transaction: ServerTransaction, invite: ServerTransaction | None) -> None:
        """A CANCEL, and the INVITE that it belongs to."""


class ClientTransaction:
    """A request of ours until its last answer.

    `on_response` gets each new response (every 2xx of an INVITE, also repeated and forked ones); `on_failed` is called
    at most once, and nothing comes after it unless the transaction was abandoned.
    """

    __slots__ = (
        *("_abandoned", "_ack", "_data", "_layer", "_on_failed", "_on_response", "_resend", "_wait", "_limit"),
        *("destination", "key", "reliable", "request", "state"),
    )

    def __init__(
        self,
        layer: Transactions,
        request: Request,
        destination: Destination,
        on_response: Callable[[ClientTransaction, Response, Source], None],
        on_failed: Callable[[ClientTransaction, Failure], None],
        answer_s: float,
    ) -> None:
        self._layer = layer
        self._on_response, self._on_failed = on_response, on_failed
        self._data = encode(request)
        self._ack: bytes | None = None
        self._abandoned = False
        self._wait: float = layer.timing.t1
        self.request, self.destination = request, destination
        self.reliable = is_reliable(destination.transport)
        self.key: Key = (Via.parse(request.headers.get("Via") or "").branch, request.method)
        self.state: State = "calling" if request.method == "INVITE" else "trying"
        self._resend: Timer | None = None
        self._limit: Timer | None = layer.clock.after(answer_s, self._timed_out)
        layer.clients[self.key] = self
        layer.send(destination, self._data)
        if not self.reliable:
            self._resend = layer.clock.after(self._wait, self._repeat)

    def receive(self, response: Response, source: Source) -> None:
        invite, status = self.request.method == "INVITE", response.status
        match self.state:
            case "calling" | "trying" | "proceeding" if status < 200:
                if self.state != "proceeding":
                    self.state = "proceeding"
                    if invite:
                        # From here on the called side decides how long it takes; the call has a deadline of its own.
                        self._layer.clock.cancel(self._resend)
                        if not self._abandoned:
                            self._stop_timers()
            case "calling" | "trying" | "proceeding" if not invite:
                self._enter("completed", 0.0 if self.reliable else self._layer.timing.t4)
            case "calling" | "proceeding" if status < 300:
                self._enter("accepted", self._layer.timing.give_up)
            case "calling" | "proceeding":
                self._ack = encode(acknowledgement(self.request, response))
                self._layer.send(self.destination, self._ack)
                self._enter("completed", 0.0 if self.reliable else self._layer.timing.d)
            case "completed" if status >= 300 and self._ack is not None:
                self._layer.send(self.destination, self._ack)
                return
            case "accepted" if 200 <= status < 300:
                pass
            case _:
                return
        self._on_response(self, response, source)

    def failed(self) -> None:
        """The transport could not deliver."""
        if self.state in ("calling", "trying", "proceeding"):
            self._give_up("transport")

    def abandon(self) -> None:
        """No longer waited for, but should an INVITE's answer still come, it is told (it may need a BYE)."""
        self._stop_timers()
        if self.state in ("calling", "trying", "proceeding"):
            self._abandoned = True
            self._on_failed = _ignore
            self._limit = self._layer.clock.after(self._layer.timing.give_up, self.terminate)

    def terminate(self) -> None:
        self._stop_timers()
        self.state = "terminated"
        self._layer.clients.pop(self.key, None)

    def _enter(self, state: State, seconds: float) -> None:
        self._stop_timers()
        self.state = state
        if seconds:
            self._limit = self._layer.clock.after(seconds, self.terminate)
        else:
            self.terminate()

    def _repeat(self) -> None:
        self._layer.send(self.destination, self._data)
        timing = self._layer.timing
        if self.request.method == "INVITE":
            self._wait = 2 * self._wait
        else:
            self._wait = timing.t2 if self.state == "proceeding" else min(2 * self._wait, timing.t2)
        self._resend = self._layer.clock.after(self._wait, self._repeat)

    def _timed_out(self) -> None:
        self._give_up("timeout")

    def _give_up(self, failure: Failure) -> None:
        """Reported once; the user may abandon the transaction in its turn, else it is over."""
        self._stop_timers()
        self._on_failed(self, failure)
        if self._limit is None:
            self.terminate()

    def _stop_timers(self) -> None:
        self._layer.clock.cancel(self._resend)
        self._layer.clock.cancel(self._limit)
        self._resend = self._limit = None


class ServerTransaction:
    """A request of a peer until it is answered for good. `respond` may be called until a final answer was given."""

    __slots__ = (
        *("_back", "_last", "_layer", "_limit", "_merge_key", "_resend", "_wait"),
        *("cseq", "key", "reliable", "request", "source", "state", "status"),
    )

    def __init__(self, layer: Transactions, request: Request, source: Source, key: Key, cseq: CSeq) -> None:
        self._layer = layer
        self.request, self.source, self.key, self.cseq = request, source, key, cseq
        self.reliable = is_reliable(source.transport)
        self.state: State = "proceeding" if request.method == "INVITE" else "trying"
        self.status = 0
        self._back = answer_address(request, source)
        self._last: bytes | None = None
        self._wait = layer.timing.t1
        self._resend: Timer | None = None
        # An INVITE may wait for long, a person has to answer it; whoever took it over keeps that time.
        patience = layer.longest_ring_s if request.method == "INVITE" else layer.timing.give_up
        self._limit: Timer | None = layer.clock.after(patience, self.terminate)
        self._merge_key = merge_key(request, cseq)
        layer.servers[key] = self
        if self._merge_key is not None:
            layer.merges[self._merge_key] = self

    @property
    def answered(self) -> bool:
        return self.status >= 200 or self.state == "terminated"

    def respond(self, response: Response) -> bool:
        """False if a final answer was given already or the transaction is over; nothing is sent then."""
        if self.answered:
            return False
        self._last = encode(response)
        self.status = status = response.status
        timing = self._layer.timing
        if status < 200:
            self.state = "proceeding"
        elif self.request.method != "INVITE":
            self._enter("completed", 0.0 if self.reliable else timing.give_up)
        elif status < 300:
            self._enter("accepted", timing.give_up)
        else:
            self._enter("completed", timing.give_up)
            if not self.reliable:
                self._resend = self._layer.clock.after(self._wait, self._repeat)
        self.resend()
        return True

    def resend(self) -> None:
        """The last response once more (the user repeats a 2xx until the ACK comes)."""
        if self._last is not None:
            self._layer.send(self._back, self._last)

    def repeated(self) -> None:
        """The request came again."""
        if self.state in ("proceeding", "completed"):
            self.resend()

    def acknowledged(self) -> None:
        """The ACK of a final answer other than 2xx."""
        if self.state == "completed":
            self._enter("confirmed", 0.0 if self.reliable else self._layer.timing.t4)

    def terminate(self) -> None:
        self._stop_timers()
        self.state = "terminated"
        self._layer.servers.pop(self.key, None)
        if self._merge_key is not None and self._layer.merges.get(self._merge_key) is self:
            del self._layer.merges[self._merge_key]

    def _enter(self, state: State, seconds: float) -> None:
        self._stop_timers()
        self.state = state
        if seconds:
            self._limit = self._layer.clock.after(seconds, self.terminate)
        else:
            self.terminate()

    def _repeat(self) -> None:
        self.resend()
        self._wait = min(2 * self._wait, self._layer.timing.t2)
        self._resend = self._layer.clock.after(self._wait, self._repeat)

    def _stop_timers(self) -> None:
        self._layer.clock.cancel(self._resend)
        self._layer.clock.cancel(self._limit)
        self._resend = self._limit = None


class Transactions:
    """The transactions of one user agent: messages find theirs here, new requests are bounded in number.

    With `most` requests at once in hand, further ones from outside any dialog are answered 503 and forgotten; twice as
    many hold the rest of them back too.
    """

    def __init__(
        self,
        user: TransactionUser,
        clock: Clock,
        send: Callable[[Destination, bytes], None],
        timing: Timing,
        *,
        most: int,
        longest_ring_s: float,
    ) -> None:
        self.user, self.clock, self.send, self.timing = user, clock, send, timing
        self.most, self.longest_ring_s = most, longest_ring_s
        self.clients: dict[Key, ClientTransaction] = {}
        self.servers: dict[Key, ServerTransaction] = {}
        self.merges: dict[Key, ServerTransaction] = {}

    def __len__(self) -> int:
        return len(self.clients) + len(self.servers)

    def request(
        self,
        request: Request,
        destination: Destination,
        on_response: Callable[[ClientTransaction, Response, Source], None],
        on_failed: Callable[[ClientTransaction, Failure], None],
        answer_s: float | None = None,
    ) -> ClientTransaction:
        """Send `request`, whose top Via has a branch of its own. `answer_s`: how long to wait for any response (for an
        INVITE) or for the last one; timers B and F unless given."""
        wait = self.timing.give_up if answer_s is None else min(answer_s, self.timing.give_up)
        return ClientTransaction(self, request, destination, on_response, on_failed, wait)

    def receive(self, message: Message, source: Source) -> None:
        """Raises BadHeader when Via, CSeq or a tag cannot be read; then nothing has happened."""
        via = Via.parse(message.headers.get("Via") or "")
        cseq = CSeq.parse(message.headers.get("CSeq") or "")
        if isinstance(message, Response):
            client = self.clients.get((via.branch, cseq.method))
            if client is not None and client.request.headers.get("CSeq") == str(cseq):
                client.receive(message, source)
            return
        if cseq.method != message.method:
            raise BadHeader("the CSeq is of another method")
        self._requested(message, source, via, cseq)

    def transport_failed(self, destination: Destination) -> None:
        for client in [client for client in self.clients.values() if client.destination == destination]:
            client.failed()

    def _requested(self, request: Request, source: Source, via: Via, cseq: CSeq) -> None:
        method = request.method
        key = server_key(request, via, cseq, "INVITE" if method == "ACK" else method)
        known = self.servers.get(key)
        if method == "ACK":
            if known is not None and known.state in ("completed", "confirmed"):
                known.acknowledged()
            else:
                self.user.on_ack(request, source)
            return
        if known is not None:
            known.repeated()
            return
        request.headers.replace_first("Via", str(via.stamped(source.host, source.port)))
        if method == "CANCEL":
            invite = self.servers.get(server_key(request, via, cseq, "INVITE"))
            self.user.on_cancel(ServerTransaction(self, request, source, key, cseq), invite)
            return
        merge = merge_key(request, cseq)
        refusal = None
        # The same OPTIONS under a new branch is some trunks' way to ask again whether we live.
        other = self.merges.get(merge) if merge is not None and method != "OPTIONS" else None
        if other is not None and other.status != 503:
            refusal = reply(request, 482, "Request Merged")
        elif len(self.servers) >= (self.most if merge is not None else 2 * self.most):
            refusal = reply(request, 503)
            refusal.headers.set("Retry-After", "5")
        if refusal is not None:
            self.send(answer_address(request, source), encode(refusal))
            return
        self.user.on_request(ServerTransaction(self, request, source, key, cseq))


def server_key(request: Request, via: Via, cseq: CSeq, method: str) -> Key:
    """What a request has in common with its repetitions, its ACK and its CANCEL (RFC 3261 section 17.2.3)."""
    branch = via.branch
    if branch.startswith(COOKIE):
        return (branch, via.host, str(via.sent_by[1]), method)
    # A sender from before RFC 3261. The To tag of the ACK is ours, so it is no part of this.
    headers = request.headers
    sender = tag_of(headers.get("From") or "") or ""
    return (headers.get("Call-ID") or "", sender, str(cseq.number), request.uri, str(via), method)


def merge_key(request: Request, cseq: CSeq) -> Key | None:
    """What two copies of one request have in common that came by different ways; None inside a dialog."""
    headers = request.headers
    if request.method == "CANCEL" or tag_of(headers.get("To") or "") is not None:
        return None
    tag = tag_of(headers.get("From") or "")
    return None if tag is None else (headers.get("Call-ID") or "", tag, str(cseq.number), cseq.method)


def answer_address(request: Request, source: Source) -> Destination:
    """Where answers go (RFC 3261 section 18.2.2, RFC 3581)."""
    back = back_to(source)
    if is_reliable(source.transport):
        return back
    via = Via.parse(request.headers.get("Via") or "")
    if "rport" in via.params:
        return back
    return Destination(back.transport, back.host, via.sent_by[1], back.flow)


def tag_of(party: str) -> str | None:
    """The tag of a From or To; each is read several times in a call. Raises BadHeader."""
    # What is kept is bounded in number and in size.
    return _tag_of(party) if len(party) <= 200 else NameAddr.parse(party).tag


@lru_cache(4096)
def _tag_of(party: str) -> str | None:
    return NameAddr.parse(party).tag


def acknowledgement(invite: Request, response: Response) -> Request:
    """The ACK of a final answer other than 2xx (RFC 3261 section 17.1.1.3)."""
    headers = Headers([("Via", invite.headers.get("Via") or ""), ("Max-Forwards", "70")])
    for route in invite.headers.all("Route"):
        headers.add("Route", route)
    for name in ("From", "Call-ID"):
        headers.add(name, invite.headers.get(name) or "")
    headers.add("To", response.headers.get("To") or "")
    headers.add("CSeq", str(CSeq(CSeq.parse(invite.headers.get("CSeq") or "").number, "ACK")))
    return Request("ACK", invite.uri, headers)


def cancellation(invite: Request) -> Request:
    """The CANCEL of a request (RFC 3261 section 9.1); the caller may add a Reason."""
    headers = Headers([("Via", invite.headers.get("Via") or ""), ("Max-Forwards", "70")])
    for route in invite.headers.all("Route"):
        headers.add("Route", route)
    for name in ("From", "To", "Call-ID"):
        headers.add(name, invite.headers.get(name) or "")
    headers.add("CSeq", str(CSeq(CSeq.parse(invite.headers.get("CSeq") or "").number, "CANCEL")))
    return Request("CANCEL", invite.uri, headers)


def _ignore(transaction: ClientTransaction, failure: Failure) -> None:
    pass
