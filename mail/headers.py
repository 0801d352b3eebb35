"""The head of a mail or of a part: its lines, encoded words (RFC 2047), parameters (RFC 2231), addresses and dates."""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp
from calendar import timegm
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from mail import charsets
from mail.limits import Limits, Problem
from mail.model import Address, Millis

NAME = 200
ADDRESS = 320
SUBJECT = 1000
MESSAGE_ID = 998

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_BLANK = re.compile(rb"[ \t\r\0]*")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*){0,3})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"?|<[^<>]*>?|[,;:()]|\s+|[^\s,;:()"<]+', re.S)
_ID = re.compile(r"<([^<>]{1,998})>")


class Head(Struct, frozen=True):
    """`fields` are names in lower case with their raw values, unfolded, in order."""

    fields: tuple[tuple[str, bytes], ...] = ()
    problems: frozenset[Problem] = frozenset()

    def get(self, name: str) -> bytes:
        """The first field of this name; empty without one."""
        return next((value for found, value in self.fields if found == name), b"")

    def all(self, name: str) -> list[bytes]:
        return [value for found, value in self.fields if found == name]

    def text(self, name: str) -> str:
        return decode(self.get(name))


def split(raw: bytes, start: int, end: int, limits: Limits) -> tuple[Head, int]:
    """The head that begins at `start`, and where its body begins.

    A line ends with a line feed; a carriage return alone ends none, so that nothing can hide a header in a value.
    """
    lines, body, problems = _lines(raw, start, end, limits)
    fields: list[tuple[str, bytes]] = []
    for found in lines:
        name, _, value = b" ".join(found).partition(b":")
        if b"\0" in value:
            problems.add(Problem.NUL)
        if len(fields) == limits.headers or len(value) > limits.header:
            problems.add(Problem.LONG_HEADERS)
        if len(fields) < limits.headers:
            value = value[: limits.header].replace(b"\0", b"").replace(b"\r", b" ")
            fields.append((name.strip().decode("ascii").lower(), value.strip()))
    return Head(tuple(fields), frozenset(problems)), body


def _lines(raw: bytes, start: int, end: int, limits: Limits) -> tuple[list[list[bytes]], int, set[Problem]]:
    """The fields with their continuation lines, and where the body begins."""
    fields: list[list[bytes]] = []  # of each its lines
    problems: set[Problem] = set()
    limit = min(end, start + limits.header_block)
    position = start
    while position < limit:
        next_feed = raw.find(b"\n", position, end)
        after = end if next_feed < 0 else next_feed + 1
        if (after > limit and next_feed >= 0) or (next_feed < 0 and end > limit):
            # A line, or a head, without end: what follows its blank line is the body.
            problems.add(Problem.LONG_HEADERS)
            if (match := _FIELD.match(raw, position, limit)) is not None:
                fields.append([raw[match.start() : limit]])
            return fields, _after_blank(raw, limit, end), problems
        row = raw[position:after].rstrip(b"\r\n")
        if _BLANK.fullmatch(row):
            # Spaces alone are a blank line, too, unless the field before goes on after them, or another follows.
            spaces = row.strip(b"\r\0") and fields
            if not spaces or not (raw[after : after + 1] in (b" ", b"\t") or _FIELD.match(raw, after, end)):
                return fields, after, problems
            position = after
        elif row[:1] in (b" ", b"\t") and fields:
            fields[-1].append(row.lstrip(b" \t"))
            position = after
        elif _FIELD.match(row):
            fields.append([row])
            position = after
        elif row.startswith((b"From ", b">From ")):
            position = after  # as mailboxes in files have it
        elif row.startswith(b"--"):
            problems.add(Problem.HEADERS)
            return fields, position, problems  # a boundary: the blank line is missing
        elif _FIELD.match(raw, after, end):
            problems.add(Problem.HEADERS)
            position = after
        else:
            problems.add(Problem.HEADERS)
            return fields, position, problems
    if position < end:
        problems.add(Problem.LONG_HEADERS)
        return fields, _after_blank(raw, position, end), problems
    return fields, end, problems


def _after_blank(raw: bytes, position: int, end: int) -> int:
    found = [place + len(blank) for blank in (b"\n\n", b"\r\n\r\n") if (place := raw.find(blank, position, end)) >= 0]
    return min(found, default=end)


def decode(raw: bytes, hint: str = "", longest: int = 16 * 1024) -> str:
    """A header's value for people to read, on one line."""
    text, _ = charsets.decode(raw, "", hint)
    return charsets.line(words(text), longest)


def words(text: str) -> str:
    """Text with its encoded words decoded. Neighbours in the same charset are joined before, as some mail programs cut
    them inside a character."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    held = bytearray()
    held_charset = ""
    position = 0

    def flush() -> None:
        if held:
            pieces.append(charsets.decode(bytes(held), held_charset)[0])
            held.clear()

    text = _BETWEEN_WORDS.sub(r"\1", text)
    for match in _WORD.finditer(text):
        charset, encoding, payload = match.groups()
        charset = charset.split("*")[0].lower()
        if match.start() > position:
            flush()
            pieces.append(text[position : match.start()])
        if charset != held_charset:
            flush()
        held_charset = charset
        held += _b(payload) if encoding in "bB" else _q(payload)
        position = match.end()
    flush()
    pieces.append(text[position:])
    return "".join(pieces)


def _b(payload: str) -> bytes:
    data = re.sub(r"[^A-Za-z0-9+/]", "", payload).encode()
    try:
        return a2b_base64(data + b"=" * (-len(data) % 4))
    except BinasciiError:
        return a2b_base64(data[: len(data) // 4 * 4])


def _q(payload: str) -> bytes:
    return a2b_qp(payload.replace("_", " ").encode("utf-8", "replace").replace(b"\n", b""), header=False)


def parameters(raw: bytes) -> tuple[str, dict[str, bytes], dict[str, str]]:
    """A structured field: its value in lower case, its parameters as they stand, and as text.

    The second is for boundaries, the third for names: RFC 2231's continuations are joined, encoded words decoded.
    """
    text = raw.decode("latin-1")
    value, _, rest = text.partition(";")
    plain: dict[str, bytes] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, found in _parameters(rest):
        base, star, number = name.partition("*")
        if not star:
            plain.setdefault(base, found.encode("latin-1"))
            continue
        extended = number.endswith("*") or not number
        index = number.rstrip("*")
        if (index.isascii() and index.isdigit() and len(index) < 5) or not index:
            pieces.setdefault(base, []).append((int(index or 0), extended, found))
    texts = {name: decode(found) for name, found in plain.items()}
    for name, parts in pieces.items():
        texts[name] = _extended(sorted(parts))
        plain.setdefault(name, texts[name].encode("utf-8", "replace"))
    return value.split("(")[0].strip().lower(), plain, texts


def _parameters(rest: str) -> list[tuple[str, str]]:
    """Pairs as they stand, from `; a=b; c="d"`, whatever is between them."""
    found: list[tuple[str, str]] = []
    position = 0
    start = re.compile(r"[;\s]*([^\s=;\"()]{1,80})\s*=\s*")
    quoted = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\Z)', re.S)
    bare = re.compile(r"[^;]*")
    while len(found) < 100:
        match = start.match(rest, position)
        if match is None:
            position = rest.find(";", position) + 1
            if position == 0:
                return found
            continue
        value = quoted.match(rest, match.end())
        if value is not None:
            text = re.sub(r"\\([\"\\])", r"\1", value[1])
        else:
            value = bare.match(rest, match.end())
            assert value is not None
            text = re.sub(r"\s+\([^()]*\)\s*\Z", "", value[0]).strip()
        found.append((match[1].lower(), text))
        position = value.end()
    return found


def _extended(parts: list[tuple[int, bool, str]]) -> str:
    charset = ""
    data = b""
    for number, extended, text in parts:
        if extended and number == parts[0][0] and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text.encode("latin-1")) if extended else text.encode("latin-1")
    return charsets.line(words(charsets.decode(data, charset)[0]), 1000)


def addresses(raw: bytes, limit: int = 1000, hint: str = "") -> tuple[Address, ...]:
    """The mailboxes of a list, without empty ones; groups are taken apart. `address` is empty where there is only a
    name."""
    text, _ = charsets.decode(raw, "", hint)
    found: list[Address] = []
    held: list[str] = []
    comment: list[str] = []
    depth = 0
    for piece in _PIECE.findall(text):
        match piece:
            case "(":
                depth += 1
            case ")":
                depth = max(0, depth - 1)
            case _ if depth:
                comment.append(piece)
            case "," | ";":
                _add(found, held, comment)
                if len(found) >= limit:
                    return tuple(found)
            case ":" if not any("@" in kept for kept in held):
                held.clear()  # the name of a group
            case _:
                held.append(piece)
    _add(found, held, comment)
    return tuple(found)


def _add(found: list[Address], tokens: list[str], comment: list[str]) -> None:
    angle = next((token for token in reversed(tokens) if token.startswith("<")), None)
    if angle is not None:
        address = angle.strip("<>")
        name = _phrase([token for token in tokens if token is not angle])
    else:
        joined = "".join(tokens).strip()
        if "@" in joined:
            # What stands before it without brackets: Jane jane@example.com
            address = next((word for word in reversed(joined.split()) if "@" in word), "")
            name = joined.removesuffix(address).strip() if address != joined else ""
        else:
            address, name = "", _phrase(tokens)
    name = charsets.line(words(name or "".join(comment)), NAME).strip("'\" ")
    address = _address(address)
    if address or name:
        found.append(Address(address, name))
    tokens.clear()
    comment.clear()


def _phrase(tokens: list[str]) -> str:
    return "".join(
        re.sub(r"\\(.)", r"\1", token.removeprefix('"').removesuffix('"')) if token.startswith('"') else token
        for token in tokens
    ).strip()


def _address(text: str) -> str:
    text = re.sub(r"\s+", "", charsets.line(words(text), 2 * ADDRESS)).removeprefix("mailto:")
    if text.startswith("@") and ":" in text:
        text = text.partition(":")[2]  # the route of old
    text = text.strip("'<>")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or len(text) > ADDRESS:
        return ""
    return f"{local}@{domain.lower().rstrip('.')}"


def message_ids(raw: bytes, limit: int = 100) -> tuple[str, ...]:
    """Message ids without brackets, in order, each once; the last `limit` of them, the nearest ones."""
    text = raw.decode("utf-8", "replace")
    found = [charsets.line(id, MESSAGE_ID).replace(" ", "") for id in _ID.findall(text)]
    if not found:
        found = [charsets.line(word, MESSAGE_ID) for word in text.split() if "@" in word]
    return tuple(dict.fromkeys(id for id in found if id))[-limit:]


def date(raw: bytes) -> Millis | None:
    """Milliseconds since 1970; None when it cannot be read or is no time that a calendar has."""
    try:
        parsed = parsedate_tz(decode(raw, longest=200))
        if parsed is None or not 1970 <= parsed[0] <= 9999:
            return None
        seconds = timegm((*parsed[:6], 0, 0, 0)) - (parsed[9] or 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return seconds * 1000 if seconds >= 0 else None
