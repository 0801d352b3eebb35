"""A letter as the bytes that go over the wire: plain text, HTML beside it, pictures in it, files with it.

The same letter gives the same bytes, so that what is sent again after a crash is the same mail. Time and ids are the
caller's.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from html import escape

from msgspec import Struct

from hub.errors import InvalidInput, TooLarge
from mail.compose_headers import clean, fold, is_message_id, mailboxes, parameters, spec, words
from mail.model import Address, Millis

RECIPIENTS = 100
SUBJECT = 500
REFERENCES = 20
LARGEST = 25_000_000
NAME = 150

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LINK = re.compile(r"(https|mailto):[!-;=?-~]{1,900}")


class Enclosure(Struct, frozen=True):
    """A file of a letter; the HTML shows it as `cid:content_id` if that is given."""

    name: str
    type: str
    data: bytes
    content_id: str = ""


class Letter(Struct, frozen=True):
    """What is to be sent. Message ids are without brackets; `references` are oldest first.

    `bcc` stand in no header. `automatic` is the value of Auto-Submitted (RFC 3834) for what no person wrote.
    `unsubscribe` is a mailto: or https: link, for what is sent to people who did not ask for it just now: nothing that
    the hub sends today (docs/architecture.md, Mail).
    """

    from_: Address
    message_id: str
    date: Millis
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    html: str | None = None
    inline: tuple[Enclosure, ...] = ()
    attachments: tuple[Enclosure, ...] = ()
    automatic: str = ""
    unsubscribe: str = ""
    language: str = ""


def recipients(letter: Letter) -> list[str]:
    """Whom the server is to give it to, each once, as SMTP writes them. Raises InvalidInput."""
    groups = (("to", letter.to), ("cc", letter.cc), ("bcc", letter.bcc))
    found = [spec(a.address, f"{name}[{i}].address") for name, group in groups for i, a in enumerate(group)]
    if not found:
        raise InvalidInput("to", "expected at least one recipient")
    if len(found) > RECIPIENTS:
        raise InvalidInput("to", f"expected at most {RECIPIENTS} recipients, got {len(found)}")
    return list(dict.fromkeys(found))


def needs_utf8(letter: Letter) -> bool:
    """Whether the servers on the way must know RFC 6531: an address has a name beyond ASCII."""
    groups = (letter.to, letter.cc, letter.bcc, letter.reply_to, (letter.from_,))
    return any(not a.address.rpartition("@")[0].isascii() for group in groups for a in group)


def compose(letter: Letter, largest: int = LARGEST) -> bytes:
    """The whole mail with CRLF line ends. Raises InvalidInput for what cannot be written, TooLarge."""
    recipients(letter)
    if len(letter.subject) > SUBJECT:
        raise InvalidInput("subject", f"expected at most {SUBJECT} characters")
    if not is_message_id(letter.message_id):
        raise InvalidInput("message_id", "expected a message id without brackets")
    raw = b"".join([*_head(letter), b"MIME-Version: 1.0\r\n", _body(letter)])
    if len(raw) > largest:
        raise TooLarge(
            f"This mail is too large: {len(raw)} bytes, at most {largest} can be sent.",
            code="mail.too_large",
            details={"size": len(raw), "largest": largest},
        )
    return raw


def _head(letter: Letter) -> list[bytes]:
    at = datetime.fromtimestamp(letter.date / 1000, UTC)
    lines = [fold("Date", [format_datetime(at)]), fold("From", mailboxes([letter.from_], "from"))]
    if letter.reply_to:
        lines.append(fold("Reply-To", mailboxes(letter.reply_to, "reply_to")))
    if letter.to or not letter.cc:
        lines.append(fold("To", mailboxes(letter.to, "to") or ["undisclosed-recipients:;"]))
    if letter.cc:
        lines.append(fold("Cc", mailboxes(letter.cc, "cc")))
    lines.append(fold("Subject", words(letter.subject)))
    lines.append(fold("Message-ID", [f"<{letter.message_id}>"]))
    if is_message_id(letter.in_reply_to):
        lines.append(fold("In-Reply-To", [f"<{letter.in_reply_to}>"]))
    known = [id for id in letter.references if is_message_id(id)]
    if len(known) > REFERENCES:
        known = [known[0], *known[-REFERENCES + 1 :]]  # as RFC 5537 cuts them: the beginning and the end are kept
    if known:
        lines.append(fold("References", [f"<{id}>" for id in known]))
    if _LANGUAGE.fullmatch(letter.language):
        lines.append(fold("Content-Language", [letter.language]))
    if letter.automatic:
        lines.append(fold("Auto-Submitted", [clean(letter.automatic)]))
        # Not in any RFC, but what other automata go by: Exchange, and vacation programs since BSD's.
        lines += [fold("X-Auto-Response-Suppress", ["All"]), fold("Precedence", ["bulk"])]
    if _LINK.fullmatch(letter.unsubscribe):
        lines.append(fold("List-Unsubscribe", [f"<{letter.unsubscribe}>"]))
        if letter.unsubscribe.startswith("https:"):
            lines.append(fold("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]))
    return lines


def _body(letter: Letter) -> bytes:
    def boundary(name: str, parts: list[bytes]) -> str:
        """One that none of the parts holds; `=_` occurs in nothing that is encoded."""
        made = ""
        for attempt in range(1000):
            made = f"=_{sha256(f'{letter.message_id} {name} {attempt}'.encode()).hexdigest()[:32]}"
            if not any(made.encode() in part for part in parts):
                break
        return made

    def multipart(kind: str, parts: list[bytes], **more: str) -> bytes:
        mark = boundary(kind, parts)
        head = fold("Content-Type", _joined(f"multipart/{kind}", parameters(boundary=mark, **more)))
        between = f"--{mark}\r\n".encode()
        return head + b"\r\n" + b"".join(between + part + b"\r\n" for part in parts) + f"--{mark}--\r\n".encode()

    body = _text("plain", letter.text)
    if letter.html is not None:
        html = _text("html", document(letter.html, letter.language))
        if letter.inline:
            html = multipart("related", [html, *(_file(file) for file in letter.inline)], type="text/html")
        body = multipart("alternative", [body, html])
    if letter.attachments:
        body = multipart("mixed", [body, *(_file(file) for file in letter.attachments)])
    return body


def document(html: str, language: str = "") -> str:
    """A fragment of HTML as a whole document."""
    if re.match(r"\s*<(!doctype|html)\b", html, re.IGNORECASE):
        return html
    lang = f' lang="{escape(language)}"' if language else ""
    return f'<!DOCTYPE html>\n<html{lang}>\n<head><meta charset="utf-8"></head>\n<body>{html}</body>\n</html>\n'


def _joined(first: str, more: list[str]) -> list[str]:
    """A value and its parameters, with the semicolons between them."""
    tokens = [first, *more]
    return [f"{token};" for token in tokens[:-1]] + tokens[-1:]


def _text(kind: str, text: str) -> bytes:
    """A text part, quoted-printable, or in base64 where that is shorter (Chinese); no line is longer than 76."""
    data = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    quoted = b2a_qp(data, istext=True)
    encoding, coded = "quoted-printable", quoted
    if len(quoted) > len(data) * 1.4 + 80:
        encoding, coded = "base64", _base64(data)
    head = fold("Content-Type", _joined(f"text/{kind}", parameters(charset="utf-8")))
    return head + fold("Content-Transfer-Encoding", [encoding]) + b"\r\n" + coded + b"\r\n"


def _file(file: Enclosure) -> bytes:
    type = file.type.lower() if _TYPE.fullmatch(file.type.lower()) else "application/octet-stream"
    name = shortened(clean(file.name).replace("/", "_").replace("\\", "_"), NAME) or "attachment"
    encoding, coded = "base64", b""
    if type.startswith(("message/", "multipart/")):
        # A mail inside a mail must not be encoded (RFC 2046, 5.2.1); what cannot stand bare is only a file.
        if type == "message/rfc822" and _bare(file.data):
            encoding, coded = "7bit", file.data
        else:
            type = "application/octet-stream"
    where = "inline" if file.content_id else "attachment"
    head = fold("Content-Type", _joined(type, parameters(name=name))) + fold("Content-Transfer-Encoding", [encoding])
    head += fold("Content-Disposition", _joined(where, parameters(filename=name)))
    if file.content_id:
        if not is_message_id(file.content_id):
            raise InvalidInput("inline", "expected a content id without brackets")
        head += fold("Content-ID", [f"<{file.content_id}>"])
    return head + b"\r\n" + (coded or _base64(file.data)) + b"\r\n"


def shortened(name: str, most: int) -> str:
    """A file's name of at most so many characters that keeps its extension."""
    if len(name) <= most:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 12:
        return name[:most]
    return f"{stem[: most - len(extension) - 1]}.{extension}"


def _bare(data: bytes) -> bool:
    """Whether it can go over any wire as it is: ASCII, CRLF, no long line."""
    if not data or b"\0" in data or not data.isascii() or re.search(rb"\r(?!\n)|(?<!\r)\n", data):
        return False
    return all(len(line) <= 998 for line in data.split(b"\r\n"))


def _base64(data: bytes) -> bytes:
    coded = b2a_base64(data, newline=False)
    return b"\r\n".join(coded[i : i + 76] for i in range(0, len(coded), 76))
