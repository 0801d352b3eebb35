"""A whole hub in one archive, the same for both databases: a site moves from SQLite to PostgreSQL by it.

The archive is a ZIP file with `tables/<name>.jsonl` (a line of column names, then a line of values for each row),
`files/` and `thumbs/` under the hash of their content, and `manifest.json` with the schema, and the number of rows and
the SHA-256 of each table. What search finds things by is not in it; it is made anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, MetaData, column, func, insert, inspect, select, table, text, union

from hub.errors import Refused
from hub.ports import FilePlaces
from hub.store.engine import Database
from hub.store.schema import current_schema, migrate
from hub.store.search import index_everything
from hub.store.tables import metadata, search_docs

FORMAT = 1
_BATCH = 1000
_BLOCK = 1024 * 1024
# Tables whose ids the database counts up.
_COUNTED = ("audit",)

Progress = Callable[[int, int], None]


class TableEntry(Struct, frozen=True):
    rows: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What an archive holds. `missing` are files that the hub knew but whose content was not on the disk."""

    format: int
    schema: str
    seq: int
    tables: dict[str, TableEntry]
    files: list[str]
    thumbs: list[str]
    missing: list[str]


def dump(connection: Connection, target: Path, files: FilePlaces | None, progress: Progress | None) -> Manifest:
    """Writes all that the connection's transaction sees to `target`, which is there only when it is complete.

    `progress` is called (in a thread) with what is done and what there is to do, in rows and files.
    """
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
                manifest = _Dump(connection, archive, files, progress).run()
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return manifest


class _Dump:
    def __init__(
        self, connection: Connection, archive: zipfile.ZipFile, files: FilePlaces | None, progress: Progress | None
    ) -> None:
        self._connection = connection
        self._archive = archive
        self._files = files
        self._progress = progress
        self._tables = [t for t in metadata.sorted_tables if t is not search_docs]
        self._done = 0
        self._total = 0

    def run(self) -> Manifest:
        run = self._connection.execute
        self._total = sum(run(select(func.count()).select_from(t)).scalar_one() for t in self._tables)
        contents: list[str] = []
        if self._files is not None:
            files, mails = metadata.tables["files"].c, metadata.tables["mails"].c
            known = union(select(files.sha256), select(mails.raw), select(mails.html))
            contents = [sha256 for sha256 in run(known).scalars() if sha256]
            self._total += len(contents)
        schema = current_schema(self._connection)
        assert schema is not None
        tables = {t.name: self._table(t) for t in self._tables}
        present, thumbs, missing = self._contents(contents)
        seq = run(select(metadata.tables["log_head"].c.seq)).scalar_one()
        manifest = Manifest(FORMAT, schema, seq, tables, present, thumbs, missing)
        self._archive.writestr("manifest.json", msgspec.json.format(msgspec.json.encode(manifest)))
        return manifest

    def _table(self, source: Any) -> TableEntry:
        digest = hashlib.sha256()
        rows = 0
        with self._archive.open(f"tables/{source.name}.jsonl", "w", force_zip64=True) as out:

            def write(lines: list[Any]) -> None:
                data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
                digest.update(data)
                out.write(data)

            write([[str(c.name) for c in source.columns]])
            found = self._connection.execution_options(yield_per=_BATCH).execute(
                select(source).order_by(*source.primary_key.columns)
            )
            for batch in found.partitions(_BATCH):
                write([tuple(row) for row in batch])
                rows += len(batch)
                self._advance(len(batch))
        return TableEntry(rows, digest.hexdigest())

    def _contents(self, contents: list[str]) -> tuple[list[str], list[str], list[str]]:
        """Content never changes under its hash, so it may be read after the rows."""
        present, thumbs, missing = [], [], []
        for sha256 in contents:
            assert self._files is not None
            path, thumb = self._files.path(sha256), self._files.thumb_path(sha256)
            if path.exists():
                self._archive.write(path, f"files/{sha256}", zipfile.ZIP_STORED)
                present.append(sha256)
            else:
                missing.append(sha256)
            if thumb.exists():
                self._archive.write(thumb, f"thumbs/{sha256}", zipfile.ZIP_STORED)
                thumbs.append(sha256)
            self._advance(1)
        return present, thumbs, missing

    def _advance(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


def verify(archive: zipfile.ZipFile) -> Manifest:
    """The archive's manifest, when all that it names is there and unharmed. Raises Refused `backup.damaged`."""
    try:
        manifest = msgspec.json.decode(archive.read("manifest.json"), type=Manifest)
        if manifest.format != FORMAT:
            raise Refused(
                "This backup was written by a newer version of Contact Hub.",
                code="backup.format",
                details={"format": manifest.format},
            )
        for name, entry in manifest.tables.items():
            _check(archive, f"tables/{name}.jsonl", entry.sha256)
        for sha256 in manifest.files:
            _check(archive, f"files/{sha256}", sha256)
        for sha256 in manifest.thumbs:
            _check(archive, f"thumbs/{sha256}", None)
    except (KeyError, zipfile.BadZipFile, msgspec.DecodeError, EOFError, OSError, ValueError) as error:
        raise _damaged(str(error)) from error
    return manifest


def _damaged(where: str) -> Refused:
    return Refused("This backup is damaged; nothing was restored.", code="backup.damaged", details={"where": where})


def _check(archive: zipfile.ZipFile, name: str, sha256: str | None) -> None:
    with archive.open(name) as entry:
        digest = hashlib.sha256()
        # Reading to the end also compares the archive's own checksum.
        while block := entry.read(_BLOCK):
            digest.update(block)
    if sha256 is not None and digest.hexdigest() != sha256:
        raise _damaged(name)


async def restore(
    database: Database,
    source: Path,
    files: FilePlaces | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Manifest:
    """Loads an archive into an empty database, all of it or nothing. `force` empties the database first.

    Raises Refused: `backup.damaged`, `backup.format`, or `backup.not_empty` without `force`; ConfigError when the
    archive's schema is newer than this version of the hub.
    """

    def check() -> Manifest:
        try:
            with zipfile.ZipFile(source) as archive:
                manifest = verify(archive)
                if files is not None:
                    _restore_files(archive, manifest, files)
                return manifest
        except (zipfile.BadZipFile, OSError) as error:
            raise _damaged(str(error)) from error

    def load(connection: Connection) -> None:
        if current_schema(connection) is not None:
            if not force and not _is_empty(connection):
                raise Refused(
                    "There is data in this database already; restoring would overwrite it.", code="backup.not_empty"
                )
            _drop_everything(connection)
        migrate(connection, manifest.schema)
        done = 0
        with zipfile.ZipFile(source) as archive:
            for name in manifest.tables:
                for batch in _load_table(connection, archive, name):
                    done += batch
                    if progress is not None:
                        progress(done, total)
        _count_on(connection)
        migrate(connection)
        index_everything(connection)

    manifest = await asyncio.to_thread(check)
    total = sum(entry.rows for entry in manifest.tables.values())
    await database.alone(load)
    return manifest


def _is_empty(connection: Connection) -> bool:
    """Whether nobody has used it: no event was ever recorded (each edit and each user's creation is one)."""
    return not connection.execute(select(metadata.tables["log_head"].c.seq)).scalar_one()


def _drop_everything(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP TABLE IF EXISTS search_index"))
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
    present = MetaData()
    present.reflect(connection)
    present.drop_all(connection)


def _load_table(connection: Connection, archive: zipfile.ZipFile, name: str) -> Iterator[int]:
    # The names of that schema's columns, not of today's: the archive may be older than the code.
    present = {c["name"] for c in inspect(connection).get_columns(name)}
    with archive.open(f"tables/{name}.jsonl") as entry:
        columns = msgspec.json.decode(entry.readline(), type=list[str])
        if not set(columns) <= present:
            raise _damaged(name)
        target = table(name, *map(column, columns))
        if name == "log_head":
            connection.execute(target.delete())
        for lines in _batches(entry):
            rows = [dict(zip(columns, msgspec.json.decode(line, type=list[Any]), strict=True)) for line in lines]
            connection.execute(insert(target), rows)
            yield len(rows)


def _batches(entry: IO[bytes]) -> Iterator[list[bytes]]:
    while batch := list(islice(entry, _BATCH)):
        yield batch


def _count_on(connection: Connection) -> None:
    """PostgreSQL does not notice ids that were given to it."""
    if connection.dialect.name != "postgresql":
        return
    for name in _COUNTED:
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), "  # noqa: S608 - names of ours
                f"(SELECT coalesce(max(id), 0) + 1 FROM {name}), false)"
            )
        )


def _restore_files(archive: zipfile.ZipFile, manifest: Manifest, files: FilePlaces) -> None:
    for folder, names, place in (
        ("files", manifest.files, files.path),
        ("thumbs", manifest.thumbs, files.thumb_path),
    ):
        for sha256 in names:
            target = place(sha256)
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            with archive.open(f"{folder}/{sha256}") as entry, part.open("wb") as out:
                while block := entry.read(_BLOCK):
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())
            part.replace(target)
