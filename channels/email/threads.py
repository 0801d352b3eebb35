"""Which contact a mail belongs to: pure functions of the mail and of what is known about those it names.

By a reply token, whoever sends it; then by References to a mail that is known, from somebody who is in that thread;
then by the subject of an answer, from somebody who exchanged mails under it of late. Headers are easily forged: what
proves nothing never leads into a thread whose people the sender (and where answers to him would go) is not among.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from hub.mails import StoredMail
from mail import token
from mail.model import Address, Mail

_PREFIX = re.compile(
    r"^\s*(?:re|aw|antw|antwort|sv|vs|odp|rif|ref|res|r|fwd?|fw|wg|tr|rv|enc|doorst|转发|轉寄|答复|答覆|回复|回覆)"
    r"\s*(?:\[\d+\]|\(\d+\))?\s*[:\uff1a]\s*",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"^\s*(?:re|aw|antw|antwort|sv|vs|odp|rif|ref|res|r|答复|答覆|回复|回覆)\s*(?:\[\d+\]|\(\d+\))?\s*[:\uff1a]",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"^\s*(?:fwd?|fw|wg|tr|rv|enc|doorst|转发|轉寄)\s*(?:\[\d+\]|\(\d+\))?\s*[:\uff1a]", re.IGNORECASE
)
_LIST = re.compile(r"^\s*\[[^\]]{1,60}\]\s*")
KEY_LIMIT = 200
Reason = Literal["token", "reference", "subject"]


def subject_key(subject: str) -> str:
    """The subject without Re:, Fwd: and the like in the languages that are common, and without case and spaces around:
    what stays the same in a thread."""
    text = subject
    while True:
        shorter = _PREFIX.sub("", text, count=1)
        if shorter == text and _ANSWER.match(_LIST.sub("", text, count=1)):
            shorter = _LIST.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    return " ".join(text.split()).casefold()[:KEY_LIMIT]


def is_answer(subject: str) -> bool:
    """Whether the subject says that it answers something."""
    return _ANSWER.match(_LIST.sub("", subject, count=1)) is not None


def is_forward(subject: str) -> bool:
    """Whether the subject says that it passes something on."""
    return _FORWARD.match(subject) is not None


class Thread(Struct, frozen=True):
    """`contact` as the mail leads to it, and by what."""

    contact: str
    by: Reason


def by_token(mail: Mail, recipients: Iterable[str], secret: bytes) -> list[str]:
    """Contacts that the mail's reply tokens prove, the surest first: of the addresses it came to (of the envelope, then
    of its head), then of the Message-IDs that it answers, the latest first."""
    addresses = (*recipients, *(each.address for each in (*mail.to, *mail.cc)))
    found = [token.contact_of_address(address, secret) for address in addresses]
    found += [token.contact_of_message_id(id, secret) for id in answered(mail)]
    return list(dict.fromkeys(contact for contact in found if contact is not None))


def answered(mail: Mail) -> list[str]:
    """The Message-IDs that the mail says it answers, the nearest first."""
    return [id for id in dict.fromkeys((mail.in_reply_to, *reversed(mail.references))) if id]


def people(mails: Iterable[StoredMail]) -> set[str]:
    """Everybody who is in these mails, in lower case."""
    return {
        address.address.lower()
        for mail in mails
        for address in (mail.from_, *mail.to, *mail.cc, *mail.bcc)
        if address.address
    }


def speaks_in(mail: Mail, known: set[str]) -> bool:
    """Whether the sender is one of `known`, and answers to him would go to nobody else."""
    answers: Sequence[Address] = mail.reply_to or (mail.from_,)
    return mail.from_.address.lower() in known and all(each.address.lower() in known for each in answers)
