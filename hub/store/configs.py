"""The rows that administrators edit, and the audit log: each edit is in it with who, when, before and after."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from hub.config_rows import SECRETS
from hub.errors import NotFound, Refused, VersionConflict
from hub.events import ConfigChanged
from hub.model import AuditEntry, Millis
from hub.ports import ConfigRow
from hub.store import rows
from hub.store.append import Transaction
from hub.store.engine import Database
from hub.store.tables import audit, config_rows
from hub.store.writer import Writer

c = config_rows.c
_COLUMNS = (c.kind, c.id, c.version, c.updated_at, c.data)
_ROWS = select(*_COLUMNS).where(c.kind == bindparam("kind")).order_by(c.id)
_ROW = select(*_COLUMNS).where(c.kind == bindparam("kind"), c.id == bindparam("id"))

CONFIG_STREAM = "config"
HIDDEN = "***"


def _config_row(row: rows.AnyRow) -> ConfigRow:
    return ConfigRow(row.kind, row.id, row.version, row.updated_at, msgspec.json.decode(row.data))


class SqlConfigs:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def rows(self, kind: str) -> list[ConfigRow]:
        def read(connection: Connection) -> list[ConfigRow]:
            return [_config_row(row) for row in connection.execute(_ROWS, {"kind": kind})]

        return await self._database.read(read)

    async def get(self, kind: str, id: str) -> ConfigRow | None:
        def read(connection: Connection) -> ConfigRow | None:
            row = connection.execute(_ROW, {"kind": kind, "id": id}).one_or_none()
            return None if row is None else _config_row(row)

        return await self._database.read(read)

    async def put(
        self, kind: str, id: str, data: dict[str, Any], *, version: int | None, actor: str, at: Millis
    ) -> ConfigRow:
        rows.check_text(kind, id, actor)
        packed = rows.pack(data)

        def write(transaction: Transaction) -> ConfigRow:
            before = _current(transaction, kind, id)
            check_version(kind, id, version, None if before is None else before.version)
            row = ConfigRow(kind, id, (version or 0) + 1, at, data)
            transaction.connection.execute(
                rows.upsert(transaction.dialect, config_rows),
                {"kind": kind, "id": id, "version": row.version, "updated_at": at, "data": packed},
            )
            action = "create" if before is None else "update"
            entry = AuditEntry(0, at, actor, action, kind, id, None if before is None else before.data, data)
            changed(transaction, entry)
            return row

        return await self._writer.submit(write)

    async def delete(self, kind: str, id: str, *, version: int, actor: str, at: Millis) -> None:
        def write(transaction: Transaction) -> None:
            before = _current(transaction, kind, id)
            if before is None:
                raise NotFound(kind, id)
            check_version(kind, id, version, before.version)
            transaction.connection.execute(delete(config_rows).where(c.kind == kind, c.id == id))
            changed(transaction, AuditEntry(0, at, actor, "delete", kind, id, before.data, None))

        await self._writer.submit(write)

    async def audit(self, entry: AuditEntry) -> None:
        await self._writer.submit(lambda transaction: write_audit(transaction, entry))

    async def audit_log(
        self, *, before: int | None = None, limit: int = 50, kind: str | None = None, row: str | None = None
    ) -> list[AuditEntry]:
        """Newest first."""
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        for condition in (
            None if before is None else audit.c.id < before,
            None if kind is None else audit.c.kind == kind,
            None if row is None else audit.c.row == row,
        ):
            if condition is not None:
                statement = statement.where(condition)

        def read(connection: Connection) -> list[AuditEntry]:
            return [
                AuditEntry(id, at, by, action, kind, changed, _decoded(before), _decoded(after))
                for id, at, by, action, kind, changed, before, after in connection.execute(statement)
            ]

        return await self._database.read(read)


def _decoded(data: str | None) -> dict[str, Any] | None:
    return None if data is None else msgspec.json.decode(data, type=dict[str, Any])


def _current(transaction: Transaction, kind: str, id: str) -> ConfigRow | None:
    row = transaction.connection.execute(_ROW, {"kind": kind, "id": id}).one_or_none()
    return None if row is None else _config_row(row)


def check_version(kind: str, id: str, expected: int | None, current: int | None) -> None:
    """Raises Refused `<kind>.exists`, NotFound or VersionConflict unless the row is as the editor saw it."""
    if expected is None and current is not None:
        raise Refused("There is one with this id already.", code=f"{kind}.exists", details={"id": id})
    if expected is not None and current is None:
        raise NotFound(kind, id)
    if expected != current:
        raise VersionConflict(
            "Somebody else has changed this meanwhile. Please load it again.",
            code=f"{kind}.conflict",
            details={"version": current},
        )


def changed(transaction: Transaction, entry: AuditEntry) -> None:
    """Writes the audit entry of an edit, and its event."""
    write_audit(transaction, entry)
    event = ConfigChanged(kind=entry.kind, row=entry.row, action=entry.action, by=entry.actor)
    transaction.record(CONFIG_STREAM, event, entry.at, entry.actor)


def write_audit(transaction: Transaction, entry: AuditEntry) -> None:
    rows.check_text(entry.actor, entry.action, entry.kind, entry.row)
    transaction.connection.execute(
        insert(audit),
        {
            "at": entry.at,
            "actor": entry.actor,
            "action": entry.action,
            "kind": entry.kind,
            "row": entry.row,
            "before": _without_secrets(entry.kind, entry.before),
            "after": _without_secrets(entry.kind, entry.after),
        },
    )


def _without_secrets(kind: str, data: dict[str, Any] | None) -> str | None:
    if data is None:
        return None
    secrets = SECRETS.get(kind, ())
    return rows.pack({name: HIDDEN if name in secrets and value else value for name, value in data.items()})
