"""Short-lived TURN credentials that coturn checks by itself (`use-auth-secret`, `static-auth-secret`).

draft-uberti-behave-turn-rest-00: the user name is "expiry:name" (seconds since 1970), the password
base64(HMAC-SHA1(secret, user name)). The server shares only the secret with us and keeps no users.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from msgspec import Struct

from hub.errors import InvalidInput
from webrtc.settings import IceServer


class TurnSettings(Struct, frozen=True):
    """`urls`: `turn:host:port?transport=udp`, `turns:host:port?transport=tcp`; `secret` is coturn's static-auth-secret.

    `realm` must be coturn's; clients learn it from the server, we only name it in what administrators are shown.
    `lifetime_s`: how long a call may begin or move to another address with its credentials. coturn checks them at each
    refresh of an allocation, so it has to outlast the longest call.
    """

    urls: tuple[str, ...]
    secret: str
    realm: str = ""
    lifetime_s: int = 43_200


def credentials(settings: TurnSettings, name: str, now: float) -> IceServer:
    """What one party of one call gets. `name` says who in coturn's log; `now` in seconds since 1970."""
    if not settings.secret:
        raise InvalidInput("turn.secret", "expected coturn's static-auth-secret")
    if ":" in name or not name.isascii():
        raise InvalidInput("turn.name", "expected ASCII without a colon")
    username = f"{int(now) + settings.lifetime_s}:{name}"
    digest = hmac.new(settings.secret.encode(), username.encode(), hashlib.sha1).digest()
    return IceServer(urls=settings.urls, username=username, credential=base64.b64encode(digest).decode())


def for_browser(servers: tuple[IceServer, ...]) -> list[dict[str, object]]:
    """As RTCPeerConnection's `iceServers` wants them."""
    told: list[dict[str, object]] = []
    for server in servers:
        entry: dict[str, object] = {"urls": list(server.urls)}
        if server.username:
            entry |= {"username": server.username, "credential": server.credential}
        told.append(entry)
    return told
