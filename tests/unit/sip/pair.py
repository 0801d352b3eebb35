"""Alice calls Bob: the commonest scene, with what Bob does as an argument."""

from __future__ import annotations

from collections.abc import Sequence

from channels.voice.sip.events import Event, Invited, Offered
from channels.voice.sip.settings import PeerOptions
from channels.voice.sip.wire import Destination
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, Wire, party


class Pair:
    """`alice` and `bob`. Bob rings and answers at once and takes every offer, unless `answers` is False."""

    def __init__(
        self,
        *,
        seed: int = 1,
        wire: Wire | None = None,
        transport: str = "udp",
        alice: PeerOptions | None = None,
        bob: PeerOptions | None = None,
        answers: bool = True,
        **settings: object,
    ) -> None:
        self.net = Network(seed, wire)
        self.answers = answers
        self.alice_options = alice or PeerOptions()
        self.alice = self.net.add("alice", transport=transport, options=self.alice_options, **settings)  # type: ignore[arg-type]
        self.bob = self.net.add("bob", transport=transport, options=bob, **settings)  # type: ignore[arg-type]
        self.bob.react = self.react
        self.alice.react = self.react_alice

    def react(self, event: Event) -> None:
        agent, now = self.bob.agent, self.net.now
        match event:
            case Invited(call=call, sdp=sdp) if self.answers:
                agent.ring(call, now)
                agent.answer(call, ANSWER if sdp is not None else OFFER, now)
            case Offered(call=call):
                agent.accept_offer(call, ANSWER, now)

    def react_alice(self, event: Event) -> None:
        if isinstance(event, Offered):
            self.alice.agent.accept_offer(event.call, ANSWER, self.net.now)

    def call(
        self,
        sdp: str | None = OFFER,
        destinations: Sequence[Destination] | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> str:
        call = self.alice.agent.invite(
            party("bob"),
            party("alice"),
            sdp,
            destinations or (self.bob.destination,),
            self.net.now,
            headers=headers,
            options=self.alice_options,
        )
        self.net.settle()
        return call

    def talk(self) -> tuple[str, str]:
        """A call that stands: its ids at Alice and at Bob."""
        call = self.call()
        self.net.run(2.0)
        return call, bobs(self.bob)

    @property
    def idle(self) -> bool:
        return self.alice.agent.idle and self.bob.agent.idle


def bobs(node: Node) -> str:
    """The id of the latest call that came in at `node`."""
    return next(event.call for event in reversed(node.seen) if isinstance(event, Invited))
