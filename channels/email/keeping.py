"""A mail's contents in the file store, and what the hub keeps of it in rows."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from channels.email.threads import subject_key
from hub.contacts import clean_text
from hub.errors import HubError, Unavailable
from hub.files import FileStore
from hub.ids import derived_id
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import FileRef, Millis, Scanned, StoredFile
from mail.model import Address, Attachment, Mail

TOGETHER = 8
"""So many attachments are written to the disk at a time."""
UPLOADER = "mail"
"""Who is said to have brought a mail's attachments."""
TEXT_LIMIT = 100_000
LONG_TEXT = 20_000
SUBJECT_LIMIT = 500
NAME_LIMIT = 200
PROBLEM_LIMIT = 50
AT_ONCE = 64 * 1024
"""So much is looked at in one go, while nobody else has the interpreter; a pause comes after."""
PAUSE_S = 0.001
"""So many bytes are hashed in less than a millisecond."""
# What servers add or change on the way; the same mail has others each time it comes.
_TRACE = frozenset(
    b"received return-path delivered-to envelope-to x-original-to x-envelope-from x-envelope-to authentication-results"
    b" received-spf arc-seal arc-message-signature arc-authentication-results x-received x-spam-status x-spam-score"
    b" x-spam-level x-spam-flag x-spam-checker-version x-spam-report x-virus-scanned status x-status x-uid x-uidl"
    b" x-keywords x-gm-message-state x-google-dkim-signature x-google-smtp-source content-length lines".split()
)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_HEADER = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n?")


def content_hash(raw: bytes) -> str:
    """What makes two mails the same one, whatever way they came: SHA-256 over it without trace headers, with its line
    ends made alike. Takes as long as reading it; not for the loop."""
    found = _HEAD_END.search(raw)
    split = len(raw) if found is None else found.end()
    digest = hashlib.sha256()
    at = 0
    while at < split:
        header = _HEADER.match(raw, at, split)
        if header is None or header.end() == at:
            break
        at = header.end()
        if header[0].partition(b":")[0].strip().lower() not in _TRACE:
            digest.update(header[0].replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n")
    digest.update(b"\n")
    view = memoryview(raw)[split:]
    # The line ends at its end are a server's matter.
    end = len(view)
    while end and view[end - 1] in b"\r\n":
        end -= 1
    for start in range(0, end, AT_ONCE):
        piece = bytes(view[start : min(start + AT_ONCE, end)])
        if piece.endswith(b"\r") and start + AT_ONCE < end and view[start + AT_ONCE] == 0x0A:
            piece = piece[:-1]
        digest.update(piece.replace(b"\r\n", b"\n"))
        if start + AT_ONCE < end:
            time.sleep(PAUSE_S)
    return digest.hexdigest()


class Kept(Struct, frozen=True):
    """What lies in the file store of a mail."""

    raw: str
    size: int
    html: str | None
    attachments: tuple[FileRef, ...]
    inline: dict[str, FileRef]
    files: tuple[StoredFile, ...]


async def keep(files: FileStore, mail: Mail, id: str, contact: str, raw: str, size: int, now: Millis) -> Kept:
    """Stores the parts of the mail `id`; storing them again changes nothing. Raises Unavailable."""
    html = None if mail.html is None else await files.keep(mail.html.encode("utf-8", "replace"))
    shown: dict[str, FileRef] = {}
    attached: list[FileRef] = []
    rows: list[StoredFile] = []
    found: list[StoredFile] = []
    for at in range(0, len(mail.attachments), TOGETHER):
        some = mail.attachments[at : at + TOGETHER]
        ids = [derived_id("fl", 0, id, str(attachment.index)) for attachment in some]
        found += await asyncio.gather(
            *(_attachment(files, each, its, contact, now) for each, its in zip(some, ids, strict=True))
        )
    for attachment, row in zip(mail.attachments, found, strict=True):
        ref = FileRef(row.id, row.name, row.size, row.type, row.width, row.height, row.thumb)
        rows.append(row)
        if attachment.inline and attachment.content_id:
            shown[cleaned(attachment.content_id, NAME_LIMIT)] = ref
        else:
            attached.append(ref)
    return Kept(raw, size, html, tuple(attached), shown, tuple(rows))


def marked(kept: Kept, scanned: Mapping[str, Scanned]) -> Kept:
    """With what a scanner said of the files, by their contents' hashes."""
    if not scanned:
        return kept
    found = ((file, scanned[file.sha256]) for file in kept.files)
    return replace(kept, files=tuple(replace(file, scan=said.scan, threat=said.threat) for file, said in found))


async def _attachment(files: FileStore, found: Attachment, id: str, contact: str, now: Millis) -> StoredFile:
    name = cleaned(found.name, NAME_LIMIT) or "attachment"
    if found.data and found.type.startswith("image/"):
        try:
            blob = await files.save(
                _pieces(found.data), name=name, declared=found.type, max_bytes=len(found.data), allowed=("image/*",)
            )
            return StoredFile(
                id, contact, UPLOADER, name, blob.size, blob.type, blob.sha256, now, blob.width, blob.height, blob.thumb
            )
        except Unavailable:
            raise
        except HubError:
            pass  # no picture, or one with too many pixels: a file like others
    sha256 = await files.keep(found.data)
    kind = cleaned(found.type, NAME_LIMIT) or "application/octet-stream"
    return StoredFile(id, contact, UPLOADER, name, len(found.data), kind, sha256, now)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


def cleaned(text: str, limit: int) -> str:
    """The text on one line, as the store takes it."""
    return clean_text(text[: limit * 2], limit=limit * 2).replace("\n", " ").strip()[:limit]


async def body(mail: Mail) -> tuple[str, int]:
    """The text as a message holds it, and where its folded part begins."""
    return _body(mail) if len(mail.text) < LONG_TEXT else await asyncio.to_thread(_body, mail)


def _body(mail: Mail) -> tuple[str, int]:
    text = mail.text[:TEXT_LIMIT]
    head = clean_text(text[: mail.fold_at], limit=TEXT_LIMIT)
    return head + clean_text(text[mail.fold_at :], limit=TEXT_LIMIT), len(head)


def address(found: Address) -> MailAddress:
    return MailAddress(cleaned(found.address, 320), cleaned(found.name, NAME_LIMIT))


def addresses(found: Iterable[Address]) -> tuple[MailAddress, ...]:
    return tuple(map(address, found))


def stored(
    mail: Mail,
    kept: Kept,
    *,
    id: str,
    contact: str,
    message: str,
    account: str,
    at: Millis,
    hash: str,
    fold_at: int,
    problems: Iterable[str] = (),
) -> StoredMail:
    """The rows of a mail that came in."""
    subject = cleaned(mail.subject, SUBJECT_LIMIT)
    return StoredMail(
        id=id,
        contact=contact,
        message=message,
        direction="in",
        account=account,
        state=MailState.RECEIVED,
        at=at,
        from_=address(mail.from_),
        to=addresses(mail.to),
        cc=addresses(mail.cc),
        reply_to=addresses(mail.reply_to),
        subject=subject,
        subject_key=subject_key(subject),
        message_id=cleaned(mail.message_id, 998),
        in_reply_to=cleaned(mail.in_reply_to, 998),
        references=tuple(cleaned(id, 998) for id in mail.references),
        date=mail.date,
        hash=hash,
        raw=kept.raw,
        size=kept.size,
        html=kept.html,
        fold_at=fold_at,
        attachments=kept.attachments,
        inline=kept.inline,
        kind=str(mail.kind),
        language=cleaned(mail.language, 35),
        problems=tuple(str(problem) for problem in dict.fromkeys((*mail.problems, *problems)))[:PROBLEM_LIMIT],
        forwarded_from=None if mail.forwarded_from is None else address(mail.forwarded_from),
    )


async def hashed(raw: bytes) -> str:
    """As `content_hash`, without holding up the loop."""
    return content_hash(raw) if len(raw) <= AT_ONCE else await asyncio.to_thread(content_hash, raw)
