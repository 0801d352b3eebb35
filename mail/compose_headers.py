"""Header fields as they go over the wire: words, names, addresses and parameters in ASCII, folded.

Nothing that a person or a mail brings in can begin a line of its own here: what is no printable character becomes a
space first. Python's own generator is not used for the head, as it has refolded names with a comma into two addresses
(CVE-2025-1795) and lines into longer ones; the tests read what is made here with Python's parser.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from unicodedata import category

import idna

from hub.errors import InvalidInput
from mail.model import Address

LINE = 76
WORD = LINE - len("Reply-To: ")
"""So long a word may be: at most 75 characters (RFC 2047, section 2), and no line with one has more than 76, not even
the first, where the field's name stands."""
ID_LIMIT = 500
ADDRESS_LIMIT = 254
LOCAL_LIMIT = 64

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
_DOT_ATOM = re.compile(rf"{_ATOM.pattern}(\.{_ATOM.pattern})*")
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{|}~-]+")
_ID = re.compile(r"[!-;=?-~]+")  # printable ASCII but the brackets
_BAD_LOCAL = re.compile(r'[\s"\\<>()\[\]:;,@]')


def clean(text: str) -> str:
    """The text on one line: controls, line ends, surrogates and characters that turn the writing round are spaces."""
    kept = (" " if category(ch) in ("Cc", "Cs", "Zl", "Zp") or ch in _TURNING else ch for ch in text)
    return " ".join("".join(kept).split())


_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def fold(name: str, tokens: Sequence[str]) -> bytes:
    """`Name: token token` in lines of at most 76 characters where the tokens allow it, with its line end."""
    lines, line = [], f"{name}:"
    for token in tokens:
        if len(line) + 1 + len(token) > LINE and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {token}"
    lines.append(line)
    return "\r\n".join(lines).encode() + b"\r\n"


def words(text: str) -> list[str]:
    """Free text, such as a subject, as words for `fold`; encoded (RFC 2047) unless it is plain and short enough."""
    text = clean(text)
    plain = text.split(" ")
    if text.isascii() and "=?" not in text and all(len(word) <= WORD for word in plain):
        return plain
    return _encoded(text)


def _encoded(text: str) -> list[str]:
    """Encoded words of at most `WORD` characters, cut between characters; spaces between them count for nothing."""
    plain = sum(byte in _Q_SAFE or byte == 0x20 for byte in text.encode())
    q = plain * 3 > len(text.encode()) * 2
    room = WORD - len("=?utf-8?q??=")
    found: list[str] = []
    chunk = b""
    for ch in text:
        longer = chunk + ch.encode()
        if len(_q(longer) if q else b64encode(longer)) > room:
            found.append(_word(chunk, q))
            longer = ch.encode()
        chunk = longer
    return [*found, _word(chunk, q)]


def _q(data: bytes) -> str:
    return "".join(chr(b) if b in _Q_SAFE else "_" if b == 0x20 else f"={b:02X}" for b in data)


def _word(data: bytes, q: bool) -> str:
    return f"=?utf-8?q?{_q(data)}?=" if q else f"=?utf-8?b?{b64encode(data).decode()}?="


def phrase(name: str) -> list[str]:
    """A display name as words: bare, quoted or encoded."""
    name = clean(name)
    if not name:
        return []
    parts = name.split(" ")
    if name.isascii() and "=?" not in name:
        if all(_ATOM.fullmatch(part) and len(part) <= WORD for part in parts):
            return parts
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        if len(quoted) + 2 <= WORD:
            return [f'"{quoted}"']
    return _encoded(name)


def spec(address: str, path: str = "address") -> str:
    """The address as it stands in headers and in SMTP: its name quoted where it must be, its domain in ASCII.

    Raises InvalidInput for what is no address that mail can be sent to. A name beyond ASCII stays as it is (RFC 6532).
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or _BAD_LOCAL.search(local) or any(category(ch)[0] in "CZ" for ch in local):
        raise InvalidInput(path, f"expected an e-mail address, got {clean(address)[:80]!r}")
    try:
        ascii_domain = idna.encode(domain.rstrip("."), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise InvalidInput(path, f"expected a domain such as example.org, got {clean(domain)[:80]!r}") from None
    if len(local.encode()) > LOCAL_LIMIT or len(local.encode()) + 1 + len(ascii_domain) > ADDRESS_LIMIT:
        raise InvalidInput(path, "expected an e-mail address of at most 254 characters")
    if local.isascii() and not _DOT_ATOM.fullmatch(local):
        local = f'"{local}"'
    return f"{local}@{ascii_domain}"


def mailboxes(addresses: Iterable[Address], path: str) -> list[str]:
    """A list of addresses as words for `fold`. Raises InvalidInput."""
    found: list[str] = []
    for i, address in enumerate(addresses):
        written = spec(address.address, f"{path}[{i}].address")
        name = phrase(address.name)
        if found:
            found[-1] += ","
        found += [*name, f"<{written}>"] if name else [written]
    return found


def is_message_id(id: str) -> bool:
    """Whether it can stand between < and > in a header of ours."""
    return len(id) <= ID_LIMIT and _ID.fullmatch(id) is not None


def parameters(**values: str) -> list[str]:
    """MIME parameters as words for `fold`, each with a semicolon before it; long or foreign ones as in RFC 2231."""
    found: list[str] = []
    for name, value in values.items():
        value = clean(value)
        if _TOKEN.fullmatch(value) and len(name) + len(value) < LINE - 4:
            found.append(f"{name}={value}")
        elif value.isascii() and len(name) + len(value) < LINE - 8:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            found.append(f'{name}="{quoted}"')
        else:
            found += _continued(name, value)
    return found


def _continued(name: str, value: str) -> list[str]:
    pieces: list[str] = []
    piece = "utf-8''"
    for ch in value:
        # Letters and digits and a few marks; "%" and what quotes or ends must not stand alone.
        coded = ch if ch.isascii() and (ch.isalnum() or ch in "-._~") else "".join(f"%{b:02X}" for b in ch.encode())
        if len(piece) + len(coded) > LINE - len(name) - 10:
            pieces.append(piece)
            piece = ""
        piece += coded
    pieces.append(piece)
    if len(pieces) == 1:
        return [f"{name}*={piece}"]
    return [f"{name}*{i}*={piece}" for i, piece in enumerate(pieces)]
