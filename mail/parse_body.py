"""From a mail's parts to what is read: its text, its HTML, its files, what lies in envelopes among them."""

from __future__ import annotations

import re

from msgspec import Struct, field

from mail import charsets, embedded, smime, tnef
from mail.headers import Head, decode
from mail.limits import Limits, Problem
from mail.parts import Part, body, read

_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_ENVELOPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_MESSAGES = frozenset({"message/rfc822", "message/global"})
_REPORTS = frozenset(
    {
        *("message/delivery-status", "message/global-delivery-status", "message/feedback-report"),
        *("message/disposition-notification", "text/rfc822-headers", "message/global-headers"),
    }
)
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
# Text that is a file, whatever is said of it.
_TEXT_FILES = frozenset(
    {
        *("text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv", "text/css", "text/javascript"),
        *("text/xml", "text/rtf", "text/markdown", "text/x-patch", "text/x-diff", "text/x-python", "text/ecmascript"),
    }
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_ENRICHED = re.compile(r"<(/?[a-z0-9-]{1,40})>", re.I)
_MOST_ENVELOPES = 10


class Block(Struct):
    """A piece of the body: as plain text, as HTML, or the same as both."""

    text: str = ""
    html: str = ""


class File(Struct):
    name: str
    type: str
    data: bytes
    content_id: str = ""


class Body(Struct):
    """All that is in a mail. `mails` are the heads of attached mails with their bytes, `reports` the types and bytes of
    the parts of a report; `charset` is the first that a text was labelled with."""

    blocks: list[Block] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    mails: list[tuple[Head, bytes]] = field(default_factory=list)
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    signed: bool = False
    charset: str = ""


class Reader:
    def __init__(self, limits: Limits, problems: set[Problem]) -> None:
        self.body = Body()
        self._limits = limits
        self._problems = problems
        self._parts = 0
        self._envelopes = 0
        self._depth = 0
        self._unpacked = 0

    def read(self, raw: bytes) -> Part:
        """Adds what is in the mail, and tells its own part."""
        top = read(raw, self._limits, self._problems, self._parts)
        self._parts += sum(1 for _ in top.walk())
        self.body.blocks += self._blocks(top, root=True)
        return top

    def _blocks(self, part: Part, *, root: bool = False) -> list[Block]:
        """The text in and below this part; its files are put aside."""
        if not part.multipart:
            return self._leaf(part, root=root)
        if self._depth >= self._limits.depth:
            self._problems.add(Problem.DEEP)  # by envelopes, each of which begins anew
            return []
        self._depth += 1
        try:
            return self._below(part)
        finally:
            self._depth -= 1

    def _below(self, part: Part) -> list[Block]:
        if not part.children:
            return self._plain(part) if part.start < part.end else []
        match part.type:
            case "multipart/alternative":
                return self._alternative(part)
            case "multipart/signed":
                self.body.signed = True
                children = [child for child in part.children if child.type not in _SIGNATURES]
            case "multipart/encrypted":
                self._problems.add(Problem.ENCRYPTED)
                children = part.children
            case "multipart/appledouble" | "multipart/x-appledouble":
                children = [child for child in part.children if child.type != "application/applefile"]
            case _:
                children = part.children
        return [block for child in children for block in self._blocks(child)]

    def _alternative(self, part: Part) -> list[Block]:
        plain: list[Block] = []
        rich: list[Block] = []
        for child in part.children:
            blocks = self._blocks(child)
            if any(block.html for block in blocks):
                rich = blocks
            elif any(block.text.strip() for block in blocks):
                plain = blocks
        if not rich or not plain:
            return rich or plain
        text = "\n\n".join(block.text for block in plain if block.text)
        if len(rich) == 1:
            return [Block(text, rich[0].html)]
        # The HTML holds more than the text stands for: files between paragraphs, say.
        return [Block(text, rich[0].html or rich[0].text), *(Block("", each.html or each.text) for each in rich[1:])]

    def _leaf(self, part: Part, *, root: bool) -> list[Block]:
        if part.type in _MESSAGES:
            self._mail(body(part, self._limits, self._problems))
            return []
        if part.type in _REPORTS:
            self.body.reports.append((part.type, body(part, self._limits, self._problems)))
            return []
        if part.type in ("message/partial", "message/external-body"):
            self._problems.add(Problem.FRAGMENT)
            return self._plain(part)
        if part.type in _ENVELOPES:
            return self._envelope(part)
        if part.type in _TNEF or part.file_name.lower() == "winmail.dat":
            return self._tnef(part)
        if part.type.startswith("text/") and part.type not in _TEXT_FILES and not _is_file(part, root):
            return self._html(part) if part.type == "text/html" else self._plain(part)
        if part.type == "application/xhtml+xml" and not _is_file(part, root):
            return self._html(part)
        self._file(part)
        return []

    def _file(self, part: Part) -> None:
        data = body(part, self._limits, self._problems)
        self._add(File(part.file_name, part.type, data, part.content_id))

    def _add(self, file: File) -> None:
        if len(self.body.files) < self._limits.attachments:
            self.body.files.append(file)
        else:
            self._problems.add(Problem.MANY_PARTS)

    def _mail(self, data: bytes) -> None:
        problems: set[Problem] = set()
        # Not taken apart: whoever opens it sees it as it is.
        inner = read(data, Limits(parts=1, depth=1), problems)
        self.body.mails.append((inner.head, data))
        self._add(File(f"{inner.head.text('subject')[:80] or 'message'}.eml", "message/rfc822", data))

    def _text(self, data: bytes, charset: str) -> str:
        if charset and not self.body.charset:
            self.body.charset = charset
        wide = (charsets.codec_of(charset) or "").startswith(("utf-16", "utf-32"))
        if b"\0" in data and not wide and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            self._problems.add(Problem.NUL)
            data = data.replace(b"\0", b"")
        text, sure = charsets.decode(data, charset, self.body.charset)
        if not sure:
            self._problems.add(Problem.CHARSET)
        return text

    def _plain(self, part: Part) -> list[Block]:
        data, files = embedded.take_out(body(part, self._limits, self._problems), self._problems)
        for file in files:
            self._add(File(decode(file.name, self.body.charset), "", file.data))
        text = charsets.clean(self._text(data[: 4 * self._limits.text], part.parameters.get("charset", "")))
        if len(data) > 4 * self._limits.text:
            self._problems.add(Problem.LONG_TEXT)
        if part.type in ("text/enriched", "text/richtext"):
            text = _ENRICHED.sub("", text.replace("<<", "\ufff0")).replace("\ufff0", "<")
        if part.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, part.parameters.get("delsp", "").lower() == "yes")
        if len(text) > self._limits.text:
            self._problems.add(Problem.LONG_TEXT)
            text = text[: self._limits.text]
        return [Block(text=text)] if text.strip() else []

    def _html(self, part: Part) -> list[Block]:
        data = body(part, self._limits, self._problems)
        return self._html_block(data, part.parameters.get("charset", ""))

    def _html_block(self, data: bytes, charset: str) -> list[Block]:
        if not charset and (meta := _META_CHARSET.search(data, 0, 4096)) is not None:
            charset = meta[1].decode("ascii")
        if len(data) > 4 * self._limits.html:
            self._problems.add(Problem.LONG_HTML)
        html = charsets.clean(self._text(data[: 4 * self._limits.html], charset))
        return [Block(html=html)] if html.strip() else []

    def _envelope(self, part: Part) -> list[Block]:
        data = body(part, self._limits, self._problems)
        self._envelopes += 1
        if self._envelopes <= _MOST_ENVELOPES and not part.type.endswith("-signature"):
            content, signed = smime.open_envelope(data, self._limits, self._problems)
            self.body.signed = self.body.signed or signed
            if content is not None and self._room_for(content):
                inner = read(content, self._limits, self._problems, self._parts)
                self._parts += sum(1 for _ in inner.walk())
                return self._blocks(inner)
        self._add(File(part.file_name or "smime.p7m", part.type, data, part.content_id))
        return []

    def _tnef(self, part: Part) -> list[Block]:
        data = body(part, self._limits, self._problems)
        opened = tnef.read(data, self._limits, self._problems)
        if opened is None:
            self._add(File(part.file_name, part.type, data))
            return []
        for file in opened.files:
            if not self._room_for(file.data):
                self._problems.add(Problem.TNEF)
                continue
            if file.data[:4] == tnef.SIGNATURE:
                self._problems.add(Problem.TNEF)  # a mail in the mail, kept as it is
            self._add(File(charsets.line(file.name, 500), file.type, file.data, file.content_id))
        text, html = charsets.clean(opened.text), charsets.clean(opened.html)
        return [Block(text, html)] if text.strip() or html.strip() else []

    def _room_for(self, data: bytes) -> bool:
        self._unpacked += len(data)
        return self._unpacked <= self._limits.unpacked


def _is_file(part: Part, root: bool) -> bool:
    """Whether text is meant as a file: it says so, or it has a name and is not all that there is."""
    return part.disposition == "attachment" or (bool(part.file_name) and not root)


def unflow(text: str, delete_space: bool) -> str:
    """Paragraphs in one line each, of text whose lines end in a space where they go on (RFC 3676)."""
    lines: list[str] = []
    joining = False
    depth = 0
    for line in text.split("\n"):
        stripped = line.lstrip(">")
        quoted = len(line) - len(stripped)
        content = stripped.removeprefix(" ")
        if joining and quoted == depth and content != "-- ":
            lines[-1] += content
        else:
            lines.append((">" * quoted + " " if quoted else "") + content)
        depth = quoted
        joining = content.endswith(" ") and content != "-- "
        if joining and delete_space:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)
