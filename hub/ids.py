"""Ids: a prefix that names the kind, and 26 characters of which the first ten are the time, so that they sort by age."""

from __future__ import annotations

import secrets

from hub.model import Millis

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str, now: Millis) -> str:
    """A new id such as `ct_01jd6q...`: Crockford's base 32 (lower case) of 48 bits of time and 80 random bits."""
    number = now << 80 | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
