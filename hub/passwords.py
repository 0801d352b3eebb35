"""Passwords: argon2id, computed in threads, a few at a time: sign-ins can neither stop the loop nor eat the memory."""

from __future__ import annotations

import asyncio
import unicodedata
from base64 import b64encode
from secrets import token_bytes

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.errors import InvalidInput, Unavailable

# OWASP's first recommendation for argon2id (19 MiB, one lane) with one pass more.
HASHER = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)
LONGEST = 1000
_AT_ONCE = 2
_MOST_WAITING = 200


class Passwords:
    """Hashes and verifies. `shortest` is the least length of a new password."""

    def __init__(self, *, shortest: int = 8, hasher: PasswordHasher = HASHER) -> None:
        self._shortest = shortest
        self._hasher = hasher
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        # Verified against when there is no such user, so that the answer takes as long.
        self._nobody = _hash_of_nothing(hasher)

    def check(self, password: str, username: str = "") -> None:
        """Raises InvalidInput for a password that nobody should have."""
        if len(password) < self._shortest:
            raise InvalidInput("password", f"expected at least {self._shortest} characters")
        if len(password) > LONGEST:
            raise InvalidInput("password", f"expected at most {LONGEST} characters")
        if username and password.casefold() == username.casefold():
            raise InvalidInput("password", "expected something other than the user name")

    async def hash(self, password: str) -> str:
        return await self._run(_Work(self._hasher, password, None))

    async def verify(self, stored: str, password: str) -> tuple[bool, str | None]:
        """Whether `password` is the one of `stored`, and a new hash when the parameters have changed.

        An empty `stored` has no password; finding that out takes as long.
        """
        if len(password) > LONGEST:
            password = ""
        work = _Work(self._hasher, password, stored or self._nobody)
        renewed = await self._run(work)
        return work.right and bool(stored), renewed or None

    async def _run(self, work: _Work) -> str:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable("Too many people are signing in just now. Please try again in a moment.")
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work.run)
        finally:
            self._waiting -= 1


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """A hash with the hasher's own parameters that no password has."""

    def drawn(length: int) -> str:
        return b64encode(token_bytes(length)).decode().rstrip("=")

    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${drawn(hasher.salt_len)}${drawn(hasher.hash_len)}"


class _Work:
    """One computation for a thread: a hash, or the verification against `stored`."""

    def __init__(self, hasher: PasswordHasher, password: str, stored: str | None) -> None:
        self._hasher, self._stored = hasher, stored
        # The same letters typed on different keyboards are the same password.
        self._password = unicodedata.normalize("NFC", password)
        self.right = False

    def run(self) -> str:
        """The hash, or the renewed hash of a right password (empty when the old one is good)."""
        if self._stored is None:
            return self._hasher.hash(self._password)
        try:
            self.right = self._hasher.verify(self._stored, self._password)
        except (VerificationError, InvalidHashError):
            return ""
        return self._hasher.hash(self._password) if self._hasher.check_needs_rehash(self._stored) else ""
