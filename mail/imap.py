"""What an IMAP server says (RFC 3501, 9051), from bytes to values; pure.

Servers are not to be trusted: lines, literals and the depth of lists have limits, and what breaks them, or is no IMAP,
raises BadResponse.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

LONGEST_LINE = 8 * 1024 * 1024
"""A SEARCH over a large mailbox answers with one line."""
DEEPEST = 50
Value = Any
"""bytes for atoms, quoted strings and literals, None for NIL, a list for a list."""

_LITERAL = re.compile(rb"\{(\d{1,12})\+?\}\Z")
_NUMBERS = re.compile(rb"[0-9 ]*")
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|([^\s()"{\[\]]+(?:\[[^\]]*\][^\s()]*)?|\[|\])', re.DOTALL)


class BadResponse(Exception):
    """The server says what is no IMAP, or too much of it."""


class Response(Struct, frozen=True):
    """A line of the server with its literals. `tag` is `*`, `+` or the command's; `name` is in upper case: OK, NO, BAD,
    BYE, PREAUTH, or the data's kind, as EXISTS and FETCH, whose `number` stands before it. `code` is what stands in
    brackets after a state, in upper case, with its `values`; `text` is for people."""

    tag: str
    name: str
    number: int | None = None
    values: tuple[Value, ...] = ()
    code: str = ""
    text: str = ""


class Parser:
    """Takes bytes as they come and gives whole responses. Literals of more than `literal` bytes are refused."""

    def __init__(self, literal: int) -> None:
        self._literal = literal
        self._buffer = bytearray()
        self._parts: list[bytes] = []  # line, literal, line, literal ...
        self._wanted: int | None = None  # the rest of a literal
        self._searched = 0
        self._size = 0

    @property
    def empty(self) -> bool:
        """Whether nothing was said beyond what was given out."""
        return not self._buffer and not self._parts

    def feed(self, data: bytes) -> Iterator[Response]:
        """Raises BadResponse."""
        self._buffer += data
        while True:
            if self._wanted is not None:
                if len(self._buffer) < self._wanted:
                    return
                self._parts.append(bytes(self._buffer[: self._wanted]))
                del self._buffer[: self._wanted]
                self._wanted, self._searched = None, 0
            end = self._buffer.find(b"\n", self._searched)
            if end < 0:
                self._searched = len(self._buffer)
                if self._size + len(self._buffer) > LONGEST_LINE:
                    raise BadResponse("a line without an end")
                return
            line = bytes(self._buffer[: end + 1]).rstrip(b"\r\n")
            del self._buffer[: end + 1]
            self._searched = 0
            self._parts.append(line)
            self._size += len(line)
            literal = _LITERAL.search(line)
            if literal is not None:
                length = int(literal[1])
                self._size += length
                if length > self._literal or self._size > self._literal + LONGEST_LINE:
                    raise BadResponse("a literal that is too large")
                self._parts[-1] = line[: literal.start()]
                self._wanted = length
                continue
            parts, self._parts, self._size = self._parts, [], 0
            if parts != [b""]:
                yield _response(parts)


def _response(parts: list[bytes]) -> Response:
    tag, _, rest = parts[0].partition(b" ")
    if tag == b"+":
        return Response("+", "", text=_words(rest))
    if not tag:
        raise BadResponse("a line without a tag")
    first, _, after = rest.partition(b" ")
    number = None
    if tag == b"*" and first.isdigit():
        number = int(first[:19])
        first, _, after = after.partition(b" ")
    name = _words(first).upper()
    if name in ("OK", "NO", "BAD", "BYE", "PREAUTH") and number is None:
        return _state(_words(tag), name, after)
    values = _values([after, *parts[1:]])
    return Response(_words(tag), name, number, tuple(values))


def _state(tag: str, name: str, rest: bytes) -> Response:
    code, values = "", []
    if rest.startswith(b"[") and (end := rest.find(b"]")) > 0:
        inside, rest = rest[1:end], rest[end + 1 :].strip()
        word, _, more = inside.partition(b" ")
        code = _words(word).upper()
        values = _values([more])
    return Response(tag, name, None, tuple(values), code, _words(rest)[:500])


def _words(data: bytes) -> str:
    return "".join(ch if ch.isprintable() else " " for ch in data.decode("utf-8", "replace"))


def _values(parts: list[bytes]) -> list[Value]:
    """`parts` are text, literal, text, literal ..., text."""
    top: list[Value] = []
    stack = [top]
    for place, part in enumerate(parts):
        if place % 2:
            stack[-1].append(part)
            continue
        if _NUMBERS.fullmatch(part):
            # A mailbox of 100,000 mails answers SEARCH with as many: by words it would take ten times as long.
            stack[-1].extend(part.split())
            continue
        at = 0
        while at < len(part):
            ch = part[at : at + 1]
            if ch in b" \t":
                at += 1
            elif ch == b"(":
                if len(stack) > DEEPEST:
                    raise BadResponse("lists in lists without end")
                inner: list[Value] = []
                stack[-1].append(inner)
                stack.append(inner)
                at += 1
            elif ch == b")":
                if len(stack) == 1:
                    raise BadResponse("a bracket too many")
                stack.pop()
                at += 1
            else:
                found = _TOKEN.match(part, at)
                if found is None or found.end() == at:
                    raise BadResponse("neither a word nor a list")
                if found[1] is not None:
                    stack[-1].append(re.sub(rb"\\(.)", rb"\1", found[1], flags=re.DOTALL))
                else:
                    stack[-1].append(None if found[2].upper() == b"NIL" else found[2])
                at = found.end()
    if len(stack) != 1:
        raise BadResponse("a list without an end")
    return top


def attributes(response: Response) -> dict[str, Value]:
    """What a FETCH tells, by names in upper case (`UID`, `RFC822.SIZE`, `BODY[]`). Raises BadResponse."""
    values = response.values[0] if response.values else None
    if not isinstance(values, list) or len(values) % 2:
        raise BadResponse("a FETCH that tells no pairs")
    names = values[::2]
    if not all(isinstance(name, bytes) for name in names):
        raise BadResponse("a FETCH whose names are none")
    return {
        re.sub(r"<\d+>$", "", name.decode("ascii", "replace").upper()): value
        for name, value in zip(names, values[1::2], strict=True)
    }


def quoted(text: str) -> bytes:
    """`text` as a quoted string. Raises ValueError for what has no place in one."""
    if any(ord(ch) < 32 or ord(ch) == 127 for ch in text) or not text.isascii():
        raise ValueError("a quoted string holds printable ASCII")
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def folder_name(name: str) -> str:
    """A folder's name as it goes over the wire: modified UTF-7 (RFC 3501, 5.1.3)."""
    result, foreign = [], ""

    def flush() -> str:
        if not foreign:
            return ""
        return "&" + b64encode(foreign.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    for ch in name:
        if " " <= ch <= "~":
            result += [flush(), "&-" if ch == "&" else ch]
            foreign = ""
        else:
            foreign += ch
    return "".join([*result, flush()])


def uid_set(uids: list[int]) -> str:
    """The UIDs as a set, neighbours as ranges."""
    ranges: list[list[int]] = []
    for uid in sorted(set(uids)):
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in ranges)
