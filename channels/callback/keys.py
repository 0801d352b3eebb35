"""What lets a customer see and change his callback without signing in: its secret, and the code that confirms it.

Both are computed from its id, so nothing of them is stored and a mail that is written again says the same.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from hashlib import sha256

_PREFIX = "cb_"
_PROOF = 26  # letters of base32: 130 bits
_TOKEN = re.compile(rf"([0-9a-z]{{1,32}})\.([a-z2-7]{{{_PROOF}}})", re.ASCII)
CODE_DIGITS = 6


def _proof(id: str, secret: bytes) -> str:
    digest = hmac.new(secret, b"callback.token\0" + id.encode(), sha256).digest()
    return b32encode(digest).decode().lower()[:_PROOF]


def make_token(id: str, secret: bytes) -> str:
    """The secret of a callback, of letters, digits and a dot, from which its id can be read."""
    return f"{id.removeprefix(_PREFIX)}.{_proof(id, secret)}"


def callback_of(token: str, secret: bytes) -> str | None:
    """The callback whose secret this is; None for anything else."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    id = _PREFIX + match[1]
    return id if hmac.compare_digest(_proof(id, secret), match[2]) else None


def code_of(id: str, secret: bytes) -> str:
    """The digits that confirm it."""
    digest = hmac.new(secret, b"callback.code\0" + id.encode(), sha256).digest()
    return str(int.from_bytes(digest) % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def is_code(text: str, id: str, secret: bytes) -> bool:
    return hmac.compare_digest(text.encode(), code_of(id, secret).encode())
