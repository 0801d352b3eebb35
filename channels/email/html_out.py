"""An agent's HTML on its way: sanitised as a stranger's is, with its pictures as parts of the mail."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape

from msgspec import Struct

from mail.sanitise import InlinePicture, remote_url, sanitise

_FILE_SRC = re.compile(r"""(\ssrc\s*=\s*["']?)/files/([A-Za-z0-9_]{1,64})(?=["'\s>])""", re.IGNORECASE)
_CID = re.compile(r'(\ssrc=")cid:([^"<>]*)"')
_REMOTE = re.compile(r'\ssrc="(remote:[^"<>]*)"')


class Written(Struct, frozen=True):
    """`files` are the ids of our files that it shows, by Content-ID, and `known` the Content-IDs it took over from the
    mail it answers; `pasted` are pictures that stood in the HTML itself."""

    html: str
    files: Mapping[str, str]
    known: tuple[str, ...]
    pasted: tuple[InlinePicture, ...]


def written(html: str, domain: str, is_file: Callable[[str], bool], is_known: Callable[[str], bool]) -> Written:
    """What is kept of an agent's HTML. A picture is named by the id of a file of ours (`/files/ID` or `cid:ID`), or by
    a Content-ID of the mail that is quoted; others are left out."""
    clean = sanitise(_FILE_SRC.sub(r"\1cid:\2", html))
    pasted = {picture.content_id: picture for picture in clean.pictures}
    files: dict[str, str] = {}
    known: list[str] = []

    def named(match: re.Match[str]) -> str:
        id = unescape(match[2])
        bare = id.removesuffix(f"@{domain}")
        if is_file(bare):
            files[f"{bare}@{domain}"] = bare
            return f'{match[1]}cid:{bare}@{domain}"'
        if is_known(id):
            known.append(id)
        elif id not in pasted:
            return ""
        return match[0]

    shown = _CID.sub(named, clean.html)
    kept = tuple(picture for id, picture in pasted.items() if f"cid:{id}" in shown)
    return Written(shown, files, tuple(dict.fromkeys(known)), kept)


def outward(html: str) -> str:
    """Stored HTML as it is sent: pictures elsewhere under their own address again."""

    def named(match: re.Match[str]) -> str:
        url = remote_url(unescape(match[1]))
        return "" if url is None else f' src="{escape(url)}"'

    return _REMOTE.sub(named, html)
