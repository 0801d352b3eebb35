"""The rows of uploaded files."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, insert, select, update

from hub.model import Millis, Scanned, StoredFile
from hub.store.append import file_row
from hub.store.engine import Database
from hub.store.mail_tables import mails
from hub.store.tables import files
from hub.store.writer import Writer

SOME = 200
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

    async def placed(self, prefix: str, before: Millis) -> list[StoredFile]:
        # By comparison, which goes by the index; ":" is followed by ";".
        f = files.c
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        asked = select(f.data).where(f.contact >= prefix, f.contact < end, f.created_at < before)
        asked = asked.order_by(f.contact, f.id).limit(SOME)

        def read(connection: Connection) -> list[StoredFile]:
            return [_file.decode(data) for data in connection.execute(asked).scalars()]

        return await self._database.read(read)

    async def names(self, sha256: str) -> int:
        of_files = select(func.count()).select_from(files).where(files.c.sha256 == sha256)
        named = (mails.c.raw == sha256) | (mails.c.html == sha256)
        of_mails = select(func.count()).select_from(mails).where(named)

        def read(connection: Connection) -> int:
            return int(connection.execute(of_files).scalar_one()) + int(connection.execute(of_mails).scalar_one())

        return await self._database.read(read)

    async def drop(self, id: str) -> None:
        await self._writer.execute(delete(files).where(files.c.id == id))

    async def set_scan(self, id: str, scanned: Scanned) -> None:
        known = await self.get(id)
        if known is not None:
            # Nothing else of a file's row ever changes.
            data = file_row(replace(known, scan=scanned.scan, threat=scanned.threat))["data"]
            await self._writer.execute(update(files).where(files.c.id == id).values(data=data))
