"""Where tokens are kept that a provider gave: sealed in the store, for all nodes and over restarts.

Some providers give a new refresh token with each answer and take the one before no longer. So what came last has to be
there after a restart, and of several nodes only one may ask at a time: whoever asks holds the row for as long.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from hub.mails import KeptToken, Mails
from hub.model import Millis

NONCE = 12


class Tokens(Struct, frozen=True):
    """`until`: so long `access` counts. `named` is the digest of the configured token that `refresh` came of."""

    access: str = ""
    until: Millis = 0
    refresh: str = ""
    named: str = ""


class Held(Struct, frozen=True):
    """What is kept, as of `version`; until `held_until` another one is asking for a new one."""

    tokens: Tokens = Tokens()
    version: int = 0
    held_until: Millis = 0


class Keeper(Protocol):
    async def load(self, id: str) -> Held: ...

    async def save(self, id: str, held: Held) -> bool:
        """Writes it with the next version; False when another one wrote since `held.version` was read."""
        ...


class InMemory:
    """For as long as the process lives: for who asks once (`contacthub check`)."""

    def __init__(self) -> None:
        self._kept: dict[str, Held] = {}

    async def load(self, id: str) -> Held:
        return self._kept.get(id, Held())

    async def save(self, id: str, held: Held) -> bool:
        if (await self.load(id)).version != held.version:
            return False
        self._kept[id] = msgspec.structs.replace(held, version=held.version + 1)
        return True


class InStore:
    """Sealed with the hub's secret and bound to the row: whoever has the database alone has no token."""

    def __init__(self, mails: Mails, secret: bytes) -> None:
        self._mails = mails
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"contact hub mail tokens").derive(secret))

    async def load(self, id: str) -> Held:
        row = await self._mails.token(id)
        if row is None:
            return Held()
        try:
            sealed = b64decode(row.sealed, validate=True)
            plain = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], id.encode())
            tokens = msgspec.json.decode(plain, type=Tokens)
        except (InvalidTag, ValueError):
            tokens = Tokens()  # of another secret, as after a restore elsewhere: the configured one is asked with
        return Held(tokens, row.version, row.held_until)

    async def save(self, id: str, held: Held) -> bool:
        nonce = os.urandom(NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, msgspec.json.encode(held.tokens), id.encode())
        return await self._mails.put_token(KeptToken(id, held.version, held.held_until, b64encode(sealed).decode()))
