"""One request of ours until its final answer: challenges are met, destinations tried one after the other.

RFC 3261 sections 8.1.3 and 22, RFC 3263 section 4.3: a destination that answers 503, says nothing or cannot be reached
is followed by the next, in a new transaction. At most two challenges are answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from channels.voice.sip.core import Core
from channels.voice.sip.digest import NotAnswered
from channels.voice.sip.headers import CSeq
from channels.voice.sip.message import Request, Response
from channels.voice.sip.settings import Account
from channels.voice.sip.transaction import ClientTransaction, Failure, cancellation
from channels.voice.sip.wire import Destination, Source

OnResponse = Callable[[Response, Source], None]
OnFailed = Callable[[Failure], None]
OnLate = Callable[[Request, Response, Source], None]


class Exchange:
    """`request` has no Via and, with `contact_user`, no Contact: both are made for each destination.

    `on_response` gets each response that counts (of an INVITE every 2xx); `on_failed` is called when there was none at
    all. With further destinations to try, one may be silent for `silence_s`, the last for `answer_s`. `on_late` gets
    the 2xx of an INVITE from a destination that was given up already. `next_seq` gives the CSeq number of a repetition
    with credentials. `unmet` says why a challenge was not answered.
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
        self._destinations = destinations
        self._index = 0
        self._on_response, self._on_failed, self._on_late = on_response, on_failed, on_late
        self._next_seq = next_seq
        self._account, self._contact_user = account, contact_user
        self._silence_s, self._answer_s = silence_s, answer_s
        self._challenges = 0
        self.unmet: str | None = None
        self._cancelled: tuple[tuple[str, str], ...] | None = None
        self._cancel_sent: set[ClientTransaction] = set()
        self._client: ClientTransaction | None = None
        self._send()

    @property
    def destination(self) -> Destination:
        return self._destinations[self._index]

    @property
    def sent(self) -> Request:
        """The request as it was last sent."""
        assert self._client is not None
        return self._client.request

    def again(self) -> None:
        """Send the (changed) request anew, as after a 422 or 423."""
        self._renumber()
        self._send()

    def cancel(self, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """CANCEL an INVITE, as soon as its receiver has shown that it has it. Its final answer is still told."""
        assert self._client is not None
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
        self._client = self._core.transactions.request(
            request,
            destination,
            self._responded,
            self._failed,
            self._silence_s if self._more() else self._answer_s,
        )

    def _responded(self, client: ClientTransaction, response: Response, source: Source) -> None:
        if client is not self._client:
            self._late(client, response, source)
            return
        if response.status < 200:
            if self._cancelled is not None:
                self._send_cancel(client)
            self._on_response(response, source)
            return
        if self._cancelled is None:
            if response.status in (401, 407) and self._meet(response, client.request):
                return
            if response.status == 503 and self._next():
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
        if self._cancelled is None and self._more():
            client.abandon()
            self._next()
        else:
            self._on_failed(failure)

    def _more(self) -> bool:
        return self._index + 1 < len(self._destinations)

    def _next(self) -> bool:
        if not self._more():
            return False
        self._index += 1
        self._send()
        return True

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
        assert self._client is not None
        if self._client.state in ("calling", "proceeding"):
            self._client.terminate()
            self._on_failed("timeout")

    def _renumber(self) -> None:
        self.request.headers.set("CSeq", str(CSeq(self._next_seq(), self.request.method)))


def _no_matter(*_: object) -> None:
    """Nothing follows from the answer of a CANCEL: that of the INVITE counts."""
