"""Appending to the log: a change made ready in its caller's time, and many of them written with a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_, update

from hub import events as e
from hub.errors import HubError, Refused, VersionConflict
from hub.model import Contact, Customer, Message, StoredFile
from hub.ports import Appended, Change
from hub.store import callback_rows, mail_rows, rows
from hub.store.tables import (
    contact_agents,
    contacts,
    customers,
    events,
    files,
    log_head,
    messages,
    presences,
    search_docs,
    visitors,
)
from hub.store.words import words

Row = dict[str, Any]
_TAKING_PART = (e.OfferAccepted, e.ContactDialled, e.ParticipantInvited, e.ParticipantJoined)
Command = tuple[str, str, str]


class Prepared(Struct, frozen=True, gc=False):
    """A change whose rows lack only the numbers that the log gives them."""

    change: Change
    command: Command | None
    events: list[Row]
    contact: Row | None
    messages: list[tuple[int, Row]]  # with the place of its event among the change's events
    docs: list[Row]
    agents: list[Row]
    customer: Row | None
    visitor: Row | None
    presence: Row | None
    mails: mail_rows.PreparedMails | None
    files: list[Row]
    callback: callback_rows.PreparedCallback | None


def prepare(change: Change) -> Prepared:
    """All that needs no database. Raises InvalidInput for text that cannot be stored, ValueError for a change whose
    parts do not belong together."""
    rows.check_text(change.stream, change.actor, change.command_id)
    version = change.expected_version + len(change.events)
    if change.contact is not None and (not change.events or change.contact.version != version):
        raise ValueError(f"contact {change.stream} has version {change.contact.version} instead of {version}")
    events: list[Row] = []
    agents: list[Row] = []
    places: dict[str, int] = {}
    for part, event in enumerate(change.events):
        events.append(
            {
                "stream": change.stream,
                "version": change.expected_version + part + 1,
                "at": change.at,
                "actor": change.actor,
                "type": e.type_of(event),
                "data": rows.pack(event),
                "command": change.command_id,
                "part": part,
            }
        )
        if isinstance(event, e.MessageAdded):
            places[event.message] = part
        elif isinstance(event, _TAKING_PART):
            agents.append({"agent": event.agent, "contact": change.stream})
    if places.keys() != {message.id for message in change.messages}:
        raise ValueError(f"the messages of {change.stream} and their events differ")
    return Prepared(
        change=change,
        command=None if change.command_id is None else (change.stream, change.actor, change.command_id),
        events=events,
        contact=None if change.contact is None else _contact_row(change.contact),
        messages=[(places[message.id], _message_row(message)) for message in change.messages],
        docs=_docs(change),
        agents=agents,
        customer=None if change.customer is None else customer_row(change.customer),
        visitor=None
        if change.visitor is None
        else {
            "id": change.visitor.id,
            "site": change.visitor.site,
            "customer": change.visitor.customer,
            "first_customer": change.visitor.customer,
            "created_at": change.visitor.created_at,
            "user_agent": _checked(change.visitor.user_agent),
        },
        presence=None
        if change.presence is None
        else {"agent": change.presence.agent, "data": rows.pack(change.presence)},
        mails=mail_rows.prepare(change.mails),
        files=list(map(file_row, change.files)),
        callback=callback_rows.prepare(change.callback, change.room),
    )


def _docs(change: Change) -> list[Row]:
    """What search will look through of the change: an empty one only takes the place of the one before."""
    docs = [doc for message in change.messages if (doc := message_doc(message))]
    if change.contact is not None and any(map(_changes_words, change.events)):
        docs.append(contact_doc(change.contact))
    if change.customer is not None:
        docs.append(customer_doc(change.customer))
    return docs


def _checked(text: str) -> str:
    rows.check_text(text)
    return text


def _changes_words(event: e.AnyEvent) -> bool:
    return isinstance(event, e.ContactCreated) or (isinstance(event, e.ContactEdited) and event.subject is not None)


def _contact_row(contact: Contact) -> Row:
    return {
        "id": contact.id,
        "version": contact.version,
        "channel": str(contact.channel),
        "phase": str(contact.phase),
        "site": contact.site,
        "visitor": contact.visitor,
        "customer": contact.customer,
        "queue": contact.queue,
        "agent": contact.agent,
        "created_at": contact.created_at,
        "queued_at": contact.queued_at,
        "connected_at": contact.connected_at,
        "ended_at": contact.ended_at,
        "closed_at": contact.closed_at,
        "abandoned": contact.abandoned,
        "data": rows.pack(contact),
    }


def _message_row(message: Message) -> Row:
    rows.check_text(message.text)
    return {
        "id": message.id,
        "contact": message.contact,
        "n": message.n,
        "author_kind": str(message.author_kind),
        "kind": str(message.kind),
        "internal": message.internal,
        "text": message.text,
        "data": rows.pack(replace(message, text="", seq=0)),
    }


def customer_row(customer: Customer) -> Row:
    return {"id": customer.id, "created_at": customer.created_at, "data": rows.pack(customer)}


def file_row(file: StoredFile) -> Row:
    return {
        "id": file.id,
        "contact": file.contact,
        "uploader": file.uploader,
        "size": file.size,
        "sha256": file.sha256,
        "created_at": file.created_at,
        "data": rows.pack(file),
    }


def message_doc(message: Message) -> Row | None:
    if not message.text and message.file is None:
        return None
    found = words(message.text, message.file.name if message.file else "")
    return {"contact": message.contact, "customer": None, "n": message.n, "words": found} if found else None


def contact_doc(contact: Contact) -> Row:
    found = words(contact.subject, *contact.fields.values())
    return {"contact": contact.id, "customer": None, "n": None, "words": found}


def customer_doc(customer: Customer) -> Row:
    found = words(customer.name, customer.email, customer.external_id or "", customer.note, phone=customer.phone)
    return {"contact": None, "customer": customer.id, "n": None, "words": found}


class Transaction:
    """A connection inside a transaction that holds the head of the log: numbers are given in the order of commits."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self.connection = connection
        self.dialect = dialect
        self.recorded: list[e.Recorded] = []
        self._start: int = connection.execute(_HEAD).scalar_one()
        self._head = self._start

    def mark(self) -> tuple[int, int]:
        """Where the log stands; `reset` returns there when a savepoint was rolled back."""
        return self._head, len(self.recorded)

    def reset(self, mark: tuple[int, int]) -> None:
        self._head = mark[0]
        del self.recorded[mark[1] :]

    def take(self, count: int) -> int:
        """The first of `count` numbers."""
        first: int = self._head + 1
        self._head += count
        return first

    def record(self, stream: str, event: e.AnyEvent, at: int, actor: str) -> e.Recorded:
        """Appends one event to a stream whose version nobody decides by."""
        version = _versions(self, [stream]).get(stream, 0)
        change = Change(stream=stream, expected_version=version, events=(event,), at=at, actor=actor)
        (appended,) = append([prepare(change)], self)
        assert isinstance(appended, Appended)
        return appended.events[0]

    def finish(self) -> None:
        if self._head != self._start:
            self.connection.execute(_MOVE_HEAD, {"head": self._head})


_HEAD = select(log_head.c.seq).with_for_update()
_MOVE_HEAD = update(log_head).values(seq=bindparam("head"))
# What never changes of a contact is not written again, nor its indexes.
_FIXED = ("site", "visitor", "created_at")
_INSERT_EVENTS = insert(events)
_INSERT_MESSAGES = insert(messages)
_INSERT_DOCS = insert(search_docs)
_DROP_CONTACT_DOC = delete(search_docs).where(search_docs.c.contact == bindparam("key"), search_docs.c.n.is_(None))
_DROP_CUSTOMER_DOC = delete(search_docs).where(search_docs.c.customer == bindparam("key"))
_VERSIONS = (
    select(events.c.stream, func.max(events.c.version))
    .where(events.c.stream.in_(bindparam("streams", expanding=True)))
    .group_by(events.c.stream)
)
_COMMANDS = (
    select(*rows.EVENT_COLUMNS, events.c.command)
    .where(
        tuple_(events.c.stream, events.c.actor, events.c.command).in_(bindparam("commands", expanding=True)),
        # Said again so that the partial index may be used.
        events.c.command.is_not(None),
    )
    .order_by(events.c.seq)
)


def _versions(transaction: Transaction, streams: list[str]) -> dict[str, int]:
    found = transaction.connection.execute(_VERSIONS, {"streams": streams})
    return dict(iter(found))


def known_commands(connection: Connection, commands: Sequence[Command]) -> dict[Command, tuple[e.Recorded, ...]]:
    """The events that commands yielded when they were first carried out; those never carried out are missing."""
    known: dict[Command, tuple[e.Recorded, ...]] = {}
    if commands:
        for row in connection.execute(_COMMANDS, {"commands": list(commands)}):
            recorded = rows.recorded(row)
            command = (recorded.stream, recorded.actor, row.command)
            known[command] = (*known.get(command, ()), recorded)
    return known


def append(batch: Sequence[Prepared], transaction: Transaction, *, sure: bool = True) -> list[Appended | HubError]:
    """Writes the changes in order, each as if it were alone, with a few statements for all of them.

    While `sure`, a command that comes at the right version is taken to be new: hardly any is not, and then the unique
    key refuses it. Raises what the database raises when a change breaks a rule of the tables.
    """
    streams = {p.change.stream for p in batch} | {p.change.fence.stream for p in batch if p.change.fence}
    versions = _versions(transaction, list(streams))
    known = known_commands(
        transaction.connection,
        [
            p.command
            for p in batch
            if p.command and not (sure and versions.get(p.change.stream, 0) <= p.change.expected_version)
        ],
    )
    mails = mail_rows.known_versions(transaction.connection, [p.mails for p in batch if p.mails])
    asked = callback_rows.Living(transaction.connection, [p.callback for p in batch if p.callback])
    outcomes: list[Appended | HubError] = []
    written: list[tuple[Prepared, int]] = []
    for prepared in batch:
        change = prepared.change
        if prepared.command in known:
            outcomes.append(Appended(known[prepared.command], repeated=True))
            continue
        if change.fence is not None and versions.get(change.fence.stream, 0) != change.fence.version:
            outcomes.append(Refused("Another node decides this now.", code="fence.lost"))
            continue
        version = versions.get(change.stream, 0)
        if version != change.expected_version:
            outcomes.append(
                VersionConflict("Somebody else was quicker. Please try again.", details={"version": version})
            )
            continue
        if prepared.mails is not None:
            refused = mail_rows.refusal(mails, prepared.mails)
            if refused is not None:
                outcomes.append(refused)
                continue
            mails |= {id: known + 1 for id, known in prepared.mails.versions.items()}
        if prepared.callback is not None and (no := asked.take(prepared.callback)) is not None:
            outcomes.append(no)
            continue
        first = transaction.take(len(change.events))
        recorded = tuple(
            e.Recorded(first + i, change.stream, version + i + 1, change.at, change.actor, event)
            for i, event in enumerate(change.events)
        )
        versions[change.stream] = version + len(recorded)
        if prepared.command and recorded:
            known[prepared.command] = recorded
        transaction.recorded += recorded
        outcomes.append(Appended(recorded))
        written.append((prepared, first))
    _write(transaction, written)
    return outcomes


def _write(transaction: Transaction, written: Sequence[tuple[Prepared, int]]) -> None:
    """The rows of all changes, table by table; of a contact that changed twice its last state."""
    dialect, run = transaction.dialect, transaction.connection.execute
    insert_many = partial(rows.insert_many, transaction.connection)
    if found := [{**row, "seq": first + i} for p, first in written for i, row in enumerate(p.events)]:
        insert_many(_INSERT_EVENTS, found)
    if found := list({p.customer["id"]: p.customer for p, _ in written if p.customer}.values()):
        insert_many(rows.upsert(dialect, customers), found)
        run(_DROP_CUSTOMER_DOC, [{"key": row["id"]} for row in found])
    if found := list({p.visitor["id"]: p.visitor for p, _ in written if p.visitor}.values()):
        insert_many(rows.upsert(dialect, visitors, keep=("customer", "first_customer")), found)
    if found := list(
        {p.contact["id"]: {**p.contact, "seq": first + len(p.events) - 1} for p, first in written if p.contact}.values()
    ):
        insert_many(rows.upsert(dialect, contacts, keep=_FIXED), found)
    if found := [{**row, "seq": first + place} for p, first in written for place, row in p.messages]:
        insert_many(_INSERT_MESSAGES, found)
    if found := [row for p, _ in written for row in p.agents]:
        insert_many(rows.upsert(dialect, contact_agents, nothing=True), found)
    if found := list({p.presence["agent"]: p.presence for p, _ in written if p.presence}.values()):
        insert_many(rows.upsert(dialect, presences), found)
    mail_rows.write(transaction.connection, dialect, [p.mails for p, _ in written if p.mails])
    callback_rows.write(transaction.connection, dialect, [p.callback for p, _ in written if p.callback])
    if found := [row for p, _ in written for row in p.files]:
        insert_many(rows.upsert(dialect, files, nothing=True), found)
    # Of a contact's or a customer's own words only the last stay; a message's are there once.
    docs = {(doc["contact"], doc["customer"], doc["n"]): doc for p, _ in written for doc in p.docs}
    if stale := [{"key": contact} for contact, _, n in docs if contact is not None and n is None]:
        run(_DROP_CONTACT_DOC, stale)
    if found := [doc for doc in docs.values() if doc["words"]]:
        insert_many(_INSERT_DOCS, found)
