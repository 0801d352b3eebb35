"""The rows of mails, of mailboxes' folders, drafts and reminders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, select, tuple_, update

from hub.mails import Draft, FolderProgress, KeptToken, MailState, OutboxStanding, Reminder, StoredMail
from hub.model import Millis
from hub.store import rows
from hub.store.append import Transaction
from hub.store.engine import Database
from hub.store.mail_rows import mail_row
from hub.store.mail_tables import drafts, mail_addresses, mail_folders, mail_tokens, mails, reminders
from hub.store.writer import Writer

T = TypeVar("T")
_mail = msgspec.json.Decoder(StoredMail)
_progress = msgspec.json.Decoder(FolderProgress)
_draft = msgspec.json.Decoder(Draft)
m, d = mails.c, drafts.c
MOST_ALIKE = 20
MOST_NAMED = 100
MOST_EARLY = 1000


class SqlMails:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def _read(self, statement: Any, decoder: msgspec.json.Decoder[T]) -> list[T]:
        def read(connection: Connection) -> list[T]:
            return [decoder.decode(data) for data in connection.execute(statement).scalars()]

        return await self._database.read(read)

    async def _one(self, statement: Any) -> StoredMail | None:
        found = await self._read(statement, _mail)
        return found[0] if found else None

    async def get(self, id: str) -> StoredMail | None:
        return await self._one(select(m.data).where(m.id == id))

    async def of_contact(self, contact: str) -> list[StoredMail]:
        # An acknowledgement is of the moment of the mail that it answers, and comes after it ("in" before "out").
        return await self._read(select(m.data).where(m.contact == contact).order_by(m.at, m.direction, m.id), _mail)

    async def by_hash(self, hash: str) -> StoredMail | None:
        return await self._one(select(m.data).where(m.hash == hash, m.direction == "in", m.hash != ""))

    async def by_message_ids(self, message_ids: Sequence[str]) -> list[StoredMail]:
        asked = [id for id in dict.fromkeys(message_ids) if id][:MOST_NAMED]
        if not asked:
            return []
        found = select(m.data).where(m.message_id.in_(asked)).order_by(m.at.desc(), m.id.desc()).limit(MOST_NAMED)
        return await self._read(found, _mail)

    async def alike(self, address: str, subject_key: str, since: Millis) -> list[StoredMail]:
        named = select(mail_addresses.c.mail).where(
            mail_addresses.c.address == address.lower(), mail_addresses.c.at >= since
        )
        found = select(m.data).where(m.id.in_(named), m.subject_key == subject_key)
        return await self._read(found.order_by(m.at.desc(), m.id.desc()).limit(MOST_ALIKE), _mail)

    async def update(self, mail: StoredMail) -> bool:
        row = mail_row(replace(mail, version=mail.version + 1))
        changed = update(mails).where(m.id == mail.id, m.version == mail.version).values(row)
        return await self._writer.execute(changed) == 1

    async def due(self, now: Millis, limit: int = 50) -> list[StoredMail]:
        waiting = m.state.in_([str(MailState.QUEUED), str(MailState.SENDING)])
        found = select(m.data).where(m.next_at.is_not(None), m.next_at <= now, waiting)
        return await self._read(found.order_by(m.next_at, m.id).limit(limit), _mail)

    async def next_due(self) -> Millis | None:
        waiting = m.state.in_([str(MailState.QUEUED), str(MailState.SENDING)])
        statement = select(func.min(m.next_at)).where(m.next_at.is_not(None), waiting)
        return await self._database.read(lambda connection: connection.execute(statement).scalar_one())

    async def outbox(self, now: Millis) -> OutboxStanding:
        waiting = (m.next_at.is_not(None), m.state.in_([str(MailState.QUEUED), str(MailState.SENDING)]))
        count = select(m.state, func.count().label("number")).where(*waiting).group_by(m.state)
        # What is to go some other day was written early, too: the first of a number of mails that is due.
        early = select(m.data).where(*waiting).order_by(m.at).limit(MOST_EARLY)

        def read(connection: Connection) -> OutboxStanding:
            counts = {str(row.state): int(row.number) for row in connection.execute(count)}
            found = [_mail.decode(data) for data in connection.execute(early).scalars()]
            due = [max(mail.at, mail.send_at) for mail in found if mail.send_at <= now]
            return OutboxStanding(
                counts.get(str(MailState.QUEUED), 0), counts.get(str(MailState.SENDING), 0), min(due, default=None)
            )

        return await self._database.read(read)

    async def sent(self, *, after: str | None = None, limit: int = 50) -> list[StoredMail]:
        page = select(m.data).where(m.direction == "out").order_by(m.at.desc(), m.id.desc()).limit(limit)
        if after is not None:
            last = mails.alias("last")
            place = select(last.c.at, last.c.id).where(last.c.id == after)
            page = page.where(tuple_(m.at, m.id) < place.scalar_subquery())
        return await self._read(page, _mail)

    async def counted(self, address: str, since: Millis, *, automatic: bool) -> int:
        named = select(mail_addresses.c.mail).where(
            mail_addresses.c.address == address.lower(), mail_addresses.c.at >= since
        )
        ours = (m.direction == "out", m.automatic == automatic, m.state != str(MailState.CANCELLED))
        statement = select(func.count()).select_from(mails).where(m.id.in_(named), *ours)
        return await self._database.read(lambda connection: int(connection.execute(statement).scalar_one()))

    # --- how far mailboxes were read --------------------------------------------------------------------------------

    async def progress(self, account: str) -> list[FolderProgress]:
        f = mail_folders.c
        return await self._read(select(f.data).where(f.account == account).order_by(f.folder), _progress)

    async def set_progress(self, progress: FolderProgress) -> None:
        row = {"account": progress.account, "folder": progress.folder, "data": rows.pack(progress)}

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(rows.upsert(transaction.dialect, mail_folders), row)

        await self._writer.submit(write)

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def token(self, id: str) -> KeptToken | None:
        t = mail_tokens.c
        statement = select(t.id, t.version, t.held_until, t.sealed).where(t.id == id)

        def read(connection: Connection) -> KeptToken | None:
            found = connection.execute(statement).one_or_none()
            return None if found is None else KeptToken(*found)

        return await self._database.read(read)

    async def put_token(self, token: KeptToken) -> bool:
        row = {
            "id": token.id,
            "version": token.version + 1,
            "held_until": token.held_until,
            "sealed": token.sealed,
        }

        def write(transaction: Transaction) -> bool:
            run, t = transaction.connection.execute, mail_tokens.c
            if token.version == 0:
                return run(rows.upsert(transaction.dialect, mail_tokens, nothing=True), row).rowcount == 1
            same = (t.id == token.id, t.version == token.version)
            return run(update(mail_tokens).where(*same).values(row)).rowcount == 1

        return await self._writer.submit(write)

    async def keep_tokens(self, ids: Collection[str]) -> None:
        await self._writer.execute(delete(mail_tokens).where(mail_tokens.c.id.not_in(sorted(ids))))

    # --- drafts -----------------------------------------------------------------------------------------------------

    async def drafts(self, user: str) -> list[Draft]:
        return await self._read(select(d.data).where(d.user == user).order_by(d.updated_at.desc(), d.id), _draft)

    async def draft(self, id: str) -> Draft | None:
        found = await self._read(select(d.data).where(d.id == id), _draft)
        return found[0] if found else None

    async def put_draft(self, draft: Draft) -> bool:
        stored = replace(draft, version=draft.version + 1)
        row = {
            "id": stored.id,
            "user": stored.user,
            "version": stored.version,
            "updated_at": stored.updated_at,
            "data": rows.pack(stored),
        }

        def write(transaction: Transaction) -> bool:
            run = transaction.connection.execute
            if draft.version == 0:
                new = rows.upsert(transaction.dialect, drafts, nothing=True)
                return run(new, row).rowcount == 1
            mine = (d.id == draft.id, d.user == draft.user, d.version == draft.version)
            return run(update(drafts).where(*mine).values(row)).rowcount == 1

        return await self._writer.submit(write)

    async def delete_draft(self, id: str) -> None:
        await self._writer.execute(delete(drafts).where(d.id == id))

    # --- reminders --------------------------------------------------------------------------------------------------

    async def remind(self, reminder: Reminder) -> None:
        row = {"contact": reminder.contact, "agent": reminder.agent, "at": reminder.at}

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(rows.upsert(transaction.dialect, reminders), row)

        await self._writer.submit(write)

    async def forget_reminder(self, contact: str) -> None:
        await self._writer.execute(delete(reminders).where(reminders.c.contact == contact))

    async def reminders(self, until: Millis, limit: int = 50) -> list[Reminder]:
        r = reminders.c
        statement = select(r.contact, r.agent, r.at).where(r.at <= until).order_by(r.at, r.contact).limit(limit)

        def read(connection: Connection) -> list[Reminder]:
            return [Reminder(*row) for row in connection.execute(statement)]

        return await self._database.read(read)
