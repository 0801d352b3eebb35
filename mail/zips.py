"""What a ZIP archive in memory says of itself, by its central directory; nothing is unpacked."""

from __future__ import annotations

from struct import Struct as Layout
from struct import error as misfit

from hub.file_types import Archive
from mail.limits import Limits

_END = Layout("<4s4H2IH")
_ENTRY = Layout("<4s6H3I5H2I")
_LOCAL = Layout("<4s5H3I2H")
_MOST_ENTRIES = 10_000
_LONGEST_COMMENT = 65_535


def look_into(data: bytes) -> Archive | None:
    """The first names, as `hub.file_types` asks for them; None for a broken archive."""
    try:
        entries = _entries(data, 200)
    except (misfit, ValueError):
        return None
    names = tuple(name.decode("utf-8", "replace") for name, _, _ in entries)
    stated = b""
    if names[:1] == ("mimetype",):
        _, size, offset = entries[0]
        _, _, _, method, *_, name_length, extra = _LOCAL.unpack_from(data, offset)
        begin = offset + _LOCAL.size + name_length + extra
        stated = data[begin : begin + size].strip() if method == 0 and size < 200 else b""
    return Archive(names, stated)


def is_bomb(data: bytes, limits: Limits) -> bool:
    """Whether it says that it holds far more than it weighs. Overlapping entries count each, as unpacking would."""
    try:
        unpacked = sum(size for _, size, _ in _entries(data, _MOST_ENTRIES))
    except (misfit, ValueError):
        return False
    return unpacked > max(limits.unpacked, limits.ratio * len(data))


def _entries(data: bytes, most: int) -> list[tuple[bytes, int, int]]:
    """Name, unpacked size and place of each; ValueError for what is no archive."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - _LONGEST_COMMENT))
    if end < 0:
        raise ValueError("no directory")
    _, _, _, _, count, _, position, _ = _END.unpack_from(data, end)
    found: list[tuple[bytes, int, int]] = []
    for _ in range(min(count, most)):
        mark, *_, size, name_length, extra, comment, _, _, _, offset = _ENTRY.unpack_from(data, position)
        if mark != b"PK\x01\x02":
            raise ValueError("a broken directory")
        position += _ENTRY.size
        found.append((data[position : position + name_length], size, offset))
        position += name_length + extra + comment
    return found


def gzip_is_bomb(data: bytes, limits: Limits) -> bool:
    """By the size that stands at the end of it, as far as that can be believed."""
    return len(data) > 18 and int.from_bytes(data[-4:], "little") > max(limits.unpacked, limits.ratio * len(data))
