"""The pictures of a shared page on their way: which viewer waits for which, by the hash of its bytes.

Pure. Changes of the page name pictures by their hashes; a viewer asks for those that it has not seen yet, and the page
sends each. So a picture goes once to each viewer, a viewer that cannot keep up asks for no more, and nothing is kept
here but who waits for what. Times are milliseconds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from hub.errors import InvalidInput, TooLarge
from hub.model import Millis

LARGEST_PICTURE: Final = 192 * 1024
MOST_WANTED: Final = 32  # that one viewer waits for at a time
AGAIN_MS: Final = 4_000
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class Picture(Struct, frozen=True):
    """`hash` is the SHA-256 of `body`, in hexadecimal."""

    hash: str
    body: bytes


def check(picture: Picture) -> None:
    """Raises InvalidInput or TooLarge for what no page of ours sends: other kinds, or bytes of another name."""
    if len(picture.body) > LARGEST_PICTURE:
        raise TooLarge(f"A picture has at most {LARGEST_PICTURE} bytes.")
    body = picture.body
    webp = body[:4] == b"RIFF" and body[8:12] == b"WEBP"
    if not (webp or body.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"))):
        raise InvalidInput("body", "expected a PNG, JPEG or WebP picture")
    if hashlib.sha256(body).hexdigest() != picture.hash:
        raise InvalidInput("hash", "expected the SHA-256 of the body")


@dataclass(slots=True)
class Wants:
    """What the viewers of one sharing wait for."""

    _waiting: dict[str, dict[str, Millis]] = field(default_factory=dict)  # by hash: viewers and when they asked
    _asked: dict[str, Millis] = field(default_factory=dict)  # by hash: when the page was

    def want(self, viewer: str, hashes: Iterable[str], now: Millis) -> list[str]:
        """Which of them the page is to be asked for now. What a viewer has waited for too long it may ask for again."""
        ask = []
        for name in hashes:
            if not _HASH.fullmatch(name):
                continue
            waiting = self._waiting.setdefault(name, {})
            if viewer not in waiting and self._wanted(viewer) >= MOST_WANTED:
                self._drop(name)
                continue
            waiting[viewer] = now
            if now - self._asked.get(name, -AGAIN_MS) >= AGAIN_MS:
                self._asked[name] = now
                ask.append(name)
        return ask

    def take(self, picture: Picture) -> list[str]:
        """The viewers that get it; nobody where nobody asked."""
        self._asked.pop(picture.hash, None)
        return list(self._waiting.pop(picture.hash, ()))

    def leave(self, viewer: str) -> None:
        for name, waiting in list(self._waiting.items()):
            waiting.pop(viewer, None)
            self._drop(name)

    def _wanted(self, viewer: str) -> int:
        return sum(viewer in waiting for waiting in self._waiting.values())

    def _drop(self, name: str) -> None:
        if not self._waiting.get(name):
            self._waiting.pop(name, None)
            self._asked.pop(name, None)
