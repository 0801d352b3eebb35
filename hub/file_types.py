"""What a file is, by its bytes, and what to call it. The sender's type and name are only hints."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Callable, Sequence

from msgspec import Struct

HEAD = 8192
"""So many bytes of a file's beginning tell its type."""


class Kind(Struct, frozen=True):
    """A type, and the type of container that it is also an instance of (an office document is a ZIP archive)."""

    type: str
    container: str | None = None


OCTETS = "application/octet-stream"
ZIP = "application/zip"

# (offset, bytes, type), the more particular first.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP8", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (8, b"WAVE", "audio/wav"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-executable"),
)
_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OPEN_DOCUMENT = re.compile(rb"application/vnd\.oasis\.opendocument\.[a-z-]+")
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|style|title|table|a\s|div|img|meta|form|object|embed)\b", re.I
)
# Text that a browser does not run when it is called so.
_PLAIN_TEXT = frozenset({"text/plain", "text/csv", "text/markdown", "text/calendar", "text/vcard", "application/json"})
# Never meant by a pattern such as image/* or text/*: they can hold script.
_ACTIVE = frozenset({"image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/xml"})

# Type -> the extensions that a file of it may carry; the first is given to a file that carries another.
_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/bmp": (".bmp",),
    "image/tiff": (".tif", ".tiff"),
    "image/heic": (".heic",),
    "image/avif": (".avif",),
    "application/pdf": (".pdf",),
    "application/zip": (".zip",),
    "application/gzip": (".gz", ".tgz"),
    "application/rtf": (".rtf",),
    "application/json": (".json",),
    "text/plain": (".txt", ".log", ".md", ".csv", ".tsv", ".json", ".ini", ".conf", ".yaml", ".yml", ".toml", ".eml"),
    "text/csv": (".csv", ".tsv", ".txt"),
    "text/markdown": (".md", ".markdown", ".txt"),
    "text/calendar": (".ics",),
    "text/vcard": (".vcf",),
    "audio/mpeg": (".mp3",),
    "audio/wav": (".wav",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/mp4": (".m4a",),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov",),
    "video/webm": (".webm", ".mkv"),
    _OFFICE["word/"]: (".docx",),
    _OFFICE["xl/"]: (".xlsx",),
    _OFFICE["ppt/"]: (".pptx",),
}
_LONGEST_NAME = 120


class Archive(Struct, frozen=True):
    """What a ZIP archive says of itself: its first names, and what its file `mimetype` holds if it begins with one."""

    names: tuple[str, ...]
    stated: bytes = b""


def kind_of(head: bytes, declared: str, archive: Callable[[], Archive | None]) -> Kind:
    """The type of what begins with `head`. `declared` decides only between kinds of plain text; `archive` is asked when
    it is a ZIP archive, and answers None for a broken one."""
    for offset, magic, found in _MAGIC:
        if head[offset : offset + len(magic)] == magic and _also(found, head):
            return _of_archive(archive()) if found == ZIP else Kind(found)
    text = _as_text(head)
    if text is None:
        return Kind(OCTETS)
    if b"<svg" in text.lower():
        return Kind("image/svg+xml")
    if _MARKUP.search(text):
        return Kind("text/html")
    if text.lstrip().startswith(b"<?xml"):
        return Kind("application/xml")
    declared = declared.split(";")[0].strip().lower()
    return Kind(declared if declared in _PLAIN_TEXT else "text/plain")


def _also(type: str, head: bytes) -> bool:
    """What the short ones among the magic numbers must be joined by."""
    match type:
        case "image/webp" | "audio/wav":
            return head.startswith(b"RIFF")
        case "image/bmp":
            # The sizes of the headers that exist.
            return len(head) > 18 and head[14] in (12, 40, 52, 56, 64, 108, 124) and head[15:18] == b"\0\0\0"
        case "application/vnd.microsoft.portable-executable":
            return b"\0" in head
    return True


def look_into(archive: zipfile.ZipFile) -> Archive:
    names = archive.namelist()[:200]
    if names[:1] == ["mimetype"] and archive.getinfo("mimetype").file_size < 200:
        return Archive(tuple(names), archive.read("mimetype").strip())
    return Archive(tuple(names))


def _of_archive(archive: Archive | None) -> Kind:
    if archive is None:
        return Kind(ZIP)
    if _OPEN_DOCUMENT.fullmatch(archive.stated):
        return Kind(archive.stated.decode(), ZIP)
    if "[Content_Types].xml" in archive.names:
        for folder, type in _OFFICE.items():
            if any(name.startswith(folder) for name in archive.names):
                return Kind(type, ZIP)
    return Kind(ZIP)


def _as_text(head: bytes) -> bytes | None:
    """The head as UTF-8 text, None when it is no text."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            # A character may be cut at the end.
            return head[2:].decode(encoding, "ignore").encode()
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head):
        return None
    # Whether UTF-8 or an old eight-bit encoding: text is what holds no control characters.
    return head.removeprefix(b"\xef\xbb\xbf")


def allowed_by(kind: Kind, patterns: Sequence[str]) -> bool:
    """Whether a pattern such as `image/*`, `application/pdf` or `*/*` means this kind. What can hold script must be
    named in full."""
    for pattern in patterns:
        pattern = pattern.strip().lower()
        if pattern in (kind.type, kind.container):
            return True
        major, _, minor = pattern.partition("/")
        if minor == "*" and kind.type not in _ACTIVE and major in ("*", kind.type.split("/")[0]):
            return True
    return False


def safe_name(name: str, type: str = "") -> str:
    """The file's name without folders and without characters that hide what it is (controls, direction overrides,
    invisible ones), at most 120 characters, with an extension that fits its type."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode())
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(" " if c.isspace() else c for c in name if c.isspace() or unicodedata.category(c)[0] != "C")
    name = re.sub(r"\s+", " ", re.sub(r'[<>:"|?*]', "_", name)).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension) > 16:
        stem, extension = name, ""
    fitting = _EXTENSIONS.get(type)
    ending = f".{extension}" if extension else ""
    if fitting and ending.lower() not in fitting:
        stem, ending = f"{stem}{ending}", fitting[0]
    return f"{(stem or 'file')[: _LONGEST_NAME - len(ending)]}{ending}"
