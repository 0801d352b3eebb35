"""Two or more user agents, one clock, and a seeded wire between them that loses, doubles, delays and reorders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import Protocol

from channels.voice.sip.agent import UserAgent
from channels.voice.sip.events import Ended, Event, Rejected
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.message import BadMessage, Message, Request, Response, encode, parse
from channels.voice.sip.registrar import Lookup
from channels.voice.sip.settings import Local, PeerOptions, Settings
from channels.voice.sip.wire import Destination, LookUp, Send, Source, Transport

OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = OFFER.replace("4000", "5000")


@dataclass
class Wire:
    """Shares of messages that are lost or doubled, and delays in seconds; TCP only delays, in order."""

    loss: float = 0.0
    double: float = 0.0
    delay: tuple[float, float] = (0.01, 0.01)


@dataclass
class Carried:
    """One message as it was sent, whether it arrived or not."""

    at: float
    sender: str
    receiver: str
    message: Message

    def __str__(self) -> str:
        m = self.message
        what = m.method if isinstance(m, Request) else f"{m.status} ({m.headers.get('CSeq')})"
        return f"{self.at:7.2f} {self.sender} -> {self.receiver}: {what}"


@dataclass
class Node:
    """A user agent at an address, and what it does at its events."""

    name: str
    address: tuple[str, int]
    agent: UserAgent
    transport: Transport = "udp"
    trusted: bool = False
    authenticate: bool = False
    seen: list[Event] = field(default_factory=list)
    react: Callable[[Event], None] = lambda event: None

    @property
    def destination(self) -> Destination:
        return Destination(self.transport, *self.address)

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.seen if isinstance(event, kind)]

    def finals(self, call: str) -> list[Event]:
        return [event for event in self.seen if isinstance(event, Ended | Rejected) and event.call == call]


class Receiver(Protocol):
    """A scripted peer."""

    address: tuple[str, int]

    def receive(self, message: Message, source: Source) -> None: ...


class Network:
    def __init__(self, seed: int = 1, wire: Wire | None = None) -> None:
        self.random = Random(seed)
        self.wire = wire or Wire()
        self.now = 0.0
        self.nodes: dict[str, Node] = {}
        self.peers: dict[str, Receiver] = {}
        self.carried: list[Carried] = []
        self.flows = False  # whether a connection has a name
        self.names: dict[str, tuple[Destination, ...]] = {}  # what is found of a name, at once
        self.no_tcp: set[str] = set()  # who refuses connections
        self.drop: Callable[[Carried], bool] = lambda carried: False
        self._flying: list[tuple[float, int, str, str, bytes, Transport]] = []
        self._order = 0
        self._last: dict[tuple[str, str], float] = {}

    def add(
        self,
        name: str,
        *,
        transport: Transport = "udp",
        options: PeerOptions | None = None,
        lookup: Lookup = lambda username: None,
        also: Sequence[Transport] = (),
        **settings: object,
    ) -> Node:
        """`also`: transports beside the one by which others call it."""
        address = (f"192.0.2.{len(self.nodes) + 1}", 5060)
        made = Settings(
            locals=tuple(Local(kind, *address) for kind in (transport, *also)),
            name=name,
            inbound=options or PeerOptions(),
            **settings,  # type: ignore[arg-type]
        )
        node = Node(
            name, address, UserAgent(made, lambda size: self.random.randbytes(size).hex(), lookup=lookup), transport
        )
        self.nodes[name] = node
        return node

    def name_at(self, host: str) -> str | None:
        parties: dict[str, Node | Receiver] = {**self.nodes, **self.peers}
        return next((name for name, party in parties.items() if party.address[0] == host), None)

    def settle(self) -> None:
        """Put what the agents want to send on the wire and tell their events."""
        busy = True
        while busy:
            busy = False
            for node in list(self.nodes.values()):
                for output in node.agent.drain():
                    busy = True
                    if isinstance(output, Send):
                        self.transmit(node.name, output)
                    elif isinstance(output, LookUp):
                        node.agent.located(output.destination, self.names.get(output.destination.host, ()), self.now)
                    else:
                        node.seen.append(output)
                        node.react(output)

    def transmit(self, sender: str, sent: Send) -> None:
        receiver, transport = self.name_at(sent.destination.host), sent.destination.transport
        try:
            message = parse(sent.data)
        except BadMessage:
            # What cannot be read cannot be answered well either.
            assert sent.data.startswith((b"SIP/2.0 4", b"SIP/2.0 5"))
            return
        carried = Carried(self.now, sender, receiver or "?", message)
        self.carried.append(carried)
        if transport == "tcp" and receiver in self.no_tcp:
            self.nodes[sender].agent.failed(sent.destination, self.now)
            return
        if receiver is None or self.drop(carried):
            return
        reliable, copies = transport != "udp", 1
        if not reliable:
            copies = 0 if self.random.random() < self.wire.loss else 2 if self.random.random() < self.wire.double else 1
        for _ in range(copies):
            at = self.now + self.random.uniform(*self.wire.delay)
            if reliable:
                at = self._last[sender, receiver] = max(at, self._last.get((sender, receiver), 0.0))
            self._order += 1
            heappush(self._flying, (at, self._order, sender, receiver, sent.data, transport))

    def _deliver(self) -> None:
        _, _, sender, receiver, data, transport = heappop(self._flying)
        address = (self.nodes.get(sender) or self.peers[sender]).address
        node = self.nodes.get(receiver)
        source = Source(
            transport,
            *address,
            f"{sender}-{receiver}" if self.flows else None,
            trusted=node is not None and node.trusted,
            authenticate=node is not None and node.authenticate,
        )
        if node is None:
            self.peers[receiver].receive(parse(data), source)
            return
        try:
            node.agent.receive(parse(data), source, self.now)
        except BadMessage as bad:
            node.agent.refuse(bad, source, self.now)

    def inject(self, sender: str, receiver: str, message: Message) -> None:
        """A message that `sender`'s agent did not send, from its address."""
        self.transmit(sender, Send(self.nodes[receiver].destination, encode(message)))

    def step(self, until: float) -> bool:
        """The next thing that happens, if it happens before `until`."""
        self.settle()
        deadlines = [at for node in self.nodes.values() if (at := node.agent.next_deadline()) is not None]
        if self._flying:
            deadlines.append(self._flying[0][0])
        if not deadlines or min(deadlines) > until:
            return False
        self.now = max(self.now, min(deadlines))
        if self._flying and self._flying[0][0] <= self.now:
            self._deliver()
        else:
            for node in self.nodes.values():
                node.agent.tick(self.now)
        self.settle()
        return True

    def run(self, seconds: float | None = None) -> None:
        """For so long, or until nothing is left to happen."""
        if seconds is not None:
            until = self.now + seconds
            while self.step(until):
                pass
            self.now = until
            return
        for _ in range(20_000):
            if not self.step(inf):
                return
        raise AssertionError("it never comes to rest")

    def sent(self, sender: str, what: str | int) -> list[Carried]:
        """What `sender` sent: requests of a method, or responses of a status (as an int) to anything."""
        return [
            carried
            for carried in self.carried
            if carried.sender == sender
            and (
                (isinstance(carried.message, Request) and carried.message.method == what)
                or (isinstance(carried.message, Response) and carried.message.status == what)
            )
        ]

    def flow(self) -> str:
        return "\n".join(map(str, self.carried))


def party(name: str, host: str = "example.test") -> NameAddr:
    return NameAddr(name.title(), f"sip:{name}@{host}")
