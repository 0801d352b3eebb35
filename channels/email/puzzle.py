"""Proof of work for a form that anybody may fill in: nothing for one person, dear for who fills in thousands.

A puzzle is signed, so nothing is kept of those that are given out. It is solved by a counter for which the SHA-256 of
`nonce.counter` begins with as many zero bits as it asks for (Back, "Hashcash", 2002): to solve it takes 2^bits tries,
to check it takes one.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from hashlib import sha256

import msgspec
from msgspec import Struct

from hub.model import Millis

EASY = 15  # some 30 000 tries: a tenth of a second
HARD = 20  # some seconds on a telephone; nobody is to wait longer for the sake of those who flood
LOAD_MS = 10 * 60_000
USUAL = 20
"""So many forms within `LOAD_MS` are no load; each doubling beyond makes the next puzzle twice as hard."""
_COUNTED = USUAL << (HARD - EASY)
_PROOF = 16
_COUNTER = 2**53


class Puzzle(Struct, frozen=True, array_like=True):
    """`nonce` is in hex and makes the form one of its own; `at` is when the puzzle was given out."""

    nonce: str
    site: str
    at: Millis
    bits: int


def make(site: str, at: Millis, bits: int) -> Puzzle:
    return Puzzle(secrets.token_hex(16), site, at, bits)


def _proof(payload: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, b"form.puzzle\0" + payload, sha256).digest()[:_PROOF]


def seal(puzzle: Puzzle, secret: bytes) -> str:
    """The puzzle as its solver gives it back, of letters, digits, - and _."""
    payload = msgspec.json.encode(puzzle)
    return urlsafe_b64encode(_proof(payload, secret) + payload).rstrip(b"=").decode()


def opened(ticket: str, secret: bytes) -> Puzzle | None:
    """The puzzle of a ticket; None for one that we have not made."""
    try:
        raw = urlsafe_b64decode(ticket.encode("ascii") + b"=" * (-len(ticket) % 4))
        if not hmac.compare_digest(_proof(raw[_PROOF:], secret), raw[:_PROOF]):
            return None
        return msgspec.json.decode(raw[_PROOF:], type=Puzzle)
    except (ValueError, msgspec.MsgspecError):
        return None


def solved(puzzle: Puzzle, counter: int) -> bool:
    if not 0 <= counter < _COUNTER:
        return False
    digest = sha256(f"{puzzle.nonce}.{counter}".encode()).digest()
    return int.from_bytes(digest) >> (256 - puzzle.bits) == 0


class Load:
    """How many forms came lately at this node, and how hard the next puzzle is for it."""

    def __init__(self) -> None:
        self._times: deque[Millis] = deque(maxlen=_COUNTED)

    def came(self, now: Millis) -> None:
        self._times.append(now)

    def bits(self, now: Millis) -> int:
        while self._times and self._times[0] <= now - LOAD_MS:
            self._times.popleft()
        return min(HARD, EASY + max(0, (len(self._times) // USUAL).bit_length()))
