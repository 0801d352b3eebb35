"""Scenes between Alice, a sound user agent, and a scripted peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from channels.voice.sip.headers import NameAddr
from channels.voice.sip.message import Message, Request
from channels.voice.sip.settings import PeerOptions
from tests.unit.sip.network import ANSWER, OFFER
from tests.unit.sip.pair import Pair, bobs
from tests.unit.sip.peer import Peer


def tag_of(message: Message, name: str = "To") -> str:
    return NameAddr.parse(message.headers.get(name) or "").tag or ""


def called_by_peer(**invite: Any) -> tuple[Pair, Peer, Request]:
    """A scripted peer calls Alice, who has not answered yet."""
    pair = Pair(alice=invite.pop("alice", None))
    pair.alice.react = lambda event: None
    peer = Peer(pair.net)
    request = peer.request("INVITE", body=invite.pop("body", OFFER), **invite)
    pair.net.run(0.2)
    return pair, peer, request


def calling_peer(
    script: Callable[[Peer, Request], None], options: PeerOptions | None = None, sdp: str | None = OFFER
) -> tuple[Pair, Peer, str]:
    """Alice calls a scripted peer; `script` answers the INVITE, everything else gets 200."""
    pair = Pair(alice=options)
    peer = Peer(pair.net)

    def act(message: Message) -> None:
        if isinstance(message, Request) and message.method == "INVITE":
            script(peer, message)
        elif isinstance(message, Request) and message.method not in ("ACK", "CANCEL"):
            peer.respond(message, 200)

    peer.on_message = act
    call = pair.call(sdp=sdp, destinations=(peer.destination,))
    pair.net.run(1)
    return pair, peer, call


def answered_by_alice(**more: Any) -> tuple[Pair, Peer, str, str]:
    """The peer's call stands: Alice's id of it, and her tag."""
    pair, peer, _ = called_by_peer(**more)
    call = bobs(pair.alice)
    pair.alice.agent.answer(call, ANSWER, pair.net.now)
    pair.net.run(0.1)
    tag = tag_of(peer.responses("INVITE")[-1])
    peer.request("ACK", number=1, to_tag=tag)
    pair.net.run(0.1)
    return pair, peer, call, tag
