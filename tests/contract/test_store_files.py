"""The file store: what comes in is measured, looked into and named safely, whatever its sender says of it."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hub.errors import HubError, InvalidInput, NotFound, TooLarge, Unavailable, UnsupportedType
from hub.file_types import allowed_by, safe_name
from hub.files import Blob, FileStore, sniff

DEFAULT = ("image/*", "application/pdf", "text/plain", "text/csv", "application/zip")


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[FileStore]:
    store = FileStore(tmp_path / "files")
    await store.open()
    yield store
    await store.close()


async def in_pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0)


async def save(
    files: FileStore,
    data: bytes,
    *,
    name: str = "file",
    declared: str = "",
    max_bytes: int = 1_000_000,
    allowed: Sequence[str] = DEFAULT,
) -> Blob:
    return await files.save(in_pieces(data), name=name, declared=declared, max_bytes=max_bytes, allowed=allowed)


def picture(format: str, size: tuple[int, int] = (1000, 500), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 100, 50, 128)[: len(mode)] if mode in ("RGB", "RGBA") else 7).save(
        out, format, **options
    )
    return out.getvalue()


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def thumb(files: FileStore, blob: Blob) -> Image.Image:
    data = b"".join([block async for block in files.read(files.thumb_path(blob.sha256))])
    return Image.open(io.BytesIO(data))


async def test_what_goes_in_comes_out(files: FileStore) -> None:
    data = b"line\n" * 100_000
    blob = await save(files, data, name="log.txt", declared="text/plain")
    assert (blob.name, blob.type, blob.size, blob.thumb) == ("log.txt", "text/plain", len(data), False)
    assert b"".join([block async for block in files.read(files.path(blob.sha256))]) == data
    assert await files.has(blob.sha256)
    # The same content again takes no more room, whatever it is called.
    again = await save(files, data, name="other.txt")
    assert again.sha256 == blob.sha256
    assert len(left_over(files.path(blob.sha256).parents[3])) == 1


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
async def test_pictures_get_thumbnails(files: FileStore, format: str) -> None:
    blob = await save(files, picture(format), declared="application/pdf", max_bytes=10_000_000)
    assert (blob.type, blob.width, blob.height, blob.thumb) == (f"image/{format.lower()}", 1000, 500, True)
    small = await thumb(files, blob)
    assert (small.format, small.size) == ("WEBP", (480, 240))


async def test_a_thumbnail_is_upright_and_tells_nothing(files: FileStore) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "taken at home"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    blob = await save(files, picture("JPEG", exif=exif))
    assert (blob.width, blob.height) == (500, 1000)
    small = await thumb(files, blob)
    assert small.size == (240, 480)
    assert not small.getexif()
    data = b"".join([block async for block in files.read(files.thumb_path(blob.sha256))])
    assert b"home" not in data


async def test_a_transparent_picture_stays_so(files: FileStore) -> None:
    for format, mode in (("PNG", "RGBA"), ("GIF", "P"), ("PNG", "I;16"), ("JPEG", "CMYK"), ("PNG", "1")):
        blob = await save(files, picture(format, mode=mode))
        assert blob.thumb
        assert (await thumb(files, blob)).mode == ("RGBA" if mode == "RGBA" else "RGB")


SCRIPT = b"<script>alert(1)</script>"
REFUSED: dict[str, tuple[bytes, type[HubError]]] = {
    "svg as png": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', UnsupportedType),
    "svg after a comment": (b"<!-- hi -->\n<?xml version='1.0'?>\n<svg onload=alert(1)>", UnsupportedType),
    "page": (b"\n\n<!DOCTYPE html><body>" + SCRIPT, UnsupportedType),
    "script in text": (b"Hello " + SCRIPT, UnsupportedType),
    "script in UTF-16": (("\ufeff" + SCRIPT.decode()).encode("utf-16-le"), UnsupportedType),
    "program": (b"MZ\x90\0\x03\0\0\0" + b"\0" * 100, UnsupportedType),
    "elf": (b"\x7fELF" + b"\0" * 100, UnsupportedType),
    "unknown bytes": (b"\0\1\2\3" * 100, UnsupportedType),
    "cut picture": (picture("PNG")[:200], UnsupportedType),
    "picture that is none": (b"\x89PNG\r\n\x1a\n" + b"x" * 500, UnsupportedType),
    "bomb": (picture("PNG", (9000, 9000), "1"), TooLarge),
    "thread": (picture("PNG", (20_000, 4), "1"), TooLarge),
    "too large": (b"a" * 1_000_001, TooLarge),
    "nothing": (b"", InvalidInput),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_is_refused_and_leaves_nothing(files: FileStore, tmp_path: Path, case: str) -> None:
    data, error = REFUSED[case]
    for declared in ("image/png", "text/plain"):
        with pytest.raises(error):
            await save(files, data, name="holiday.png", declared=declared)
    assert left_over(tmp_path) == []


async def test_a_sender_that_goes_away_leaves_nothing(files: FileStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 500_000
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await files.save(broken(), name="a", declared="", max_bytes=10**6, allowed=DEFAULT)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0)

    with pytest.raises(TooLarge) as refused:
        await files.save(endless(), name="a", declared="", max_bytes=10**6, allowed=DEFAULT)
    assert refused.value.details == {"max_bytes": 10**6}
    saving = asyncio.create_task(files.save(endless(), name="a", declared="", max_bytes=10**12, allowed=DEFAULT))
    await asyncio.sleep(0.05)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    await asyncio.sleep(0.1)
    assert left_over(tmp_path) == []


async def test_a_disk_that_fails_is_said(files: FileStore, tmp_path: Path) -> None:
    (tmp_path / "files" / "content").write_text("in the way of the folder")
    with pytest.raises(Unavailable) as refused:
        await save(files, b"hello")
    assert refused.value.code == "file.unavailable"


async def test_many_at_once(files: FileStore) -> None:
    """The same picture and different ones; the loop goes on meanwhile."""
    same, other = picture("PNG", (800, 800)), [picture("PNG", (300 + n, 300)) for n in range(6)]
    blobs = await asyncio.gather(*(save(files, data) for data in [same] * 6 + other))
    assert len({blob.sha256 for blob in blobs}) == 7


async def test_only_a_hash_is_a_path(files: FileStore) -> None:
    for hostile in ("../../etc/passwd", "a" * 63, "A" * 64, "/" * 64, ""):
        with pytest.raises(NotFound):
            files.path(hostile)
    with pytest.raises(NotFound):
        _ = [block async for block in files.read(files.path("a" * 64))]


async def test_half_done_uploads_of_a_crash_are_removed(files: FileStore, tmp_path: Path) -> None:
    import os

    old, new = tmp_path / "files" / "incoming" / "old", tmp_path / "files" / "incoming" / "new"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (1, 1))
    await files.open()
    assert [path.name for path in left_over(tmp_path)] == ["new"]


def office(folder: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}document.xml", "x")
    return out.getvalue()


def open_document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "declared", "type"),
    [
        (b"%PDF-1.7\n%\xe2", "image/png", "application/pdf"),
        (office("word/"), "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (office("xl/"), "", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (open_document(), "", "application/vnd.oasis.opendocument.text"),
        (b"PK\x03\x04 broken", "", "application/zip"),
        (b"a,b\n", "text/csv", "text/csv"),
        (b"a,b\n", "text/html", "text/plain"),
        (b"a,b\n", "image/png", "text/plain"),
        ("caf\xe9".encode("latin-1"), "text/plain; charset=x", "text/plain"),
        ("\ufeffh\xe9llo".encode("utf-16-le"), "", "text/plain"),
        (b"<?xml version='1.0'?><a/>", "text/plain", "application/xml"),
        (b"a < b and c > d", "text/plain", "text/plain"),
        (b"BMW is a car", "", "text/plain"),
        (b"MZ is the code of Mozambique", "", "text/plain"),
        (b"RIFF\0\0\0\0WAVEfmt ", "", "audio/wav"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "", "image/heic"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "", "video/mp4"),
    ],
)
def test_sniffs(tmp_path: Path, data: bytes, declared: str, type: str) -> None:
    (tmp_path / "file").write_bytes(data)
    assert sniff(tmp_path / "file", declared).type == type


def test_patterns(tmp_path: Path) -> None:
    (tmp_path / "svg").write_bytes(b"<svg>")
    svg = sniff(tmp_path / "svg", "")
    assert not allowed_by(svg, ["image/*", "*/*"])
    assert allowed_by(svg, ["image/svg+xml"])
    (tmp_path / "docx").write_bytes(office("word/"))
    assert allowed_by(sniff(tmp_path / "docx", ""), ["application/zip"])
    assert allowed_by(sniff(tmp_path / "docx", ""), [" Application/* "])
    assert not allowed_by(sniff(tmp_path / "docx", ""), ["image/*", "text/plain", ""])


@pytest.mark.parametrize(
    ("name", "type", "safe"),
    [
        ("report.pdf", "application/pdf", "report.pdf"),
        ("中文 文件.PDF", "application/pdf", "中文 文件.PDF"),
        ("../../etc/passwd", "", "passwd"),
        ("C:\\Users\\x\\photo.jpg", "image/jpeg", "photo.jpg"),
        ("evil\u202egnp.exe", "image/png", "evilgnp.exe.png"),
        ("a\0b\r\n\tc\u200b.txt", "text/plain", "ab c.txt"),
        ("run.bat", "text/plain", "run.bat.txt"),
        ("page.html", "image/png", "page.html.png"),
        ("", "", "file"),
        ("...", "image/png", "file.png"),
        (".htaccess", "text/plain", "htaccess.txt"),
        ('a<b>"c|d?.txt', "text/plain", "a_b__c_d_.txt"),
        ("n" * 300 + ".pdf", "application/pdf", "n" * 116 + ".pdf"),
        ("half \udc80.txt", "text/plain", "half .txt"),
    ],
)
def test_names(name: str, type: str, safe: str) -> None:
    assert safe_name(name, type) == safe


@given(st.text(max_size=300), st.sampled_from(["", "image/png", "text/plain", "application/zip"]))
def test_any_name_becomes_a_safe_one(name: str, type: str) -> None:
    safe = safe_name(name, type)
    assert 0 < len(safe) <= 125
    assert not set(safe) & set('/\\<>:"|?*\0\r\n\u202e\u2066')
    assert not safe.startswith(".")
    assert safe == safe.strip()
    safe.encode()
