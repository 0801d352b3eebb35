"""A peer whose every message a test writes: for what no sound user agent would do by itself."""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.sip.headers import CSeq, Headers, NameAddr
from channels.voice.sip.message import Message, Request, Response, encode, reply
from channels.voice.sip.wire import Destination, Send, Source
from tests.unit.sip.network import Network


class Peer:
    """Keeps what came in `inbox`; `on_message` may answer. It sends by `say` and `respond`."""

    def __init__(self, net: Network, name: str = "peer", *, transport: str = "udp") -> None:
        self.net, self.name = net, name
        self.address = (f"192.0.2.{100 + len(net.peers)}", 5060)
        self.destination = Destination(transport, *self.address)  # type: ignore[arg-type]
        self.inbox: list[Message] = []
        self.on_message: Callable[[Message], None] = lambda message: None
        self._branches = 0
        net.peers[name] = self

    def receive(self, message: Message, source: Source) -> None:
        self.inbox.append(message)
        self.on_message(message)

    def requests(self, method: str) -> list[Request]:
        return [m for m in self.inbox if isinstance(m, Request) and m.method == method]

    def responses(self, method: str) -> list[Response]:
        """To requests of this method, without 100."""
        return [
            m
            for m in self.inbox
            if isinstance(m, Response) and m.status > 100 and (m.headers.get("CSeq") or "").endswith(method)
        ]

    def respond(
        self,
        request: Request,
        status: int,
        *,
        tag: str | None = "peer",
        sdp: str | None = None,
        contact: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        reason: str | None = None,
    ) -> None:
        response = reply(request, status, reason, tag)
        response.headers.set("Contact", contact or f"<sip:peer@{self.address[0]}:{self.address[1]}>")
        for name, value in headers:
            response.headers.add(name, value)
        if sdp is not None:
            response.headers.set("Content-Type", "application/sdp")
            response.body = sdp.encode()
        self.send(response)

    def send(self, message: Message, to: str = "alice") -> None:
        self.net.transmit(self.name, Send(self.net.nodes[to].destination, encode(message)))

    def request(
        self,
        method: str,
        *,
        uri: str = "sip:hub@192.0.2.1",
        call_id: str = "call-1",
        number: int = 1,
        from_tag: str | None = "peer",
        to_tag: str | None = None,
        body: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        to: str = "alice",
        branch: str | None = None,
    ) -> Request:
        """Send a request; `to_tag` puts it into a dialog."""
        self._branches += 1
        fields = Headers()
        host, port = self.address
        fields.add("Via", f"SIP/2.0/UDP {host}:{port};rport;branch={branch or f'z9hG4bK{self.name}{self._branches}'}")
        fields.add("Max-Forwards", "70")
        fields.add("From", f"<sip:peer@example.test>{f';tag={from_tag}' if from_tag else ''}")
        fields.add("To", f"<sip:hub@example.test>{f';tag={to_tag}' if to_tag else ''}")
        fields.add("Call-ID", call_id)
        fields.add("CSeq", str(CSeq(number, method)))
        fields.add("Contact", f"<sip:peer@{host}:{port}>")
        for name, value in headers:
            fields.set(name, value)
        request = Request(method, uri, fields)
        if body is not None:
            if "Content-Type" not in fields:
                fields.set("Content-Type", "application/sdp")
            request.body = body.encode()
        self.send(request, to)
        return request

    def inside(
        self,
        method: str,
        invite: Request,
        number: int,
        *,
        body: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Request:
        """A request inside the dialog that our answer (tag "peer") to Alice's INVITE made."""
        to = NameAddr.parse(invite.headers.get("From") or "").tag
        return self.request(
            method, call_id=invite.headers.get("Call-ID") or "", number=number, to_tag=to, body=body, headers=headers
        )
