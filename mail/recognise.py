"""What kind of mail it is: written by a person, automatic, a delivery report, a complaint, a list's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mail.fold import forward_marker, header_block
from mail.headers import Head, addresses, decode, message_ids, parameters, split
from mail.limits import Limits
from mail.model import Address, Bounced, MailKind
from mail.parts import Part

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_DAEMON = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mailerdaemon)@|^(?:mailer-daemon|postmaster)$", re.I)
_BOUNCE_SUBJECT = re.compile(
    r"(?:undeliver(?:ed|able)|delivery (?:status notification|failure|has failed)|returned mail"
    r"|mail delivery (?:failed|system)"
    r"|failure notice|unzustellbar|nicht zustellbar|delivery failed|退信|系统退信|投递失败|undelivered mail"
    r"|mail system error)",
    re.I,
)
_AUTO_SUBJECT = re.compile(
    r"\s*(?:auto(?:matic|matische)? ?(?:reply|response|antwort)\s*[:：]|auto\s*:|out of (?:the )?office\b"
    r"|abwesen(?:d|heit)"
    r"|automatische antwort|réponse automatique|respuesta automática|risposta automatica|自动回复|自動回覆|自動返信"
    r"|autosvar|автоответ)",
    re.I,
)
_FORWARD_SUBJECT = re.compile(
    r"\s*\[?(?:(?:re|aw|antw|sv|回复|答复)\s*[:：]\s*)?(?:fwd?|wg|tr|rv|enc|转发|轉寄|轉發|転送|i)\s*[:：]", re.I
)
_ADDRESS = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{1,255})>")
_REPORTS = 500
_ACTIONS = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}


def kind_of(head: Head, from_: Address, subject: str, bounced: tuple[Bounced, ...], top: Part) -> MailKind:
    report = top.parameters.get("report-type", "").lower() if top.type == "multipart/report" else ""
    if report == "feedback-report" or any(part.type == "message/feedback-report" for part in top.walk()):
        return MailKind.FEEDBACK
    if bounced or report == "delivery-status" or head.get("x-failed-recipients"):
        return MailKind.BOUNCE
    nobody = head.text("return-path").replace(" ", "") == "<>"
    if (_DAEMON.search(from_.address) or nobody) and _BOUNCE_SUBJECT.search(subject):
        return MailKind.BOUNCE
    precedence = head.text("precedence").lower()
    if _automatic(head, precedence) or report == "disposition-notification" or _AUTO_SUBJECT.match(subject):
        return MailKind.AUTO_REPLY
    if precedence in ("list", "bulk", "junk") or any(
        head.get(name) for name in ("list-id", "list-post", "list-unsubscribe", "list-help", "mailing-list")
    ):
        return MailKind.LIST
    return MailKind.AUTO_REPLY if nobody or _DAEMON.search(from_.address) else MailKind.NORMAL


def _automatic(head: Head, precedence: str) -> bool:
    submitted = parameters(head.get("auto-submitted"))[0]
    suppress = head.text("x-auto-response-suppress").lower()
    return (
        submitted not in ("", "no")
        or precedence == "auto_reply"
        or any(word in suppress for word in ("all", "oof", "autoreply"))
        or any(head.get(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from"))
    )


def bounces(
    top: Part, bodies: Iterable[tuple[str, bytes]], head: Head, text: str, limits: Limits
) -> tuple[Bounced, ...]:
    """The recipients that a report names. `bodies` are the decoded parts that may be parts of a report, with their
    types; `text` is what the mail says to people."""
    returned = ""
    reports: list[Bounced] = []
    for type, data in bodies:
        if type in ("message/delivery-status", "message/global-delivery-status"):
            reports += _recipients(data, limits)
        elif type == "message/feedback-report":
            reports += _complaint(data, limits)
        elif not returned:
            returned = next(iter(message_ids(split(data, 0, len(data), limits)[0].get("message-id"))), "")
    if not reports and head.get("x-failed-recipients"):
        status = _STATUS.search(text)
        reports = [
            Bounced(address.address, "failed", status[0] if status else "")
            for address in addresses(head.get("x-failed-recipients"), _REPORTS)
        ]
    if not reports and "qmail-send program" in text[:1000]:
        status = _STATUS.search(text)
        reports = [
            Bounced(address, "failed", status[0] if status else "") for address in _ADDRESS.findall(text[:20_000])[:1]
        ]
    return tuple(
        Bounced(each.recipient, each.action, each.status, each.diagnostic, returned) for each in reports[:_REPORTS]
    )


def _recipients(data: bytes, limits: Limits) -> list[Bounced]:
    """RFC 3464: groups of fields with blank lines between; the first is about the message."""
    found: list[Bounced] = []
    position = 0
    while position < len(data) and len(found) < _REPORTS:
        head, position = split(data, position, len(data), limits)
        recipient = head.get("final-recipient") or head.get("original-recipient")
        if recipient:
            action = _ACTIONS.get(parameters(head.get("action"))[0], "failed")
            status = _STATUS.search(head.text("status"))
            diagnostic = decode(head.get("diagnostic-code").partition(b";")[2] or head.get("diagnostic-code"))
            address = addresses(recipient.partition(b";")[2] or recipient, 1)
            name = address[0].address or address[0].name if address else decode(recipient)
            found.append(Bounced(name, action, status[0] if status else "", diagnostic[:1000]))
    return found


def _complaint(data: bytes, limits: Limits) -> list[Bounced]:
    """RFC 5965."""
    head, _ = split(data, 0, len(data), limits)
    kind = head.text("feedback-type")[:100]
    recipients = [address for value in head.all("original-rcpt-to") for address in addresses(value, _REPORTS)]
    return [Bounced(address.address, "complained", "", kind) for address in recipients or [Address("")]]


def forwarded_from(subject: str, text: str, attached: Head | None) -> Address | None:
    """Who wrote what this mail passes on. `attached` is the head of the only mail attached to it."""
    marker = forward_marker(text)
    if marker is None and not _FORWARD_SUBJECT.match(subject):
        return None
    value = header_block(text, marker or 0)
    if value is not None:
        # Outlook writes [mailto:...] for the brackets of an address.
        value = re.sub(r"\[mailto:([^\]\s]+)\]", r"<\1>", value)
        value = re.sub(r"([^\s<>@]{1,100}@[^\s<>@]{1,300})\s*<mailto:\1>", r"<\1>", value)
        found = addresses(value.encode("utf-8", "replace"), 1)
        return found[0] if found else None
    if attached is not None and _FORWARD_SUBJECT.match(subject):
        return next(iter(addresses(attached.get("from"), 1)), None)
    return None
