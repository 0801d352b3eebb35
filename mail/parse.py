"""A mail's bytes to what it says. Nothing that comes as a mail raises, and nothing is fetched.

`parse` may take long and much memory for what is made to take it: it is called in `mail.worker`'s processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from urllib.parse import unquote

from hub import file_types
from mail import charsets, headers, recognise, zips
from mail.fold import fold_at
from mail.headers import Head
from mail.html_text import text_of
from mail.language import language_of
from mail.limits import CUT, Limits, Problem
from mail.model import Address, Attachment, Mail, MailKind
from mail.parse_body import Block, Body, File, Reader
from mail.parts import Part
from mail.sanitise import sanitise

_CID = re.compile(r'src="cid:([^"]+)"')
_MOST_INNER = 20
_DEEPEST_INNER = 5
_LONGEST_HTML_NAME = 200
# What a charset says about the language, for a text too short to tell.
_LANGUAGE_OF_CODEC = {"gb18030": "zh", "cp950": "zh", "cp932": "ja", "euc_jp": "ja", "iso2022_jp": "ja", "cp949": "ko"}


def parse(raw: bytes, limits: Limits | None = None) -> Mail:
    """The mail. MemoryError is the only error that it lets through."""
    limits = limits or Limits()
    try:
        return _parse(_with_line_feeds(raw), limits)
    except MemoryError:
        raise
    except Exception:
        # A mistake of ours or of a library's must not lose a mail.
        return headers_only(raw, Problem.CRASHED, limits)


def headers_only(raw: bytes, problem: Problem, limits: Limits | None = None) -> Mail:
    """What the head says of a mail whose rest is not looked at, because of `problem`."""
    limits = limits or Limits()
    problems = {problem}
    head, _ = headers.split(raw, 0, min(len(raw), limits.header_block), limits)
    problems |= head.problems
    part = Part(raw=b"", head=head, start=0, end=0)
    return _mail(head, part, Body(), _Reading("", None, ()), "", problems, limits)


class _Reading:
    """The body as it is read: its text, its sanitised HTML, its files."""

    def __init__(self, text: str, html: str | None, attachments: tuple[Attachment, ...]) -> None:
        self.text = text
        self.html = html
        self.attachments = attachments


def _parse(raw: bytes, limits: Limits) -> Mail:
    problems: set[Problem] = set()
    reader = Reader(limits, problems)
    top = reader.read(raw)
    body = reader.body
    text, html, pictures = _text_and_html(body.blocks, limits, problems)
    if not text.strip():
        text = _text_of_others(body, limits, 1)
    attachments = _attachments([*body.files, *pictures], html or "", limits, problems)
    if not text.strip() and not attachments:
        problems.add(Problem.EMPTY)
    return _mail(top.head, top, body, _Reading(text, html, attachments), body.charset, problems, limits)


def _with_line_feeds(raw: bytes) -> bytes:
    """Mail of old Macintoshes, whose lines end in carriage returns; nobody else's."""
    return raw.replace(b"\r", b"\n") if b"\n" not in raw and b"\r" in raw else raw


def _mail(
    head: Head, top: Part, body: Body, reading: _Reading, charset: str, problems: set[Problem], limits: Limits
) -> Mail:
    senders = headers.addresses(head.get("from"), 10, charset) or headers.addresses(head.get("sender"), 1, charset)
    from_ = next((sender for sender in senders if sender.address), next(iter(senders), Address("")))
    subject = headers.decode(head.get("subject"), charset, headers.SUBJECT)
    if not all(charsets.decode(head.get(name), "", charset)[1] for name in ("subject", "from")):
        problems.add(Problem.CHARSET)
    text = reading.text
    bounced = recognise.bounces(top, _report_parts(top, body), head, text, limits)
    kind = recognise.kind_of(head, from_, subject, bounced, top)
    forwarded = None
    if kind in (MailKind.NORMAL, MailKind.LIST):
        attached = body.mails[0][0] if len(body.mails) == 1 else None
        forwarded = recognise.forwarded_from(subject, text, attached)
    # What is passed on is what the mail is about, and so is what a report quotes.
    fold = len(text) if forwarded is not None or kind in (MailKind.BOUNCE, MailKind.FEEDBACK) else fold_at(text)

    def listed(name: str) -> tuple[Address, ...]:
        found = (address for value in head.all(name) for address in headers.addresses(value, 1000, charset))
        return tuple(dict.fromkeys(found))[:1000]

    return Mail(
        subject=subject,
        from_=from_,
        reply_to=tuple(address for address in listed("reply-to") if address.address),
        to=listed("to"),
        cc=listed("cc"),
        message_id=next(iter(headers.message_ids(head.get("message-id"))), ""),
        in_reply_to=next(iter(headers.message_ids(head.get("in-reply-to"))), ""),
        references=headers.message_ids(head.get("references"), limits.references),
        date=headers.date(head.get("date")),
        text=text,
        fold_at=fold,
        html=reading.html,
        attachments=reading.attachments,
        kind=kind,
        bounced=bounced,
        forwarded_from=forwarded,
        signed=body.signed,
        language=_language(head, text[:fold], subject, text, charset),
        headers=tuple((name, headers.decode(value, charset)) for name, value in head.fields[: limits.headers]),
        problems=tuple(sorted(problems)),
        whole=not problems & CUT,
    )


def _language(head: Head, own: str, subject: str, text: str, charset: str) -> str:
    found = language_of(own, f"{subject}\n{own}", subject, text)
    found = found or _LANGUAGE_OF_CODEC.get(charsets.codec_of(charset) or "", "")
    if found:
        return found
    said = re.match(r"\s*([a-z]{2})\b", head.text("content-language").lower())
    return said[1] if said else ""


def _text_and_html(blocks: list[Block], limits: Limits, problems: set[Problem]) -> tuple[str, str | None, list[File]]:
    texts: list[str] = []
    shown: list[str] = []
    pictures: list[File] = []
    room = limits.html
    for block in blocks:
        html = ""
        if block.html:
            clean = sanitise(block.html[: max(room, 0)], limits)
            room -= len(block.html)
            if not clean.whole or room < 0:
                problems.add(Problem.LONG_HTML)
            html = clean.html
            pictures += [File("", each.type, each.data, each.content_id) for each in clean.pictures]
        elif block.text:
            html = escape(block.text, quote=False).replace("\xa0", "&nbsp;")
            html = f'<div style="white-space:pre-wrap">{html}</div>'
        shown.append(html)
        texts.append(_best(block, html))
    text = "\n\n".join(text.strip("\n") for text in texts if text.strip())
    if len(text) > limits.text:
        problems.add(Problem.LONG_TEXT)
        text = text[: limits.text]
    return text, "".join(shown) if any(block.html for block in blocks) else None, pictures


def _best(block: Block, html: str) -> str:
    """The plain text, unless it only says that there is HTML."""
    own = block.text.strip()
    if not block.html or len(own) >= _LONGEST_HTML_NAME:
        return block.text
    found = text_of(html)
    return found if not own or len(found) > 4 * len(own) + 100 else block.text


def _text_of_others(body: Body, limits: Limits, depth: int) -> str:
    """Where the mail has no text of its own: that of the mails attached to it, or of what a report says."""
    texts: list[str] = []
    for head, raw in body.mails[:_MOST_INNER]:
        reader = Reader(limits, set())
        reader.read(raw)
        text, _, _ = _text_and_html(reader.body.blocks, limits, set())
        if not text.strip() and depth < _DEEPEST_INNER:
            text = _text_of_others(reader.body, limits, depth + 1)
        texts.append("\n\n".join(part for part in (head.text("subject"), text.strip()) if part))
    if not texts:
        texts = [charsets.clean(charsets.decode(data[:10_000])[0]).strip() for _, data in body.reports]
    return "\n\n".join(text for text in texts if text)[: limits.text]


def _report_parts(top: Part, body: Body) -> list[tuple[str, bytes]]:
    """The parts of a report, and of a bounce the mail that came back."""
    returned = [("message/rfc822", raw) for _, raw in body.mails[:1]]
    return [*body.reports, *returned] if body.reports or top.head.get("x-failed-recipients") else []


def _attachments(files: Iterable[File], html: str, limits: Limits, problems: set[Problem]) -> tuple[Attachment, ...]:
    shown = {unquote(id) for id in _CID.findall(html)}
    seen: set[str] = set()
    attachments: list[Attachment] = []
    for file in files:
        if file.content_id in seen and file.content_id.endswith("@inline.invalid"):
            continue  # the same picture in the HTML twice
        seen.add(file.content_id)
        type = _type(file)
        if type == "application/zip" or file.data.startswith(b"PK\x03\x04"):
            if zips.is_bomb(file.data, limits):
                problems.add(Problem.ZIP_BOMB)
        elif file.data.startswith(b"\x1f\x8b") and zips.gzip_is_bomb(file.data, limits):
            problems.add(Problem.ZIP_BOMB)
        attachments.append(
            Attachment(
                index=len(attachments),
                name=_name(file, type),
                type=type,
                data=file.data,
                content_id=file.content_id,
                inline=bool(file.content_id) and file.content_id in shown,
            )
        )
    return tuple(attachments)


def _type(file: File) -> str:
    if file.type == "message/rfc822":
        return file.type
    kind = file_types.kind_of(file.data[: file_types.HEAD], file.type, lambda: zips.look_into(file.data))
    return kind.type


def _name(file: File, type: str) -> str:
    if type == "message/rfc822":
        return file_types.safe_name(file.name.replace("/", "_").replace("\\", "_"))
    return file_types.safe_name(file.name, type)
