"""One request of ours until its final answer: challenges are met, destinations tried one after the other.

RFC 3261 sections 8.1.3 and 22, RFC 3263 section 4.3: a destination that answers 503, says nothing or cannot be reached
is followed by the next, in a new transaction; a name stands for all its addresses, and is looked up when its turn has
come. What is too large for a datagram goes by TCP, and by UDP only where that is refused (section 18.1.1). At most two
challenges are answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from channels.voice.sip.core import LARGEST_DATAGRAM, Core
from channels.voice.sip.digest import NotAnswered
from channels.voice.sip.fields import number_field
from channels.voice.sip.headers import CSeq
from channels.voice.sip.message import Request, Response, encode
from channels.voice.sip.settings import Account
from channels.voice.sip.transaction import ClientTransaction, Failure, cancellation
from channels.voice.sip.wire import Destination, Source, is_address

OnResponse = Callable[[Response, Source], None]
OnFailed = Callable[[Failure], None]
OnLate = Callable[[Request, Response, Source], None]


class Exchange:
    """`request` has no Via and, with `contact_user`, no Contact: both are made for each destination.

    `on_response` gets each response that counts (of an INVITE every 2xx); `on_failed` is called when there was none at
    all. With further destinations to try, one may be silent for `silence_s`, the last for `answer_s`. `on_late` gets
    the 2xx of an INVITE from a destination that was given up already. `next_seq` gives the CSeq number of a repetition
    with credentials. `unmet` says why a challenge was not answered. Raises ValueError for what cannot be sent.
    """

    def __init__(
        self,
        core: Core,
        request: Request,
        destinations: Sequence[Destination],
        on_response: OnResponse,
        on_failed: OnFailed,
        next_seq: Callable[[], int],
        *,
        account: Account | None = None,
        silence_s: float | None = None,
        answer_s: float | None = None,
        contact_user: str | None = None,
        on_late: OnLate | None = None,
    ) -> None:
        self._core = core
        self.request = request
        self.destination = destinations[0]
        self._left = core.targets.rested(destinations)
        self._on_response, self._on_failed, self._on_late = on_response, on_failed, on_late
        self._next_seq = next_seq
        self._account, self._contact_user = account, contact_user
        self._silence_s, self._answer_s = silence_s, answer_s
        self._challenges = 0
        self.unmet: str | None = None
        self._cancelled: tuple[tuple[str, str], ...] | None = None
        self._cancel_sent: set[ClientTransaction] = set()
        self._client: ClientTransaction | None = None
        self._refusal: tuple[Response, Source] | None = None  # of the destination before
        if not is_address(self._left[0].host):
            encode(request)  # what cannot be sent is told at once, and not when the name is found
        self._next()

    @property
    def sent(self) -> Request:
        """The request as it was last sent, if it was."""
        return self._client.request if self._client is not None else self.request

    def again(self) -> None:
        """Send the (changed) request anew, as after a 422 or 423."""
        self._renumber()
        self._send()

    def redirect(self, uri: str, destination: Destination) -> None:
        """Send it to another URI instead, as after a 3xx."""
        self.request.uri = uri
        self._refusal = None
        self._challenges = 0
        self._left = [destination]
        self._renumber()
        self._next()

    def cancel(self, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """CANCEL an INVITE, as soon as its receiver has shown that it has it. Its final answer is still told."""
        if self._client is None:
            self._cancelled, self._left = headers, []
            return
        if self._cancelled is not None or self._client.state not in ("calling", "proceeding"):
            return
        self._cancelled = headers
        if self._client.state == "proceeding":
            self._send_cancel(self._client)
        self._core.clock.after(self._core.settings.timing.give_up, self._cancel_expired)

    def _send(self, credentials: list[tuple[str, str]] | None = None) -> None:
        template, destination = self.request, self.destination
        request = Request(template.method, template.uri, template.headers.copy(), template.body)
        request.headers.insert_first("Via", self._core.via(destination))
        if self._contact_user is not None:
            request.headers.set("Contact", self._core.contact(destination, self._contact_user))
        if credentials is None and self._account is not None:
            digest = self._core.digest(self._account)
            credentials = digest.authorize(request.method, request.uri, request.body)
        for name, value in credentials or ():
            request.headers.add(name, value)
        stream = self._core.targets.as_stream(destination)
        if stream is not None and len(encode(request)) > LARGEST_DATAGRAM:
            request.headers.replace_first("Via", self._core.via(stream))
            destination = stream
        self._client = self._core.transactions.request(
            request,
            destination,
            self._responded,
            self._failed,
            self._silence_s if self._left else self._answer_s,
        )

    def _responded(self, client: ClientTransaction, response: Response, source: Source) -> None:
        if client is not self._client:
            self._late(client, response, source)
            return
        if client.destination.transport != self.destination.transport:
            # Only the size asked for TCP: what follows goes where it would have gone.
            source = msgspec.structs.replace(source, transport=self.destination.transport, flow=self.destination.flow)
        if response.status == 503:
            if (seconds := number_field(response.headers, "Retry-After", 86_400)) is not None:
                self._core.targets.rest(self.destination, seconds)
        else:
            self._core.targets.works(self.destination)
        if response.status < 200:
            if self._cancelled is not None:
                self._send_cancel(client)
            self._on_response(response, source)
            return
        if self._cancelled is None:
            if response.status in (401, 407) and self._meet(response, client.request):
                return
            if response.status == 503 and self._left:
                self._refusal = (response, source)
                self._next()
                return
        self._on_response(response, source)

    def _meet(self, response: Response, sent: Request) -> bool:
        """Answer a challenge, if that can help."""
        if self._account is None:
            return False
        self._challenges += 1
        try:
            credentials = self._core.digest(self._account).answer(
                response, self._challenges, sent.method, sent.uri, sent.body
            )
        except NotAnswered as refusal:
            self.unmet = str(refusal)
            return False
        self._renumber()
        self._send(credentials)
        return True

    def _failed(self, client: ClientTransaction, failure: Failure) -> None:
        if client is not self._client:
            return
        heard = client.state == "proceeding"
        if client.destination.transport != self.destination.transport and not heard:
            self._core.targets.refused_stream(client.destination)
            if self._cancelled is None:
                client.abandon()
                self._send()
                return
        self._core.targets.rest(self.destination)
        if self._cancelled is None and self._left:
            client.abandon()
            self._refusal = None
            self._next()
        else:
            self._on_failed(failure)

    def _next(self) -> None:
        """To the next destination. When names that were left have no address, what was heard before counts."""
        if not self._left:
            if self._refusal is not None:
                self._on_response(*self._refusal)
            else:
                self._on_failed("transport")
            return
        first = self._left.pop(0)
        by_flow = first.flow is not None and first.transport != "udp"
        if is_address(first.host) or by_flow:
            self.destination = first
            self._send()
        else:
            self._client = None
            self._core.targets.look_up(first, self._located)

    def _located(self, found: Sequence[Destination]) -> None:
        if self._cancelled is None:
            self._left = self._core.targets.rested([*found, *self._left])
            self._next()
        else:
            self._on_failed("transport")

    def _late(self, client: ClientTransaction, response: Response, source: Source) -> None:
        if client.request.method != "INVITE":
            return
        if response.status < 200:
            self._send_cancel(client)
        elif response.status < 300 and self._on_late is not None:
            self._on_late(client.request, response, source)

    def _send_cancel(self, client: ClientTransaction) -> None:
        if client in self._cancel_sent:
            return
        self._cancel_sent.add(client)
        cancel = cancellation(client.request)
        for name, value in self._cancelled or ():
            cancel.headers.add(name, value)
        self._core.transactions.request(cancel, client.destination, _no_matter, _no_matter)

    def _cancel_expired(self) -> None:
        """The receiver took the CANCEL and never ended the INVITE (RFC 3261 section 9.1)."""
        if self._client is not None and self._client.state in ("calling", "proceeding"):
            self._client.terminate()
            self._on_failed("timeout")

    def _renumber(self) -> None:
        self.request.headers.set("CSeq", str(CSeq(self._next_seq(), self.request.method)))


def _no_matter(*_: object) -> None:
    """Nothing follows from the answer of a CANCEL: that of the INVITE counts."""
