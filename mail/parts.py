"""The parts of a mail: where each begins and ends, and what its bytes are once their transfer encoding is undone."""

from __future__ import annotations

import re
import zlib
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator
from itertools import islice

from msgspec import Struct, field

from mail import embedded
from mail.headers import Head, parameters, split
from mail.limits import Limits, Problem

# A line that could be a boundary, with a part's head below it.
_GUESSED = re.compile(rb"^--([^\r\n]{1,200}?)[ \t\r]*\n(?=content-[a-z]{1,40}:)", re.M | re.I)
_MOST_RUNS = 10_000
_BASE64_LINE = re.compile(rb"^[A-Za-z0-9+/]{60}", re.M)
_NOT_BASE64 = bytes(byte for byte in range(256) if not re.match(rb"[A-Za-z0-9+/]", bytes((byte,))))


class Part(Struct):
    """A part of the mail whose bytes are `raw`; its body is `raw[start:end]`.

    `parameters` are those of Content-Type, `disposition` is empty where none is said. A part that calls itself
    multipart and has no boundaries in it has no children.
    """

    raw: bytes
    head: Head
    start: int
    end: int
    type: str = "text/plain"
    parameters: dict[str, str] = {}
    boundary: bytes = b""
    disposition: str = ""
    file_name: str = ""
    content_id: str = ""
    encoding: str = ""
    closed: bool = False
    children: list[Part] = field(default_factory=list)

    @property
    def multipart(self) -> bool:
        return self.type.startswith("multipart/")

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in their order."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


def read(raw: bytes, limits: Limits, problems: set[Problem], counted: int = 0) -> Part:
    """The mail's own part, with those below it.

    `counted` parts were found already in what this mail lies in. Beyond the limits parts are left as they are.
    """
    top = _part(raw, 0, len(raw), "text/plain", limits, problems)
    waiting = [(top, 1)]
    counted += 1
    while waiting:
        part, depth = waiting.pop()
        if not part.multipart:
            continue
        if depth >= limits.depth:
            problems.add(Problem.DEEP)
            continue
        inner_type = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        places = list(islice(_between(part), limits.parts - counted + 1))
        if not places and (guessed := _GUESSED.search(part.raw, part.start, part.end)) is not None:
            # Named nowhere, or otherwise than it stands there.
            problems.add(Problem.STRUCTURE)
            part.boundary = guessed[1]
            places = list(islice(_between(part), limits.parts - counted + 1))
        if not places or not part.closed:
            problems.add(Problem.STRUCTURE)
        for start, end in places:
            if counted >= limits.parts:
                problems.add(Problem.MANY_PARTS)
                return top
            part.children.append(_part(raw, start, end, inner_type, limits, problems))
            counted += 1
        waiting.extend((child, depth + 1) for child in reversed(part.children))
    return top


def _part(raw: bytes, start: int, end: int, default: str, limits: Limits, problems: set[Problem]) -> Part:
    head, body = split(raw, start, end, limits)
    problems |= head.problems
    raw_type = head.get("content-type")
    type, plain, texts = parameters(raw_type)
    if not re.fullmatch(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}", type):
        # "text" alone and the like; RFC 2045 has it read as plain text.
        type = default if not type or type == "text" else "application/octet-stream" if "/" in type else default
    disposition, _, about = parameters(head.get("content-disposition"))
    return Part(
        raw=raw,
        head=head,
        start=body,
        end=end,
        type=type,
        parameters=texts,
        boundary=plain.get("boundary", b"").rstrip(),
        disposition=disposition,
        file_name=about.get("filename") or texts.get("name") or "",
        content_id=head.text("content-id").strip("<> "),
        encoding=head.text("content-transfer-encoding").split(";")[0].strip(" \"'").lower(),
    )


def _between(part: Part) -> Iterator[tuple[int, int]]:
    """Where the parts lie between the boundaries. What follows the last one of a mail that was cut is a part, too."""
    raw, mark = part.raw, b"--" + part.boundary
    begun: int | None = None
    position = part.start
    while part.boundary and (position := raw.find(mark, position, part.end)) >= 0:
        line_end = raw.find(b"\n", position, part.end)
        after = part.end if line_end < 0 else line_end + 1
        if position > part.start and raw[position - 1] != 0x0A:
            position = after
            continue
        rest = raw[position + len(mark) : min(after, position + len(mark) + 200)].strip()
        if rest not in (b"", b"--"):
            position = after
            continue
        if begun is not None:
            yield begun, _before_line(raw, begun, position)
        part.closed = rest == b"--"
        begun = None if part.closed else after
        position = after
    if begun is not None:
        yield begun, part.end


def _before_line(raw: bytes, start: int, position: int) -> int:
    """Without the line end that belongs to the boundary."""
    if position - 1 >= start and raw[position - 1] == 0x0A:
        position -= 1
        while position - 1 >= start and raw[position - 1] == 0x0D:
            position -= 1
    return max(start, position)


def body(part: Part, limits: Limits, problems: set[Problem]) -> bytes:
    """The part's bytes with its transfer encoding undone, as well as that goes."""
    data = part.raw[part.start : part.end] if (part.start, part.end) != (0, len(part.raw)) else part.raw
    match part.encoding:
        case "base64" | "b" | "x-base64":
            return _base64(data, problems)
        case "quoted-printable" | "q" | "quoted printable":
            if re.search(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r*\n|[ \t\r]*\Z)", data):
                problems.add(Problem.ENCODING)
            return a2b_qp(data)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            _, files = embedded.take_out(data, problems)
            if files:
                return files[0].data
            problems.add(Problem.ENCODING)
        case "x-yencode" | "yenc" | "x-yenc":
            _, files = embedded.take_out(data, problems)
            if files:
                return files[0].data
            problems.add(Problem.ENCODING)
        case "x-gzip64" | "gzip64":
            return inflate(_base64(data, problems), limits, problems, zlib.MAX_WBITS | 32)
        case "" | "7bit" | "8bit" | "binary" | "7-bit" | "8-bit" | "none" | "identity" | "plain":
            pass
        case _:
            problems.add(Problem.ENCODING)
    return data


def _base64(data: bytes, problems: set[Problem]) -> bytes:
    valid = re.match(rb"[A-Za-z0-9+/=\s]*", data)
    length = valid.end() if valid is not None else 0
    if length < len(data):
        problems.add(Problem.ENCODING)
        first = data.lstrip().split(b"\n", 1)[0].strip()
        if re.search(rb"\s", first):
            return data  # a text that only calls itself base64
        begun = data.rfind(b"\n", 0, length) + 1
        if data[:begun].strip() and not _BASE64_LINE.search(data, begun):
            data = data[:begun]  # what mailing lists and scanners add below
    # Some programs end each piece with padding and go on. Views, as a copy of 50 MB more would be one too many.
    view = memoryview(data)
    runs: list[bytes] = []
    position = 0
    while position < len(data):
        stop = data.find(b"=", position)
        stop = len(data) if stop < 0 else stop
        while stop < len(data) and data[stop] in b"= \t\r\n":
            stop += 1
        if len(runs) == _MOST_RUNS:
            problems.add(Problem.MANY_PARTS)
            break
        runs.append(_base64_run(view[position:stop], problems))
        position = stop
    return runs[0] if len(runs) == 1 else b"".join(runs)


def _base64_run(data: memoryview, problems: set[Problem]) -> bytes:
    """One run and its padding, whatever is left over at its end."""
    try:
        return a2b_base64(data)
    except BinasciiError:
        alphabet = bytes(data).translate(None, _NOT_BASE64)
    if len(alphabet) % 4 == 1:
        # One character is less than a byte.
        problems.add(Problem.ENCODING)
        alphabet = alphabet[:-1]
    return a2b_base64(alphabet + b"=" * (-len(alphabet) % 4))


def inflate(data: bytes, limits: Limits, problems: set[Problem], window: int = zlib.MAX_WBITS) -> bytes:
    """What is compressed in `data`, at most as much as the limits allow."""
    most = min(limits.unpacked, max(1024 * 1024, limits.ratio * len(data)))
    packed = zlib.decompressobj(window)
    try:
        unpacked = packed.decompress(data, most)
    except zlib.error:
        problems.add(Problem.ENCODING)
        return data
    if packed.unconsumed_tail:
        problems.add(Problem.ZIP_BOMB)
    return unpacked
