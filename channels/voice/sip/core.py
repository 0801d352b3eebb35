"""What the parts of one user agent share: its clock, randomness, transactions, output, and how its messages look."""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.sip.clock import Clock
from channels.voice.sip.digest import DigestClient
from channels.voice.sip.events import Event, Output
from channels.voice.sip.headers import Headers
from channels.voice.sip.message import Request, Response, encode, reply
from channels.voice.sip.settings import Account, Local, PeerOptions, Settings
from channels.voice.sip.targets import Targets
from channels.voice.sip.transaction import COOKIE, ServerTransaction, Transactions, TransactionUser
from channels.voice.sip.wire import Destination, LookUp, Send

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY"
SUPPORTED = "timer, replaces"
SDP = "application/sdp"
MOST_ACCOUNTS = 1_000
MOST_REMEMBERED = 1_000
LARGEST_DATAGRAM = 1_300  # RFC 3261 section 18.1.1: 200 bytes below the 1,500 that most ways let through


class Core:
    """`random(n)` gives 2n hexadecimal characters that nobody can guess, as secrets.token_hex does."""

    def __init__(self, settings: Settings, random: Callable[[int], str], user: TransactionUser) -> None:
        self.settings, self.random = settings, random
        self.clock = Clock()
        self.outputs: list[Output] = []
        self.targets = Targets(self.clock, settings, lambda destination: self.outputs.append(LookUp(destination)))
        self.transactions = Transactions(
            user,
            self.clock,
            self.send,
            settings.timing,
            most=settings.transactions,
            longest_ring_s=4 * 3600.0,
        )
        self._digests: dict[Account, DigestClient] = {}

    def send(self, destination: Destination, data: bytes) -> None:
        self.outputs.append(Send(destination, data))

    def emit(self, event: Event) -> None:
        self.outputs.append(event)

    def digest(self, account: Account) -> DigestClient:
        """What is known of the challenges that `account` met."""
        digest = self._digests.get(account)
        if digest is None:
            if len(self._digests) >= MOST_ACCOUNTS:
                self._digests.pop(next(iter(self._digests)))
            digest = DigestClient(account.username, account.password, account.realms, self.random)
            self._digests[account] = digest
        return digest

    def tag(self) -> str:
        return self.random(8)

    def share(self) -> float:
        """A random number from 0 up to 1, for the spread of retries."""
        return int(self.random(4), 16) / 2**32

    def local(self, destination: Destination) -> Local:
        """Our address towards `destination`."""
        candidates = [local for local in self.settings.locals if local.transport == destination.transport]
        for local in candidates:
            if (":" in local.host) == (":" in destination.host):
                return local
        return candidates[0] if candidates else self.settings.locals[0]

    def via(self, destination: Destination) -> str:
        local = self.local(destination)
        return f"SIP/2.0/{destination.transport.upper()} {_host_port(local)};rport;branch={COOKIE}{self.random(12)}"

    def contact(self, destination: Destination, user: str) -> str:
        local = self.local(destination)
        transport = "" if local.transport == "udp" else f";transport={local.transport}"
        return f"<sip:{user}@{_host_port(local)}{transport}>"

    def ours(self, headers: Headers) -> None:
        """The header fields that every request and answer of ours outside or at the start of a dialog has."""
        headers.set("Allow", ALLOW)
        headers.set("User-Agent", self.settings.name)

    def reply(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        tag: str | None = None,
    ) -> bool:
        """Answer without a body; a To tag is made up unless one is there or given."""
        response = reply(transaction.request, status, reason, tag or (self.tag() if status > 100 else None))
        for name, value in headers:
            response.headers.add(name, value)
        return transaction.respond(response)


class Alone:
    """A request without a transaction: the ACK of a 2xx, sent again whenever its answer comes again."""

    def __init__(self, core: Core, request: Request, destination: Destination) -> None:
        self._core, self._request, self._small = core, request, destination
        self._large: Destination | None = None
        self._data = self._encoded(destination)
        if len(self._data) > LARGEST_DATAGRAM and (stream := core.targets.as_stream(destination)) is not None:
            self._large, self._data = stream, self._encoded(stream)

    def send(self) -> None:
        if self._large is not None and self._core.targets.as_stream(self._small) is None:  # it was refused meanwhile
            self._large, self._data = None, self._encoded(self._small)
        self._core.send(self._large or self._small, self._data)

    def _encoded(self, destination: Destination) -> bytes:
        headers = self._request.headers.copy()
        headers.insert_first("Via", self._core.via(destination))
        return encode(Request(self._request.method, self._request.uri, headers, self._request.body))


def allowed(options: PeerOptions) -> str:
    """The methods that a peer may use in a call."""
    return f"{ALLOW}, REFER" if options.refer else ALLOW


def attach_sdp(message: Request | Response, sdp: str | None) -> None:
    if sdp is not None:
        message.headers.set("Content-Type", SDP)
        message.body = sdp.encode()


def _host_port(local: Local) -> str:
    host = f"[{local.host}]" if ":" in local.host else local.host
    return f"{host}:{local.port}"
