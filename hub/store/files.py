"""The rows of uploaded files."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, func, insert, select, update

from hub.model import Millis, Scanned, StoredFile
from hub.store.append import file_row
from hub.store.engine import Database
from hub.store.tables import files
from hub.store.writer import Writer

_file = msgspec.json.Decoder(StoredFile)


class SqlFiles:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def put(self, file: StoredFile) -> None:
        await self._writer.execute(insert(files).values(file_row(file)))

    async def get(self, id: str) -> StoredFile | None:
        def read(connection: Connection) -> StoredFile | None:
            data = connection.execute(select(files.c.data).where(files.c.id == id)).scalar_one_or_none()
            return None if data is None else _file.decode(data)

        return await self._database.read(read)

    async def bytes_since(self, uploader: str, since: Millis) -> int:
        statement = select(func.coalesce(func.sum(files.c.size), 0)).where(
            files.c.uploader == uploader, files.c.created_at >= since
        )
        return await self._database.read(lambda connection: int(connection.execute(statement).scalar_one()))

    async def set_scan(self, id: str, scanned: Scanned) -> None:
        known = await self.get(id)
        if known is not None:
            # Nothing else of a file's row ever changes.
            data = file_row(replace(known, scan=scanned.scan, threat=scanned.threat))["data"]
            await self._writer.execute(update(files).where(files.c.id == id).values(data=data))
