"""Files that lie in the text itself, as before MIME: uuencode and yEnc."""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_uu
from collections.abc import Iterator

from msgspec import Struct

from mail.limits import Problem

_BEGIN = re.compile(rb"^(?:begin (-?)[0-7]{3,4}[ \t]*|begin(-)base64 [0-7]{3,4} |=ybegin )([^\r\n]*)\r*\n", re.M)
_Y_NAME = re.compile(rb"name=([^\r\n]*)")
_FROM_Y = bytes((byte - 42) % 256 for byte in range(256))
_MOST = 1000
"""Lines that look like the beginning of a file."""


class Embedded(Struct, frozen=True):
    name: bytes
    data: bytes


def take_out(data: bytes, problems: set[Problem]) -> tuple[bytes, list[Embedded]]:
    """The text without the files in it, and the files."""
    rest: list[bytes] = []
    files: list[Embedded] = []
    position = 0
    endless: set[bytes] = set()  # kinds of which no end is left
    for _ in range(_MOST):
        match = _BEGIN.search(data, position)
        if match is None:
            break
        kind = match[0][:6]
        if kind in endless:
            found = None
        elif kind == b"=ybegi":
            found = _yenc(data, match, problems)
        elif kind == b"begin-":
            found = _begin_base64(data, match)
        else:
            found = _uuencoded(data, match, problems)
        if found is None and kind != b"begin ":
            endless.add(kind)
        if found is None:
            rest.append(data[position : match.end()])
            position = match.end()
            continue
        file, after = found
        rest.append(data[position : match.start()])
        files.append(file)
        position = after
    if not files:
        return data, files
    return b"".join([*rest, data[position:]]), files


def _lines(data: bytes, position: int) -> Iterator[tuple[bytes, int]]:
    """Lines without their ends, and where the next begins."""
    while position < len(data):
        feed = data.find(b"\n", position)
        after = len(data) if feed < 0 else feed + 1
        yield data[position:after].rstrip(b"\r\n"), after
        position = after


def _uuencoded(data: bytes, match: re.Match[bytes], problems: set[Problem]) -> tuple[Embedded, int] | None:
    decoded = bytearray()
    junk = 0
    position = match.end()
    for row, after in _lines(data, position):
        if row.rstrip() == b"end":
            if junk:
                problems.add(Problem.ENCODING)
            return (Embedded(match[3].strip(), bytes(decoded)), after) if decoded or not junk else None
        found = _uu_line(row)
        if found is None:
            # A line that got in between, or no file at all.
            junk += 1
            if junk > 20 or (not decoded and junk > 3):
                break
        else:
            decoded += found
            position = after
    if len(decoded) < 30:
        return None
    problems.add(Problem.ENCODING)
    return Embedded(match[3].strip(), bytes(decoded)), position


def _uu_line(row: bytes) -> bytes | None:
    if not row.strip():
        return b""
    length = (row[0] - 32) & 63
    needed = (length + 2) // 3 * 4
    # Spaces at its end may have been lost, and a character or two more are common.
    if not 32 <= row[0] <= 96 or not (len(row.rstrip()) - 1 <= needed + 2 and len(row) - 1 >= needed - 3):
        return None
    try:
        return a2b_uu(row[: 1 + needed])
    except BinasciiError:
        return None


def _begin_base64(data: bytes, match: re.Match[bytes]) -> tuple[Embedded, int] | None:
    end = re.compile(rb"^====[ \t\r]*(?:\n|\Z)", re.M).search(data, match.end())
    if end is None:
        return None
    try:
        return Embedded(match[3].strip(), a2b_base64(data[match.end() : end.start()])), end.end()
    except BinasciiError:
        return None


def _yenc(data: bytes, match: re.Match[bytes], problems: set[Problem]) -> tuple[Embedded, int] | None:
    name = _Y_NAME.search(match[3])
    end = re.compile(rb"^=yend[^\r\n]*(?:\r*\n|\Z)", re.M).search(data, match.end())
    if name is None or end is None:
        return None
    lines = [row for row, _ in _lines(data[match.end() : end.start()], 0) if not row.startswith(b"=ypart")]
    packed = b"".join(lines)
    # An escaped byte is moved by 64 more.
    packed = re.sub(rb"=(.)", lambda escaped: bytes(((escaped[1][0] - 64) % 256,)), packed, flags=re.S)
    decoded = packed.translate(_FROM_Y)
    size = re.search(rb"size=(\d{1,12})", end[0])
    if size is not None and int(size[1]) != len(decoded):
        problems.add(Problem.ENCODING)
    return Embedded(name[1].strip(), decoded), end.end()
