"""What a mail says, as plain values: `mail.parse` makes them from raw bytes, whatever those are."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

Millis = int


class MailKind(StrEnum):
    """What a mail is, which decides who may answer it: nothing automatic answers anything but `normal`."""

    NORMAL = "normal"
    AUTO_REPLY = "auto_reply"  # out of office, acknowledgements (RFC 3834)
    BOUNCE = "bounce"  # RFC 3464
    FEEDBACK = "feedback"  # ARF, RFC 5965
    LIST = "list"  # mailing lists and bulk


class Address(Struct, frozen=True, gc=False):
    """`address` is as written but without spaces, with its domain in lower case; empty when there was none."""

    address: str
    name: str = ""


class Attachment(Struct, frozen=True, gc=False):
    """`index` counts within the mail; `name` is safe as a file's name; `type` is what the bytes are, not what was said.

    `inline`: the HTML shows it, by `content_id`.
    """

    index: int
    name: str
    type: str
    data: bytes
    content_id: str = ""
    inline: bool = False


class Bounced(Struct, frozen=True, gc=False):
    """A recipient of a delivery report: `action` is failed, delayed or delivered, in feedback `complained`; `status` is
    as in RFC 3463. `message_id` is that of our mail, as far as the report holds it."""

    recipient: str
    action: str
    status: str = ""
    diagnostic: str = ""
    message_id: str = ""


class Mail(Struct, frozen=True, gc=False):
    """`text` is the best readable text, whole; `fold_at` is where quoted text or a signature begins in it (characters),
    or its length. `html` is sanitised, with images as `cid:` and `remote:` names that fetch nothing; None without one.

    `date` is what the sender claims. `references` are message ids without brackets, oldest first. `problems` are codes
    of what was wrong or beyond a limit (`mail.limits`), for people to see; `whole` is false when the limits cut it.
    `headers` are decoded, in order, names in lower case, at most 200 of them.
    """

    subject: str = ""
    from_: Address = Address("")
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    date: Millis | None = None
    text: str = ""
    fold_at: int = 0
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    kind: MailKind = MailKind.NORMAL
    bounced: tuple[Bounced, ...] = ()
    forwarded_from: Address | None = None
    signed: bool = False
    language: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    whole: bool = True
