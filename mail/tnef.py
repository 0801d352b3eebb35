"""Outlook's winmail.dat: the files and the text in it (TNEF, [MS-OXTNEF])."""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct as Layout
from struct import error as misfit

from compressed_rtf import decompress
from msgspec import Struct
from striprtf.striprtf import rtf_to_text

from mail.charsets import decode
from mail.limits import Limits, Problem

SIGNATURE = b"\x78\x9f\x3e\x22"
_ATTRIBUTE = Layout("<BII")
_U32 = Layout("<I")
_LVL_ATTACHMENT = 2
_ATT_BODY = 0x800C
_ATT_ATTACH_DATA = 0x800F
_ATT_ATTACH_TITLE = 0x8010
_ATT_ATTACH_REND = 0x9002
_ATT_MAPI = 0x9003
_ATT_ATTACHMENT = 0x9005
_ATT_CODEPAGE = 0x9007
_PR_BODY, _PR_RTF, _PR_HTML = 0x1000, 0x1009, 0x1013
_PR_DATA, _PR_FILE_NAME, _PR_LONG_NAME, _PR_DISPLAY_NAME = 0x3701, 0x3704, 0x3707, 0x3001
_PR_MIME_TYPE, _PR_CONTENT_ID = 0x370E, 0x3712
_FIXED = {0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 2, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_MULTIPLE = 0x1000
_NAMED = 0x8000
_LONGEST_RTF = 4_000_000


class Enclosed(Struct, frozen=True):
    name: str
    data: bytes
    type: str = ""
    content_id: str = ""


class Opened(Struct, frozen=True):
    """`text` and `html` are empty where the file has none."""

    text: str
    html: str
    files: tuple[Enclosed, ...]


def read(data: bytes, limits: Limits, problems: set[Problem]) -> Opened | None:
    """What is in the file; None when it is no TNEF. What is cut or damaged is read as far as it goes."""
    if not data.startswith(SIGNATURE):
        return None
    files: list[Enclosed] = []
    current: dict[int, bytes] | None = None
    text, html, codepage = b"", "", "cp1252"
    message: dict[int, bytes] = {}
    try:
        for level, attribute, value in _attributes(data):
            if attribute == _ATT_CODEPAGE and len(value) >= 4:
                codepage = f"cp{_U32.unpack_from(value)[0]}"
            elif attribute == _ATT_BODY:
                text = value
            elif attribute == _ATT_MAPI and level != _LVL_ATTACHMENT:
                message |= dict(_properties(value))
            elif attribute == _ATT_ATTACH_REND:
                if current is not None:
                    files.append(_file(current, codepage))
                current = {}
                if len(files) >= limits.attachments:
                    problems.add(Problem.MANY_PARTS)
                    break
            elif current is not None and attribute == _ATT_ATTACH_TITLE:
                current.setdefault(_PR_FILE_NAME, value)
            elif current is not None and attribute == _ATT_ATTACH_DATA:
                current[_PR_DATA] = value
            elif current is not None and attribute == _ATT_ATTACHMENT:
                current = {**current, **{key: found for key, found in _properties(value) if key != _PR_DATA or found}}
    except (misfit, ValueError, IndexError):
        problems.add(Problem.TNEF)
    if current:
        files.append(_file(current, codepage))
    if _PR_HTML in message:
        html = decode(message[_PR_HTML], codepage)[0]
    body = _string(message.get(_PR_BODY, text), codepage)
    if not body.strip() and not html and _PR_RTF in message:
        body = _rtf(message[_PR_RTF], problems)
    return Opened(body, html, tuple(files))


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Level, number and value of each; ValueError where the data end inside of one."""
    position = 6
    while position + _ATTRIBUTE.size <= len(data):
        level, attribute, length = _ATTRIBUTE.unpack_from(data, position)
        position += _ATTRIBUTE.size
        if position + length > len(data):
            raise ValueError("cut")
        yield level, attribute & 0xFFFF, data[position : position + length]
        position += length + 2  # the checksum says nothing that we would act on


def _properties(data: bytes) -> Iterator[tuple[int, bytes]]:
    """MAPI properties with their first values."""
    (count,) = _U32.unpack_from(data)
    position = 4
    for _ in range(min(count, 10_000)):
        (tag,) = _U32.unpack_from(data, position)
        position += 4
        kind, id = tag & 0xFFFF, tag >> 16
        if id >= _NAMED:
            position += 16
            (named,) = _U32.unpack_from(data, position)
            position += 4
            if named == 0:
                position += 4
            else:
                (length,) = _U32.unpack_from(data, position)
                position += 4 + _padded(length)
        values = 1
        if kind & _MULTIPLE or kind in (_STRING8, _UNICODE, _OBJECT, _BINARY):
            (values,) = _U32.unpack_from(data, position)
            position += 4
        kind &= ~_MULTIPLE if kind != _BINARY else 0xFFFF
        kind = _BINARY if kind == _BINARY & ~_MULTIPLE else kind
        for number in range(min(values, 10_000)):
            if kind in _FIXED:
                size = _FIXED[kind]
                value = data[position : position + size]
                position += _padded(size)
            elif kind in (_STRING8, _UNICODE, _OBJECT, _BINARY):
                (size,) = _U32.unpack_from(data, position)
                position += 4
                if position + size > len(data):
                    raise ValueError("cut")
                value = data[position : position + size]
                position += _padded(size)
                if kind == _OBJECT:
                    value = value[16:]  # which kind of object it is
                elif kind == _UNICODE:
                    value = b"\xff\xfe" + value
            else:
                raise ValueError("a type that is not known")
            if number == 0:
                yield id, value


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4


def _string(value: bytes, codepage: str) -> str:
    if value.startswith(b"\xff\xfe"):
        return value[2:].decode("utf-16-le", "replace").rstrip("\0")
    return decode(value.rstrip(b"\0"), codepage)[0]


def _file(properties: dict[int, bytes], codepage: str) -> Enclosed:
    def string(*ids: int) -> str:
        return next((found for id in ids if (found := _string(properties.get(id, b""), codepage))), "")

    return Enclosed(
        string(_PR_LONG_NAME, _PR_FILE_NAME, _PR_DISPLAY_NAME),
        properties.get(_PR_DATA, b""),
        string(_PR_MIME_TYPE),
        string(_PR_CONTENT_ID),
    )


def _rtf(packed: bytes, problems: set[Problem]) -> str:
    if len(packed) > _LONGEST_RTF:
        problems.add(Problem.TNEF)
        return ""
    try:
        rtf = decompress(packed)
        # HTML that Outlook put into RTF: its tags stand in groups of their own, the text between them.
        rtf = re.sub(rb"\{\\\*\\htmltag[^{}]*\}", b"", rtf)
        return str(rtf_to_text(rtf.decode("latin-1"), errors="replace"))  # type: ignore[no-untyped-call]
    except (ValueError, IndexError, KeyError, TypeError, LookupError, UnicodeError, RecursionError):
        problems.add(Problem.TNEF)
        return ""
