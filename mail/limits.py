"""How much of a mail is looked at, and the codes of what was wrong with it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

SECONDS = 5.0
"""Of a processor's time for one mail; then the worker that reads it ends."""
PATIENCE = 4.0
"""By the clock on the wall a mail may take so many times as long, as the machine may have others to serve."""
MEMORY = 256 * 1024 * 1024
"""Bytes that a worker may hold."""


class Limits(Struct, frozen=True):
    """Of one mail. Sizes are in bytes, or characters of text; what is beyond is left out, and the mail is marked."""

    size: int = 64 * 1024 * 1024
    parts: int = 10_000
    depth: int = 100
    headers: int = 200
    header_block: int = 256 * 1024
    header: int = 16 * 1024
    recipients: int = 1000
    references: int = 100
    attachments: int = 1000
    unpacked: int = 64 * 1024 * 1024  # of all that is compressed or wrapped in the mail
    ratio: int = 100  # of what is compressed, beyond its first megabyte
    text: int = 1_000_000
    html: int = 2_000_000
    css: int = 100_000


class Problem(StrEnum):
    """What was wrong with a mail, or beyond a limit. None of these keeps a mail from becoming a contact."""

    CHARSET = "charset"  # no charset or a wrong one was named, and a guess was needed
    HEADERS = "headers"  # lines in the head that are no headers
    STRUCTURE = "structure"  # boundaries that are missing or named twice
    ENCODING = "encoding"  # base64, quoted-printable or uuencode with mistakes
    NUL = "nul"  # zero bytes, which were left out
    TNEF = "tnef"  # a winmail.dat that could not be read whole
    SMIME = "smime"  # a signed envelope that could not be opened
    ENCRYPTED = "encrypted"
    FRAGMENT = "fragment"  # one part of several mails (message/partial), or what lies elsewhere (external-body)
    ZIP_BOMB = "zip_bomb"  # something compressed holds far more than it weighs
    EMPTY = "empty"  # neither text nor attachments
    # From here on the mail was cut.
    LONG_HEADERS = "long_headers"
    LONG_TEXT = "long_text"
    LONG_HTML = "long_html"
    MANY_PARTS = "many_parts"
    DEEP = "deep"
    TOO_BIG = "too_big"  # more than a worker is given
    TIME = "time"
    MEMORY = "memory"
    CRASHED = "crashed"  # the worker died of it


CUT = frozenset(
    {
        Problem.LONG_HEADERS,
        Problem.LONG_TEXT,
        Problem.LONG_HTML,
        Problem.MANY_PARTS,
        Problem.DEEP,
        Problem.TOO_BIG,
        Problem.TIME,
        Problem.MEMORY,
        Problem.CRASHED,
    }
)
"""The problems by which a mail is not whole."""
