"""Ids: a prefix that says what it is, then 26 characters of Crockford's base 32."""

from __future__ import annotations

import hashlib
import secrets

from hub.model import Millis

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]


def _base32(value: int) -> str:
    """The low 130 bits of `value`, most significant first."""
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def make_id(prefix: str, now: Millis, randomness: bytes) -> str:
    """An id that sorts by `now` (48 bits of milliseconds, then 80 bits of `randomness`, 10 bytes)."""
    return f"{prefix}_{_base32((now << 80) | int.from_bytes(randomness[:10]))}"


def new_id(prefix: str, now: Millis) -> str:
    """A fresh id."""
    return make_id(prefix, now, secrets.token_bytes(10))


def derived_id(prefix: str, now: Millis, *parts: str) -> str:
    """The id that these parts always give: what makes a creation idempotent. `now` 0 leaves the time out of it."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return make_id(prefix, now, digest)
