"""Reply tokens: the secret by which an answer finds its contact, in our Message-IDs and Reply-To addresses.

A token is what follows `ct_` in the contact's id and 16 characters (80 bits) of an HMAC over the id. It stands on the
left of the @ of addresses, where servers may change case and cut long names: it is read in any case, and keeps
`support+token` within the 64 characters of RFC 5321.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from hashlib import sha256

_PREFIX = "ct_"
_PROOF = 16
_TOKEN = re.compile(rf"([0-9a-z]{{1,32}}?)([a-z2-7]{{{_PROOF}}})", re.ASCII)
LOCAL_LIMIT = 64


def _proof(contact: str, secret: bytes) -> str:
    digest = hmac.new(secret, b"mail.reply\0" + contact.encode(), sha256).digest()
    return b32encode(digest[: _PROOF * 5 // 8]).decode().lower()


def make_token(contact: str, secret: bytes) -> str:
    """The token of a contact, whose id is as `hub.ids` makes them."""
    return contact.removeprefix(_PREFIX) + _proof(contact, secret)


def contact_of(token: str, secret: bytes) -> str | None:
    """The contact whose token this is; None for anything else. Takes as long for a wrong one as for a right one."""
    match = _TOKEN.fullmatch(token.lower())
    if match is None:
        return None
    contact = _PREFIX + match[1]
    return contact if hmac.compare_digest(_proof(contact, secret), match[2]) else None


def message_id(token: str, unique: str, domain: str) -> str:
    """A Message-ID of ours, without brackets; `unique` is of letters and digits, one for each mail."""
    return f"{token}.{unique}@{domain}"


def contact_of_message_id(id: str, secret: bytes) -> str | None:
    """The contact of a Message-ID (in brackets or not) if we made it; its domain does not matter, the proof does."""
    local = id.strip().removeprefix("<").removesuffix(">").rpartition("@")[0]
    return contact_of(local.partition(".")[0], secret)


def reply_address(address: str, token: str) -> str:
    """`address` with the token after a plus; as it is when that would be longer than a mailbox's name may be."""
    local, _, domain = address.rpartition("@")
    plus = f"{local.partition('+')[0]}+{token}"
    return f"{plus}@{domain}" if len(plus) <= LOCAL_LIMIT else address


def contact_of_address(address: str, secret: bytes) -> str | None:
    """The contact that the plus part of an address leads to."""
    local = address.rpartition("@")[0]
    return contact_of(local.partition("+")[2], secret)
