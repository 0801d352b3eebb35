"""Backup while the store is written to, and restore into either database."""

import asyncio
import shutil
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, select

from hub.errors import Refused
from hub.files import FileStore
from hub.model import Role, StoredFile, User
from hub.ports import ContactFilter, Delivery
from hub.store import SqlStore, open_store, restore_store
from hub.store.tables import metadata, search_docs
from tests.talk import T0, Talk


async def bytes_of(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[FileStore]:
    store = FileStore(tmp_path / "files")
    await store.open()
    yield store
    await store.close()


async def fill(store: SqlStore, files: FileStore) -> str:
    """Something in every table; returns the hash of a file."""
    talk = await Talk(store.log).begin("退货 question", visitor="vi_1")
    await talk.say("Hello 你好", command="c-1")
    await talk.accept()
    await store.people.add_identity(talk.contact.customer, "email", "a@example.com")
    await store.people.nonce_used("demo", "n", T0, T0)
    await store.configs.put("queue", "support", {"name": "Support"}, version=None, actor="us_1", at=T0)
    await store.accounts.put_user(User("us_1", "a", "A", Role.AGENT), version=None, actor="us_1", at=T0)
    await store.webhooks.enqueue([Delivery("de_1", "wh", 1, None, "t", "{}", T0)], reader="w", cursor=3)
    blob = await files.save(
        bytes_of(b"a,b\n1,2\n"), name="t.csv", declared="text/csv", max_bytes=99, allowed=["text/*"]
    )
    await store.files.put(StoredFile("fi_1", "ct_1", "vi_1", blob.name, blob.size, blob.type, blob.sha256, T0))
    return blob.sha256


async def contents(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    def read(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
            if table is not search_docs
        }

    return await store._database.read(read)


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
async def test_a_restored_store_equals_the_first(
    store: SqlStore, files: FileStore, tmp_path: Path, new_database: Callable[[str], str], to: str
) -> None:
    sha256 = await fill(store, files)
    progress: list[tuple[int, int]] = []
    manifest = await store.backup(tmp_path / "b.zip", lambda *done: progress.append(done), files=files)
    assert progress[-1][0] == progress[-1][1] == sum(t.rows for t in manifest.tables.values()) + 1
    assert (manifest.seq, manifest.files, manifest.missing) == (await store.log.head(), [sha256], [])

    target = new_database(to)
    elsewhere = FileStore(tmp_path / "elsewhere")
    await restore_store(target, tmp_path / "b.zip", files=elsewhere)
    restored = open_store(target)
    await restored.open()
    try:
        assert await contents(restored) == await contents(store)
        assert (await asyncio.to_thread(elsewhere.path(sha256).read_bytes)) == b"a,b\n1,2\n"
        # It lives on: search, the log's numbers, the audit log's ids, repeated commands.
        for query in ("退货", "hello"):
            assert len(await restored.contacts.search(query, ContactFilter())) == 1
        events = await restored.log.read(0)
        assert await restored.log.find(events[0].stream, "vi_1", "c-1") is not None
        await restored.configs.put("queue", "sales", {"name": "Sales"}, version=None, actor="us_1", at=T0)
        assert await restored.log.head() == manifest.seq + 1
        assert [entry.row for entry in await restored.configs.audit_log(kind="queue")] == ["sales", "support"]
    finally:
        await restored.close()
        await elsewhere.close()


async def test_a_backup_under_way_sees_one_moment(
    store: SqlStore, dialect: str, tmp_path: Path, new_database: Callable[[str], str]
) -> None:
    """Writers go on meanwhile; in the copy every row still follows from its log."""
    writing = True
    said = 0

    async def write() -> None:
        nonlocal said
        talk = await Talk(store.log).begin()
        while writing:
            await talk.say()
            said += 1

    writers = [asyncio.create_task(write()) for _ in range(8)]
    while said < 200:
        await asyncio.sleep(0.01)
    manifest = await store.backup(tmp_path / "b.zip")
    at_the_end = said
    while said < at_the_end + 10:  # nobody was held up for good
        await asyncio.sleep(0.01)
    writing = False
    await asyncio.gather(*writers)
    assert manifest.seq < await store.log.head()
    assert manifest.tables["events"].rows == manifest.seq

    target = new_database(dialect)
    await restore_store(target, tmp_path / "b.zip")
    restored = open_store(target)
    await restored.open()
    try:
        events = await restored.log.read(0, limit=100_000)
        assert [recorded.seq for recorded in events] == list(range(1, manifest.seq + 1))
        last = {recorded.stream: recorded for recorded in events}
        async for row in restored.contacts.living():
            assert (row.seq, row.contact.version) == (last[row.contact.id].seq, last[row.contact.id].version)
            assert len(await restored.contacts.messages(row.contact.id, limit=100_000)) == row.contact.messages
    finally:
        await restored.close()


async def test_a_store_in_use_is_not_overwritten_by_mistake(store: SqlStore, url: str, tmp_path: Path) -> None:
    await Talk(store.log).begin("the first")
    await store.backup(tmp_path / "b.zip")
    await Talk(store.log).begin("the second")
    await store.close()
    with pytest.raises(Refused) as refused:
        await restore_store(url, tmp_path / "b.zip")
    assert refused.value.code == "backup.not_empty"
    await restore_store(url, tmp_path / "b.zip", force=True)
    again = open_store(url)
    await again.open()
    assert await again.log.head() == 2
    assert await again.contacts.search("second", ContactFilter()) == []
    assert len(await again.contacts.search("first", ContactFilter())) == 1
    await Talk(again.log).begin("the third")
    await again.close()


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)


async def test_a_damaged_backup_is_refused(
    store: SqlStore, files: FileStore, tmp_path: Path, dialect: str, new_database: Callable[[str], str]
) -> None:
    sha256 = await fill(store, files)
    good = tmp_path / "b.zip"
    await store.backup(good, files=files)
    damages: dict[str, Callable[[str, bytes], bytes | None]] = {
        "row": lambda name, data: data.replace(b"Hello", b"Jello") if name.endswith("messages.jsonl") else data,
        "table": lambda name, data: None if name.endswith("events.jsonl") else data,
        "file": lambda name, data: b"other" if name == f"files/{sha256}" else data,
        "manifest": lambda name, data: data[:50] if name == "manifest.json" else data,
        "none": lambda name, data: None if name == "manifest.json" else data,
    }
    bad: list[Path] = []
    for name, change in damages.items():
        rewritten(good, tmp_path / f"{name}.zip", change)
        bad.append(tmp_path / f"{name}.zip")
    (tmp_path / "cut.zip").write_bytes(good.read_bytes()[:-100])
    flipped = bytearray(good.read_bytes())
    flipped[200] ^= 0xFF
    (tmp_path / "flipped.zip").write_bytes(flipped)
    target = new_database(dialect)
    for path in [*bad, tmp_path / "cut.zip", tmp_path / "flipped.zip", tmp_path / "absent.zip"]:
        with pytest.raises(Refused) as refused:
            await restore_store(target, path)
        assert refused.value.code == "backup.damaged", path
    await restore_store(target, good)


async def test_a_newer_format_is_refused(store: SqlStore, tmp_path: Path, url: str) -> None:
    await store.backup(tmp_path / "b.zip")

    def newer(name: str, data: bytes) -> bytes:
        return data.replace(b'"format": 1', b'"format": 2') if name == "manifest.json" else data

    rewritten(tmp_path / "b.zip", tmp_path / "newer.zip", newer)
    with pytest.raises(Refused) as refused:
        await restore_store(url, tmp_path / "newer.zip")
    assert refused.value.code == "backup.format"


async def test_a_backup_that_fails_leaves_nothing(store: SqlStore, files: FileStore, tmp_path: Path) -> None:
    await fill(store, files)

    def fail(done: int, total: int) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        await store.backup(tmp_path / "b.zip", fail)
    assert not list(tmp_path.glob("b.zip*"))


async def test_lost_files_are_named(store: SqlStore, files: FileStore, tmp_path: Path) -> None:
    sha256 = await fill(store, files)
    shutil.rmtree(tmp_path / "files" / "content")
    manifest = await store.backup(tmp_path / "b.zip", files=files)
    assert manifest.missing == [sha256]
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert msgspec.json.decode(archive.read("manifest.json"))["missing"] == [sha256]
