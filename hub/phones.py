"""Agents' own telephones: the account with which one registers here, and what is kept of its password.

A telephone signs in by digest (RFC 3261 section 22, RFC 8760), which needs a hash of name, realm and password at our
side. Who has that hash can speak as the telephone, so it is sealed with the hub's key and bound to its user: a row that
is copied to somebody else's opens nothing there. The password itself is drawn here, shown once and not kept.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import md5, sha256

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from hub.directory import Directory
from hub.errors import Refused
from hub.model import Millis, PhoneAccount, User
from hub.permissions import Permission, may
from hub.ports import Clock

REALM = "contacthub"
NONCE = 12
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""None that looks like another, and no capitals: it is typed on the keys of a telephone."""
PASSWORD_LENGTH = 20  # of 32 letters each: 100 bits, which nobody guesses
_hashes = msgspec.json.Decoder(dict[str, str])


class PhoneSeen(Struct, frozen=True):
    """One telephone that stands registered at this node: where from, by which transport, and since when."""

    address: str
    transport: str
    since: Millis


class PhoneRules(Struct, frozen=True):
    """Whether telephones may register here at all, and at which of our addresses (`transport:host:port`)."""

    allowed: bool = False
    servers: tuple[str, ...] = ()


class Phones:
    """Makes accounts and knows to whom one belongs.

    The voice channel sets `rules` and `seen`, which tells where a user's telephones are registered at this node.
    """

    def __init__(self, directory: Directory, clock: Clock, secret: bytes) -> None:
        self.rules = PhoneRules()
        self.seen: Callable[[str], list[PhoneSeen]] = lambda user: []
        self._directory, self._clock = directory, clock
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"contact hub phone accounts").derive(secret))
        self._by_name: dict[str, str] | None = None
        directory.on_change(self._changed)

    def make(self, user: User) -> tuple[PhoneAccount, str]:
        """A new account, with the name of the one before, and its password.

        Raises Refused for a user who takes no contacts.
        """
        if not may(user, Permission.CONTACT_HANDLE):
            raise Refused("Only who takes contacts has a telephone.", code="phone.no_agent")
        name = user.phone.username if user.phone is not None else self._free_name()
        password = "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LENGTH))
        nonce = os.urandom(NONCE)
        hashes = msgspec.json.encode(digest_hashes(name, password))
        sealed = nonce + self._cipher.encrypt(nonce, hashes, _owner(user.id, name))
        return PhoneAccount(name, b64encode(sealed).decode(), self._clock.now()), password

    def owner(self, username: str) -> User | None:
        """The user whose telephone has this name, if he may use one."""
        if self._by_name is None:
            users = self._directory.users().values()
            self._by_name = {user.phone.username: user.id for user in users if user.phone is not None}
        user = self._directory.users().get(self._by_name.get(username, ""))
        return user if user is not None and user.phone is not None and may(user, Permission.CONTACT_HANDLE) else None

    def hashes(self, username: str) -> Mapping[str, str] | None:
        """By algorithm, as digests are computed with; None for nobody, and for an account of another key."""
        user = self.owner(username)
        if user is None or user.phone is None:
            return None
        try:
            sealed = b64decode(user.phone.sealed, validate=True)
            return _hashes.decode(self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], _owner(user.id, username)))
        except (InvalidTag, ValueError):
            return None

    def _free_name(self) -> str:
        """Digits, as any telephone can enter them; not the user's own name, which is the first that is guessed."""
        taken = {user.phone.username for user in self._directory.users().values() if user.phone is not None}
        while True:
            name = str(100_000 + secrets.randbelow(900_000))
            if name not in taken:
                return name

    def _changed(self, kind: str, id: str) -> None:
        if kind == "user":
            self._by_name = None


def digest_hashes(username: str, password: str) -> dict[str, str]:
    """H(A1) by algorithm (RFC 7616 section 3.4.2); half of the telephones there are ask for MD5."""
    text = f"{username}:{REALM}:{password}".encode()
    return {"SHA-256": sha256(text).hexdigest(), "MD5": md5(text, usedforsecurity=False).hexdigest()}


def _owner(user: str, username: str) -> bytes:
    return msgspec.json.encode([user, username])
