"""Mails as rows, and how those of a change are written in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from hub.errors import HubError, Refused, VersionConflict
from hub.mails import StoredMail
from hub.store import rows
from hub.store.mail_tables import mail_addresses, mails

Row = dict[str, Any]
_KNOWN = select(mails.c.id, mails.c.version).where(mails.c.id.in_(bindparam("ids", expanding=True)))


class PreparedMails(Struct, frozen=True, gc=False):
    """`versions` are those that must be stored before it: 0 for a mail that must be new."""

    versions: dict[str, int]
    rows: list[Row]
    addresses: list[Row]


def mail_row(mail: StoredMail) -> Row:
    rows.check_text(mail.id, mail.message_id, mail.subject_key, mail.raw, mail.html)
    return {
        "id": mail.id,
        "version": mail.version,
        "contact": mail.contact,
        "direction": mail.direction,
        "state": str(mail.state),
        "at": mail.at,
        "automatic": mail.automatic,
        "subject_key": mail.subject_key,
        "message_id": mail.message_id,
        "hash": mail.hash,
        "raw": mail.raw,
        "html": mail.html or "",
        "next_at": mail.next_at,
        "data": rows.pack(mail),
    }


def prepare(found: Sequence[StoredMail]) -> PreparedMails | None:
    """None for no mails. One of version 0 is new and stored as version 1; of a known one, the version is that it was
    read with, as `Mails.update` takes it."""
    if not found:
        return None
    stored = [msgspec.structs.replace(mail, version=mail.version + 1) for mail in found]
    addresses = {
        (address.address.lower(), mail.at, mail.id): None
        for mail in found
        if mail.version == 0
        for address in (mail.from_, *mail.to, *mail.cc, *mail.bcc)
        if address.address
    }
    return PreparedMails(
        {mail.id: mail.version for mail in found},
        [mail_row(mail) for mail in stored],
        [{"address": address, "at": at, "mail": mail} for address, at, mail in addresses],
    )


def known_versions(connection: Connection, found: Sequence[PreparedMails]) -> dict[str, int]:
    """The versions of those mails that are stored. The head of the log is held, so they stay true."""
    ids = [id for prepared in found for id in prepared.versions]
    return dict(iter(connection.execute(_KNOWN, {"ids": ids}))) if ids else {}


def refusal(known: dict[str, int], prepared: PreparedMails) -> HubError | None:
    """Why these mails cannot be written: Refused `mail.known` for a new one that is there, VersionConflict for one that
    somebody else changed."""
    for id, version in prepared.versions.items():
        if version == 0 and id in known:
            return Refused("This mail is stored already.", code="mail.known", details={"mail": id})
        if version != known.get(id, 0):
            return VersionConflict("Somebody else was quicker. Please try again.", details={"mail": id})
    return None


def write(connection: Connection, dialect: str, found: Sequence[PreparedMails]) -> None:
    """Of a mail that changed twice its last state."""
    if changed := list({row["id"]: row for each in found for row in each.rows}.values()):
        rows.insert_many(connection, rows.upsert(dialect, mails), changed)
    if named := [row for each in found for row in each.addresses]:
        rows.insert_many(connection, rows.upsert(dialect, mail_addresses, nothing=True), named)
