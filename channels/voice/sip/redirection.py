"""Where a 3xx sends a call of ours (RFC 3261 section 8.1.3.4): the Contacts in their order, few of them, none twice.

Whoever may answer our calls could otherwise send them anywhere, at our cost; so each URI is judged first.
"""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.sip.headers import BadHeader, NameAddr
from channels.voice.sip.message import Response
from channels.voice.sip.uri import BadUri, SipUri

MOST_TARGETS = 5
MOST_DEPTH = 3
LONGEST_URI = 500


class Redirections:
    """Of one call that goes to `uri`. `refused` is the host of the last target that was not allowed."""

    def __init__(self, uri: str, allowed: Callable[[str], bool] | None) -> None:
        self._allowed = allowed
        self._seen = {uri}
        self._waiting: list[str] = []
        self._depth = 0
        self.refused: str | None = None

    def learn(self, response: Response) -> None:
        """The Contacts of a 3xx, best first, before those that are still waiting."""
        self._depth += 1
        if self._allowed is None or self._depth > MOST_DEPTH:
            return
        fresh: list[str] = []
        for uri in contacts(response):
            if uri in self._seen or len(self._seen) > MOST_TARGETS:
                continue
            self._seen.add(uri)
            if self._allowed(uri):
                fresh.append(uri)
            else:
                self.refused = SipUri.parse(uri).host
        self._waiting = [*fresh, *self._waiting]

    def next(self) -> str | None:
        return self._waiting.pop(0) if self._waiting else None


def contacts(response: Response) -> list[str]:
    """SIP URIs of the Contacts as a Request-URI can have them, by falling q (1 without one)."""
    found: list[tuple[float, str]] = []
    for text in response.headers.all("Contact"):
        try:
            contact = NameAddr.parse(text)
            uri = SipUri.parse(contact.uri)
        except (BadHeader, BadUri):
            continue
        if uri.scheme not in ("sip", "sips") or not uri.host or len(contact.uri) > LONGEST_URI:
            continue
        params = {name: value for name, value in uri.params.items() if name != "method"}
        found.append((_quality(contact.params.get("q")), str(SipUri(uri.scheme, uri.user, uri.host, uri.port, params))))
    return [uri for _, uri in sorted(found, key=lambda pair: -pair[0])]


def _quality(text: str | None) -> float:
    try:
        return min(max(float(text or "1"), 0.0), 1.0)
    except ValueError:
        return 0.0
