"""A mail's head as JSON, for agents; its text is a message of the contact, its HTML a page of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.mails import Draft, MailAddress, StoredMail
from hub.views import file_json

Json = dict[str, Any]


def addresses_json(addresses: Iterable[MailAddress]) -> list[Json]:
    return [{"address": each.address, "name": each.name} for each in addresses]


def mail_json(mail: StoredMail, now: int) -> Json:
    """`undo_until` is the time until which it can be taken back, null when that is past; `next_at` the next try."""
    waits = mail.direction == "out" and mail.state == "queued" and not mail.taken
    return {
        "id": mail.id,
        "contact": mail.contact,
        "message": mail.message,
        "direction": mail.direction,
        "mailbox": mail.account,
        "state": str(mail.state),
        "at": mail.at,
        "from": {"address": mail.from_.address, "name": mail.from_.name},
        "to": addresses_json(mail.to),
        "cc": addresses_json(mail.cc),
        "bcc": addresses_json(mail.bcc),
        "reply_to": addresses_json(mail.reply_to),
        "subject": mail.subject,
        "message_id": mail.message_id,
        "date": mail.date,
        "size": mail.size,
        "raw": bool(mail.raw),
        "html": mail.html is not None,
        "fold_at": mail.fold_at,
        "attachments": [file_json(file) for file in mail.attachments],
        "inline": {id: file_json(file) for id, file in mail.inline.items()},
        "kind": mail.kind,
        "automatic": mail.automatic,
        "language": mail.language,
        "problems": list(mail.problems),
        "scans": {id: {"scan": str(each.scan), "threat": each.threat} for id, each in mail.scans.items()},
        "forwarded_from": None
        if mail.forwarded_from is None
        else {"address": mail.forwarded_from.address, "name": mail.forwarded_from.name},
        "author": mail.author,
        "send_at": mail.send_at or None,
        "undo_until": mail.send_at if waits and mail.send_at > now else None,
        "next_at": mail.next_at,
        "attempts": mail.attempts,
        "error": mail.error,
        "status": mail.status,
        "taken": list(mail.taken),
        "refused": dict(mail.refused),
        "version": mail.version,
    }


def draft_json(draft: Draft) -> Json:
    return {
        "id": draft.id,
        "contact": draft.contact,
        "data": draft.data,
        "updated_at": draft.updated_at,
        "version": draft.version,
    }
