"""A mail's HTML as the page that an agent's browser shows: in a frame of its own, whose policy lets nothing out.

What `mail.sanitise` left is written into a document. Its pictures get addresses of ours, signed, as the frame has no
origin and so no cookies; pictures elsewhere get none until the agent asks for them.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from collections.abc import Callable, Iterable
from hashlib import sha256
from html import escape, unescape
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

from mail.sanitise import remote_url

HOUR_S = 3600
MOST_PICTURES = 500
LONGEST_URL = 4000
# In what the sanitiser wrote, attributes stand in double quotes; the longest are its addresses.
_PICTURE = re.compile(r'(<img\b[^<>]*?) src="(cid|remote):([^"<>]*)"')

_SHEET = re.compile(r"<style>.*?</style>", re.S)

STYLE = """
html{background:#fff;color-scheme:light}
body{margin:0;padding:2px;font:14px/20px "Inter Variable",Inter,system-ui,-apple-system,"Segoe UI","Noto Sans",
"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#14202b;overflow-wrap:anywhere}
img{max-width:100%;height:auto}
img:not([src]){display:inline-block;min-width:16px;min-height:16px;box-sizing:border-box;border:1px dashed #838d96;
border-radius:4px;background:#f1f3f4;color:#4b5a68;font-size:12px}
table{max-width:100%}
pre{white-space:pre-wrap}
a{color:#1d5fbf}
blockquote{margin:8px 0 8px 2px;padding-left:12px;border-left:2px solid #e1e5e8;color:#4b5a68}
"""


class Pointed(Struct, frozen=True):
    """What a signed address leads to: a file of the mail by its id, or a picture elsewhere by its URL."""

    kind: Literal["file", "remote"]
    name: str


class Signer:
    """Signs the addresses of a mail's pictures. An address is good for one to two hours, and stays the same within
    one, so that browsers need not fetch it twice."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, b"mail.picture", sha256).digest()

    def sign(self, mail: str, pointed: Pointed, now_s: int) -> str:
        """The query of the address."""
        until = (now_s // HOUR_S + 2) * HOUR_S
        name = urlsafe_b64encode(pointed.name.encode()).decode().rstrip("=")
        return f"{pointed.kind}={name}&until={until}&proof={self._proof(mail, pointed, until)}"

    def read(self, mail: str, query: dict[str, str], now_s: int) -> Pointed | None:
        """None for what was not signed for this mail, or too long ago."""
        kind: Literal["file", "remote"] = "file" if "file" in query else "remote"
        given = query.get(kind, "")
        try:
            until = int(query.get("until", ""))
            pointed = Pointed(kind, urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode())
        except (ValueError, BinasciiError):
            return None
        proof = query.get("proof", "")
        right = proof.isascii() and hmac.compare_digest(self._proof(mail, pointed, until), proof)
        return pointed if right and now_s < until else None

    def _proof(self, mail: str, pointed: Pointed, until: int) -> str:
        said = "\0".join((mail, pointed.kind, pointed.name, str(until)))
        return hmac.new(self._key, said.encode(), sha256).hexdigest()[:40]


def document(html: str, address: Callable[[Pointed], str], files: dict[str, str], *, remote: bool, lang: str) -> str:
    """The page. `address` makes addresses of pictures, `files` are those of the mail by their Content-ID, and with
    `remote` those elsewhere are shown, too."""
    left = MOST_PICTURES

    def picture(found: re.Match[str]) -> str:
        nonlocal left
        pointed = _pointed(found[2], unescape(found[3]), files, remote=remote)
        if pointed is None or left <= 0:
            return found[1]
        left -= 1
        return f'{found[1]} src="{escape(address(pointed))}"'

    return (
        f'<!doctype html><html lang="{escape(lang)}"><head><meta charset="utf-8"><title></title>'
        f'<meta name="viewport" content="width=device-width"><base target="_blank"><style>{STYLE}</style></head>'
        f'<body dir="auto">{_PICTURE.sub(picture, html)}</body></html>'
    )


def _pointed(kind: str, name: str, files: dict[str, str], *, remote: bool) -> Pointed | None:
    if kind == "cid":
        file = files.get(unquote(name))
        return None if file is None else Pointed("file", file)
    url = remote_url(f"remote:{name}") if remote else None
    return None if url is None or len(url) > LONGEST_URL else Pointed("remote", url)


def has_remote(html: str) -> bool:
    """Whether pictures elsewhere are waiting to be asked for."""
    return any(found[2] == "remote" for found in _PICTURE.finditer(html))


def quoted(html: str) -> str:
    """What an answer quotes: without the style sheet, which would reach the answer's own words."""
    return _SHEET.sub("", html)


def policy(origins: Iterable[str], mail: str) -> str:
    """The Content-Security-Policy of the page: pictures of ours, its own styles, and nothing else, for anybody."""
    own = sorted(origins)
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["img-src", *(f"{origin}/mails/{mail}/image" for origin in own)]),
            "style-src 'unsafe-inline'",
            "base-uri 'none'",
            "form-action 'none'",
            " ".join(["frame-ancestors", *own]),
            "sandbox allow-popups allow-popups-to-escape-sandbox",
        ]
    )


_TAGS = re.compile(r"<(/?)([a-z][a-z0-9]*)\b([^<>]*)>|([^<]+)", re.I)
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt", "figure", "footer"),
        *("form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre"),
        *("section", "table", "td", "th", "tr", "ul"),
    }
)
_SPACED = frozenset(["blockquote", "dl", "h1", "h2", "h3", "h4", "ol", "p", "pre", "ul"])
_HEIGHT = re.compile(r'\bheight="?(\d{1,4})"?|\bheight:\s*(\d{1,4})px')
LINE, LINE_LETTERS, SPACE = 20, 88, 14
PICTURE_HEIGHT = 120


def height_of(html: str) -> int:
    """About how high the page is, in pixels at the usual width: nobody can measure a frame without an origin. Letters
    of Chinese and Japanese count twice."""
    height, letters = 16, 0

    def end_line() -> None:
        nonlocal height, letters
        if letters:
            height += LINE * -(-letters // LINE_LETTERS)
        letters = 0

    for closing, name, rest, text in _TAGS.findall(_SHEET.sub("", html)):
        name = name.lower()
        if text:
            stripped = unescape(text).strip()
            letters += len(stripped) + sum(letter > "\u2e7f" for letter in stripped)
        elif name in _BLOCKS:
            blank = name == "br" and not letters
            end_line()
            height += LINE if blank else SPACE if closing and name in _SPACED else 0
        elif name == "img" and "src=" in rest:
            found = _HEIGHT.search(rest)
            height += int(found[1] or found[2]) if found else PICTURE_HEIGHT
    end_line()
    return height
