"""Dialogs (RFC 3261 section 12): what two ends know of each other, and how a request inside is addressed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from channels.voice.sip.headers import BadHeader, CSeq, Headers, NameAddr
from channels.voice.sip.message import Request, Response
from channels.voice.sip.uri import BadUri, SipUri
from channels.voice.sip.wire import Destination, Source, Transport, back_to, is_address

DialogKey = tuple[str, str, str]


@dataclass(slots=True)
class Dialog:
    """`local` carries our tag, `remote` the peer's (none before an answer). `target` is the peer's Contact URI.

    `routes` are Route values, first hop first. `seen` is where the peer's last message came from; with `follow`
    requests go there whatever the Contact says (phones behind NAT).
    """

    call_id: str
    local: NameAddr
    remote: NameAddr
    local_seq: int
    remote_seq: int | None
    target: str
    routes: tuple[str, ...]
    seen: Destination
    follow: bool = False

    @property
    def key(self) -> DialogKey:
        return (self.call_id, self.local.tag or "", self.remote.tag or "")

    def request(self, method: str, cseq: int | None = None) -> Request:
        """A request inside the dialog without its Via; `cseq` is given for an ACK only."""
        if cseq is None:
            cseq = self.next_seq()
        uri, routes = self.target, self.routes
        if routes and not _is_loose(routes[0]):
            # A strict router wants to find itself in the Request-URI, and the target at the end.
            uri, routes = NameAddr.parse(routes[0]).uri, (*routes[1:], f"<{self.target}>")
        headers = Headers([("Max-Forwards", "70"), *(("Route", route) for route in routes)])
        headers.add("From", str(self.local))
        headers.add("To", str(self.remote))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", str(CSeq(cseq, method)))
        return Request(method, uri, headers)

    def next_seq(self) -> int:
        self.local_seq += 1
        return self.local_seq

    def next_hop(self) -> Destination:
        if self.follow:
            return self.seen
        hop = NameAddr.parse(self.routes[0]).uri if self.routes else self.target
        return destination_of(hop, self.seen)

    def in_order(self, number: int) -> bool:
        """Note the number of a new request of the peer; False if it comes too late (RFC 3261 section 12.2.2)."""
        if self.remote_seq is not None and number < self.remote_seq:
            return False
        self.remote_seq = number
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """The peer's Contact in a target refresh request or in its 2xx."""
        target = contact_uri(message)
        if target is not None:
            self.target = target


def called(invite: Request, response: Response, source: Source, *, follow: bool) -> Dialog:
    """The dialog that a response with a To tag makes of our INVITE."""
    headers = invite.headers
    return Dialog(
        call_id=headers.get("Call-ID") or "",
        local=NameAddr.parse(headers.get("From") or ""),
        remote=NameAddr.parse(response.headers.get("To") or ""),
        local_seq=CSeq.parse(headers.get("CSeq") or "").number,
        remote_seq=None,
        target=contact_uri(response) or invite.uri,
        routes=tuple(reversed(response.headers.all("Record-Route"))),
        seen=back_to(source),
        follow=follow,
    )


def calling(invite: Request, source: Source, tag: str, *, follow: bool) -> Dialog:
    """The dialog of a peer's INVITE that we answer with `tag`. Raises BadHeader without a Contact."""
    headers = invite.headers
    target = contact_uri(invite)
    if target is None:
        raise BadHeader("no Contact")
    return Dialog(
        call_id=headers.get("Call-ID") or "",
        local=NameAddr.parse(headers.get("To") or "").with_tag(tag),
        remote=NameAddr.parse(headers.get("From") or ""),
        local_seq=0,
        remote_seq=CSeq.parse(headers.get("CSeq") or "").number,
        target=target,
        routes=tuple(headers.all("Record-Route")),
        seen=back_to(source),
        follow=follow,
    )


def contact_uri(message: Request | Response) -> str | None:
    contact = message.headers.get("Contact")
    if contact is None or contact == "*":
        return None
    return NameAddr.parse(contact).uri


def destination_of(uri: str, seen: Destination) -> Destination:
    """Where a URI points (RFC 3263 without its look-ups): `seen` gives what the URI leaves open.

    A dialog that began over TLS stays there. A URI that says no host (tel, mailto) leads back to where the peer is.
    """
    try:
        parsed = SipUri.parse(uri)
    except BadUri:
        return seen
    if not parsed.host:
        return seen
    transport: Transport = seen.transport
    if transport != "tls":
        match parsed.transport:
            case "tls":
                transport = "tls"
            case "tcp":
                transport = "tcp"
            case "udp":
                transport = "udp"
        if parsed.scheme == "sips":
            transport = "tls"
    port = parsed.port or (_default_port(transport) if is_address(parsed.host) else 0)
    # UDP goes out by the same socket; a connection is used again for the host at its other end.
    same = transport == seen.transport and (transport == "udp" or parsed.host == seen.host)
    return Destination(transport, parsed.host, port, seen.flow if same else None, seen.peer)


def without_tag(party: NameAddr) -> NameAddr:
    return replace(party, params={name: value for name, value in party.params.items() if name != "tag"})


def _default_port(transport: Transport) -> int:
    return 5061 if transport == "tls" else 5060


def _is_loose(route: str) -> bool:
    uri = NameAddr.parse(route).sip_uri
    return uri is not None and uri.loose
