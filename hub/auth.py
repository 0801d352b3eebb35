"""Who somebody is: sign-in, sessions of browsers, bearer tokens. What he may do is in `hub/permissions.py`."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hub.attempts import Attempts
from hub.errors import Forbidden, HubError, InvalidInput, NotFound, NotSignedIn, RateLimited, Refused, VersionConflict
from hub.ids import new_id
from hub.model import AuditEntry, Millis, PhoneAccount, Role, Session, Token, User
from hub.passwords import Passwords
from hub.ports import Bus, Clock, Store

_TOKEN_MARK = "cht_"  # noqa: S105 - what our tokens begin with, so that scanners for leaked secrets can find them
_SEEN_STEP_MS = 60_000  # how coarsely the last use of a session or token is written
_WRONG = "The user name or the password is wrong."


class AuthSettings(Struct, frozen=True):
    """How long things last, in seconds, and what a password must be."""

    idle_s: int = 8 * 3600
    absolute_s: int = 24 * 3600
    rotate_s: int = 2 * 3600
    overlap_s: int = 60
    shortest_password: int = 8
    free_attempts_per_user: int = 5
    free_attempts_per_address: int = 20


class SignedIn(Struct, frozen=True):
    """Who makes a request: `session` is None when he showed a bearer token, and then `token` is not."""

    user: User
    session: Session | None = None
    token: Token | None = None


def digest(secret: str) -> str:
    """What is stored of a secret of 256 random bits: nothing slower is needed, there is nothing to guess."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Auth:
    """Signs in and out and tells who a cookie or a token belongs to.

    `on_revoked` holds functions that are called at once with the ids of sessions that ended, so that their sockets can
    be cut without waiting for the next request.
    """

    def __init__(self, store: Store, clock: Clock, settings: AuthSettings | None = None) -> None:
        self._store, self._clock = store, clock
        self.settings = settings or AuthSettings()
        self.passwords = Passwords(shortest=self.settings.shortest_password)
        self.on_revoked: list[Callable[[Sequence[str]], None]] = []
        self._bus: Bus | None = None
        # A name is held for a minute at most, so that a stranger cannot keep its owner out.
        self._by_name = Attempts(free=self.settings.free_attempts_per_user, limit_ms=60_000)
        self._by_address = Attempts(free=self.settings.free_attempts_per_address)

    def share(self, bus: Bus) -> None:
        """From now on `on_revoked` hears of sessions that end at other nodes, and guesses made there count here."""
        self._bus = bus
        bus.subscribe("revoked", lambda message: self._tell_revoked(message["sessions"]))
        bus.subscribe("attempts", self._heard_attempt)

    def _heard_attempt(self, message: Mapping[str, Any]) -> None:
        if self._bus is None or message["node"] == self._bus.node:
            return
        name, address = str(message["name"]), str(message["address"])
        if message["failed"]:
            self._by_name.begin(name, self._clock.now())
            self._by_address.begin(address, self._clock.now())
        else:
            self._by_name.clear(name)

    async def _tell_attempt(self, name: str, address: str, *, failed: bool) -> None:
        if self._bus is not None and self._bus.shared:
            message = {"node": self._bus.node, "name": name, "address": address, "failed": failed}
            await self._bus.publish("attempts", message)

    # --- signing in and out ---------------------------------------------------------------------------------------

    async def sign_in(self, username: str, password: str, address: str, user_agent: str) -> tuple[Session, str]:
        """The new session and the secret for its cookie.

        Raises NotSignedIn `auth.failed` for a wrong name, a wrong password and a disabled user alike, after the same
        time; RateLimited when the name or the address has failed too often.
        """
        now = self._clock.now()
        name, address = username.strip().casefold()[:200], address[:100]
        if wait := max(self._by_name.wait(name, now), self._by_address.wait(address, now)):
            raise RateLimited(wait, "Too many attempts. Please wait before you try again.")
        self._by_name.begin(name, now)
        self._by_address.begin(address, now)
        try:
            user = await self._store.accounts.user_by_name(name) if name else None
            right, renewed = await self.passwords.verify(user.password_hash if user else "", password)
        except HubError:
            # Nobody was told whether the password is right, so it was no attempt.
            self._by_name.give_back(name)
            self._by_address.give_back(address)
            raise
        if user is None or not right or user.disabled:
            await self._audit(user.id if user else "", "auth.failed", user.id if user else "", {"address": address})
            await self._tell_attempt(name, address, failed=True)
            raise NotSignedIn(_WRONG, code="auth.failed")
        self._by_name.clear(name)
        self._by_address.give_back(address)
        await self._tell_attempt(name, address, failed=False)
        if renewed:
            # Somebody edits the user at this moment: the next sign-in renews the hash.
            with suppress(VersionConflict):
                await self._store_hash(user, renewed, user.id)
        secret = secrets.token_urlsafe(32)
        session = Session(
            id=new_id("se", now),
            user=user.id,
            secret_hash=digest(secret),
            csrf=secrets.token_urlsafe(24),
            created_at=now,
            seen_at=now,
            rotated_at=now,
            address=address,
            user_agent=_printable(user_agent, 300),
        )
        await self._store.accounts.put_session(session)
        await self._audit(user.id, "auth.signed_in", user.id, {"session": session.id, "address": address})
        return session, secret

    async def sign_out(self, session: Session) -> None:
        await self._store.accounts.delete_session(session.id)
        await self._revoked([session.id])
        await self._audit(session.user, "auth.signed_out", session.user, {"session": session.id})

    async def sign_out_everywhere(self, user: str, *, by: str = "", keep: str | None = None) -> list[str]:
        """Ends all sessions of the user, except the one with the id `keep`; returns the ids of the ended ones."""
        ended = await self._store.accounts.delete_sessions_of(user, keep=keep)
        if ended:
            await self._revoked(ended)
            await self._audit(by or user, "auth.signed_out_everywhere", user, {"sessions": len(ended)})
        return ended

    # --- sessions -------------------------------------------------------------------------------------------------

    async def by_cookie(self, secret: str | None) -> SignedIn:
        """Raises NotSignedIn (code `auth.required`, or `auth.expired` for a session that was too old)."""
        if not secret or len(secret) > 100:
            raise NotSignedIn("Please sign in.")
        hashed = digest(secret)
        session = await self._store.accounts.session(hashed)
        if session is None:
            raise NotSignedIn("Please sign in.")
        overlap_ends = session.rotated_at + self.settings.overlap_s * 1000
        if session.secret_hash != hashed and self._clock.now() > overlap_ends:
            # Either a request that was under way for very long or a stolen cookie: nobody else is signed out for it.
            raise NotSignedIn("Please sign in.")
        return await self._living(session)

    async def by_session_id(self, id: str) -> SignedIn:
        """For a socket that lives on: the session's user as he is now. Counts as use. Raises as `by_cookie`."""
        session = await self._store.accounts.session_by_id(id)
        if session is None:
            raise NotSignedIn("Please sign in.")
        return await self._living(session)

    async def rotate(self, session: Session) -> str | None:
        """A new secret for the session's cookie when the present one has been in use for long, else None."""
        now = self._clock.now()
        if now - session.rotated_at < self.settings.rotate_s * 1000:
            return None
        current = await self._store.accounts.session_by_id(session.id)
        if current is None or current.rotated_at != session.rotated_at:
            return None
        secret = secrets.token_urlsafe(32)
        renewed = replace(
            current, secret_hash=digest(secret), previous_hash=current.secret_hash, rotated_at=now, seen_at=now
        )
        return secret if await self._store.accounts.update_session(renewed) else None

    async def sweep(self) -> int:
        """Forgets the sessions that have expired; returns how many."""
        now = self._clock.now()
        return await self._store.accounts.delete_sessions_before(
            now - self.settings.idle_s * 1000, now - self.settings.absolute_s * 1000
        )

    def check_csrf(self, session: Session, given: str | None) -> None:
        """Raises Forbidden `auth.csrf` unless `given` is the session's token."""
        if not given or not hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "surrogatepass")):
            raise Forbidden("This page is out of date. Please load it again.", code="auth.csrf")

    async def _living(self, session: Session) -> SignedIn:
        now = self._clock.now()
        idle_over = session.seen_at + self.settings.idle_s * 1000
        if now >= min(idle_over, session.created_at + self.settings.absolute_s * 1000):
            await self._store.accounts.delete_session(session.id)
            await self._revoked([session.id])
            raise NotSignedIn("You were signed out because the session was too old.", code="auth.expired")
        user = await self._store.accounts.user(session.user)
        if user is None or user.disabled:
            raise NotSignedIn("Please sign in.")
        if now - session.seen_at >= _SEEN_STEP_MS:
            # Read again: writing back what was read before could undo a rotation.
            current = await self._store.accounts.session_by_id(session.id)
            session = replace(current or session, seen_at=now)
            if not await self._store.accounts.update_session(session):
                raise NotSignedIn("Please sign in.")
        return SignedIn(user, session=session)

    # --- bearer tokens --------------------------------------------------------------------------------------------

    async def create_token(
        self, user: User, name: str, *, by: str, expires_at: Millis | None = None
    ) -> tuple[Token, str]:
        """A token with the permissions of `user`, and its secret, which is shown this once."""
        now = self._clock.now()
        if user.disabled:
            raise Refused("This user is disabled.", code="user.disabled")
        if expires_at is not None and expires_at <= now:
            raise InvalidInput("expires_at", "expected a time in the future")
        secret = _TOKEN_MARK + secrets.token_urlsafe(32)
        token = Token(new_id("to", now), user.id, name, digest(secret), now, expires_at=expires_at)
        await self._store.accounts.put_token(token)
        await self._audit(by, "token.created", token.id, {"user": user.id, "name": name}, kind="token")
        return token, secret

    async def delete_token(self, id: str, *, by: str) -> None:
        if not await self._store.accounts.delete_token(id):
            raise NotFound("token", id)
        await self._audit(by, "token.deleted", id, None, kind="token")

    async def by_token(self, secret: str) -> SignedIn:
        """Raises NotSignedIn for an unknown or expired token and for one of a disabled user."""
        refused = NotSignedIn("This token is not valid.", code="auth.token")
        if not secret.startswith(_TOKEN_MARK) or len(secret) > 100:
            raise refused
        token = await self._store.accounts.token(digest(secret))
        now = self._clock.now()
        if token is None or (token.expires_at is not None and now >= token.expires_at):
            raise refused
        user = await self._store.accounts.user(token.user)
        if user is None or user.disabled:
            raise refused
        if token.used_at is None or now - token.used_at >= _SEEN_STEP_MS:
            await self._store.accounts.token_used(token.id, now)
        return SignedIn(user, token=token)

    # --- passwords and users --------------------------------------------------------------------------------------

    async def change_password(self, user: User, old: str, new: str, *, keep: str | None = None) -> None:
        """The user's own change: asks for the old password, ends his sessions except `keep`."""
        now = self._clock.now()
        name = user.username.casefold()
        if wait := self._by_name.wait(name, now):
            raise RateLimited(wait, "Too many attempts. Please wait before you try again.")
        self._by_name.begin(name, now)
        right, _ = await self.passwords.verify(user.password_hash, old)
        if not right:
            raise InvalidInput("old", "expected your present password")
        self._by_name.clear(name)
        await self.set_password(user, new, by=user.id, keep=keep)

    async def set_password(self, user: User, new: str, *, by: str, keep: str | None = None) -> User:
        """Sets the password and ends the user's sessions except `keep`. Raises InvalidInput for a bad one."""
        self.passwords.check(new, user.username)
        changed = await self._store_hash(user, await self.passwords.hash(new), by)
        await self._audit(by, "user.password_changed", user.id, None)
        await self.sign_out_everywhere(user.id, by=by, keep=keep)
        return changed

    async def set_phone(self, user: User, phone: PhoneAccount | None, *, by: str) -> User:
        """Gives the user a telephone's account in the place of the one before, or takes it from him."""
        changed = await self._store.accounts.put_user(
            replace(user, phone=phone), version=user.version, actor=by, at=self._clock.now()
        )
        if phone is not None or user.phone is not None:
            action = "user.phone_removed" if phone is None else "user.phone_made"
            name = (phone or user.phone or PhoneAccount("", "", 0)).username
            await self._audit(by, action, user.id, {"username": name})
        return changed

    async def create_user(self, user: User, password: str | None, *, by: str) -> User:
        """Stores a new user; without a password he cannot sign in until he gets one."""
        if password is not None:
            self.passwords.check(password, user.username)
            user = replace(user, password_hash=await self.passwords.hash(password))
        return await self._store.accounts.put_user(user, version=None, actor=by, at=self._clock.now())

    async def change_user(self, user: User, *, version: int, by: str) -> User:
        """Stores `user` over his row. His sessions end when he is disabled or his role changed.

        Raises VersionConflict, and Refused `user.last_administrator` when nobody could administer the hub afterwards.
        """
        before = await self._store.accounts.user(user.id)
        if before is None:
            raise NotFound("user", user.id)
        if _administers(before) and not _administers(user):
            others = [u for u in await self._store.accounts.users() if u.id != user.id and _administers(u)]
            if not others:
                raise Refused(
                    "This is the last administrator. Make somebody else one first.", code="user.last_administrator"
                )
        changed = await self._store.accounts.put_user(user, version=version, actor=by, at=self._clock.now())
        if changed.disabled or changed.role != before.role:
            await self.sign_out_everywhere(user.id, by=by)
        return changed

    async def _store_hash(self, user: User, hashed: str, by: str) -> User:
        changed = replace(user, password_hash=hashed)
        return await self._store.accounts.put_user(changed, version=user.version, actor=by, at=self._clock.now())

    async def _revoked(self, ids: Sequence[str]) -> None:
        if self._bus is None:
            self._tell_revoked(ids)
        else:
            await self._bus.publish("revoked", {"sessions": list(ids)})

    def _tell_revoked(self, ids: Sequence[str]) -> None:
        for callback in self.on_revoked:
            callback(ids)

    async def _audit(
        self, actor: str, action: str, row: str, after: dict[str, object] | None, *, kind: str = "user"
    ) -> None:
        await self._store.configs.audit(AuditEntry(0, self._clock.now(), actor, action, kind, row, None, after))


def _administers(user: User) -> bool:
    return user.role is Role.ADMINISTRATOR and not user.disabled


def _printable(text: str, longest: int) -> str:
    return "".join(character for character in text[:longest] if character.isprintable())
