"""Users, their sessions and bearer tokens."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from hub.errors import Refused
from hub.model import AuditEntry, Millis, Session, Token, User
from hub.store import rows
from hub.store.append import Transaction
from hub.store.configs import changed, check_version
from hub.store.engine import Database
from hub.store.tables import sessions, tokens, users
from hub.store.writer import Writer

_user = msgspec.json.Decoder(User)
_session = msgspec.json.Decoder(Session)
_token = msgspec.json.Decoder(Token)


class SqlAccounts:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def users(self) -> list[User]:
        """In the order of their names."""

        def read(connection: Connection) -> list[User]:
            found = connection.execute(select(users.c.data).order_by(users.c.username)).scalars()
            return [_user.decode(data) for data in found]

        return await self._database.read(read)

    async def user(self, id: str) -> User | None:
        return await self._user(users.c.id == id)

    async def user_by_name(self, username: str) -> User | None:
        return await self._user(users.c.username == username.casefold())

    async def _user(self, condition: ColumnElement[bool]) -> User | None:
        def read(connection: Connection) -> User | None:
            data = connection.execute(select(users.c.data).where(condition)).scalar_one_or_none()
            return None if data is None else _user.decode(data)

        return await self._database.read(read)

    async def put_user(self, user: User, *, version: int | None, actor: str, at: Millis) -> User:
        written = replace(user, version=(version or 0) + 1)
        row = {
            "id": user.id,
            "username": user.username.casefold(),
            "version": written.version,
            "data": rows.pack(written),
        }

        def write(transaction: Transaction) -> User:
            connection = transaction.connection
            data = connection.execute(select(users.c.data).where(users.c.id == user.id)).scalar_one_or_none()
            before = None if data is None else _user.decode(data)
            check_version("user", user.id, version, None if before is None else before.version)
            namesake = select(users.c.id).where(users.c.username == row["username"], users.c.id != user.id)
            if connection.execute(namesake).first() is not None:
                raise Refused("This name is in use.", code="user.exists", details={"username": user.username})
            connection.execute(rows.upsert(transaction.dialect, users), row)
            action = "create" if before is None else "update"
            entry = AuditEntry(
                0, at, actor, action, "user", user.id, None if before is None else _shown(before), _shown(written)
            )
            changed(transaction, entry)
            return written

        return await self._writer.submit(write)

    async def put_session(self, session: Session) -> None:
        row = _session_row(session)
        await self._writer.execute(insert(sessions).values(row))

    async def update_session(self, session: Session) -> bool:
        row = _session_row(session)
        return await self._writer.execute(update(sessions).where(sessions.c.id == session.id).values(row)) == 1

    async def session(self, secret_hash: str) -> Session | None:
        return await self._session(or_(sessions.c.secret_hash == secret_hash, sessions.c.previous_hash == secret_hash))

    async def session_by_id(self, id: str) -> Session | None:
        return await self._session(sessions.c.id == id)

    async def _session(self, condition: ColumnElement[bool]) -> Session | None:
        def read(connection: Connection) -> Session | None:
            data = connection.execute(select(sessions.c.data).where(condition)).scalars().first()
            return None if data is None else _session.decode(data)

        return await self._database.read(read)

    async def delete_session(self, id: str) -> None:
        await self._writer.execute(delete(sessions).where(sessions.c.id == id))

    async def delete_sessions_of(self, user: str, *, keep: str | None = None) -> list[str]:
        ended = delete(sessions).where(sessions.c.user == user).returning(sessions.c.id)
        if keep is not None:
            ended = ended.where(sessions.c.id != keep)
        return await self._writer.submit(lambda transaction: list(transaction.connection.execute(ended).scalars()))

    async def delete_sessions_before(self, seen_before: Millis, created_before: Millis) -> int:
        """Ends those last seen, or made, before these times; returns how many."""
        old = or_(sessions.c.seen_at < seen_before, sessions.c.created_at < created_before)
        return await self._writer.execute(delete(sessions).where(old))

    async def put_token(self, token: Token) -> None:
        rows.check_text(token.name)
        row = {
            "id": token.id,
            "user": token.user,
            "secret_hash": token.secret_hash,
            "created_at": token.created_at,
            "used_at": token.used_at,
            "data": rows.pack(token),
        }
        await self._writer.execute(insert(tokens).values(row))

    async def token_used(self, id: str, at: Millis) -> None:
        await self._writer.execute(update(tokens).where(tokens.c.id == id).values(used_at=at))

    async def token(self, secret_hash: str) -> Token | None:
        found = await self._tokens(tokens.c.secret_hash == secret_hash)
        return found[0] if found else None

    async def tokens(self) -> list[Token]:
        """Newest first."""
        return await self._tokens()

    async def _tokens(self, *conditions: ColumnElement[bool]) -> list[Token]:
        statement = (
            select(tokens.c.data, tokens.c.used_at)
            .where(*conditions)
            .order_by(tokens.c.created_at.desc(), tokens.c.id.desc())
        )

        def read(connection: Connection) -> list[Token]:
            return [replace(_token.decode(data), used_at=used_at) for data, used_at in connection.execute(statement)]

        return await self._database.read(read)

    async def delete_token(self, id: str) -> bool:
        return await self._writer.execute(delete(tokens).where(tokens.c.id == id)) == 1


def _session_row(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "user": session.user,
        "secret_hash": session.secret_hash,
        "previous_hash": session.previous_hash,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "data": rows.pack(session),
    }


def _shown(user: User) -> dict[str, Any]:
    """The user as the audit log shows him."""
    shown: dict[str, Any] = msgspec.to_builtins(user)
    del shown["password_hash"]
    if user.phone is not None:
        del shown["phone"]["sealed"]
    return shown
