"""Commands to contacts: load, decide, commit, and remember what was just read or written."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from unicodedata import category
from weakref import WeakValueDictionary

from msgspec import Struct, field
from msgspec.structs import replace

from hub import commands as c
from hub import events as e
from hub import machine
from hub.directory import Directory
from hub.errors import HubError, InvalidInput, NotFound, VersionConflict
from hub.events import Recorded
from hub.ids import new_id
from hub.lines import line_for
from hub.mails import StoredMail
from hub.model import (
    AuthorKind,
    Contact,
    Customer,
    FileRef,
    Message,
    MessageKind,
    StoredFile,
    User,
    Visitor,
)
from hub.ports import Change, Clock, ContactRow, Fence, Store

TRIES = 8
TEXT_LIMIT = 8000
KEPT_TEXT = 1000
# Control, format (bidi overrides among them), surrogate and separator characters are taken out, but for line ends, tabs
# and the joiners that scripts and emoji need.
_NOT_TYPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_KEPT = frozenset("\n\t\u200c\u200d")
K = TypeVar("K")
V = TypeVar("V")


class Lru(OrderedDict[K, V], Generic[K, V]):
    """A dictionary that forgets what was used longest ago."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def recall(self, key: K) -> V | None:
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
        return value

    def keep(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._limit:
            self.popitem(last=False)


class Outcome(Struct, frozen=True):
    """What a command did: the contact after it, the events and messages it wrote (none when nothing had to be done)."""

    row: ContactRow
    events: tuple[Recorded, ...] = ()
    messages: tuple[Message, ...] = ()
    repeated: bool = False


class Words(Struct, frozen=True):
    """What is to be said inside a contact. A mail names its message's `id` and kind, and brings its rows along; a
    system line has a `code` and `data` that each client puts into words."""

    author_kind: AuthorKind
    author: str | None
    author_name: str
    text: str = ""
    file: FileRef | None = None
    internal: bool = False
    kind: MessageKind | None = None
    id: str | None = None
    code: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    mails: tuple[StoredMail, ...] = ()
    files: tuple[StoredFile, ...] = ()


def clean_text(text: str, path: str = "text", limit: int = TEXT_LIMIT) -> str:
    """The text without what no one typed (NUL, lone surrogates, other control characters but line ends and tabs).

    Raises InvalidInput when it is longer than `limit` characters.
    """
    if len(text) > limit:
        raise InvalidInput(path, f"expected at most {limit} characters, got {len(text)}")
    return "".join(ch for ch in text.replace("\r\n", "\n") if ch in _KEPT or category(ch) not in _NOT_TYPED)


class ContactService:
    """The one way to change a contact. Every step is decided on a version and committed only on that version."""

    def __init__(self, store: Store, directory: Directory, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._rows: Lru[str, ContactRow] = Lru(20_000)
        self._messages: Lru[str, Message] = Lru(20_000)
        self._customers: Lru[str, Customer] = Lru(20_000)

    # --- reading ---------------------------------------------------------------------------------------------

    async def get(self, id: str) -> ContactRow:
        """Raises NotFound."""
        known = self._rows.recall(id)
        return known if known is not None else await self.fresh(id)

    def known(self, id: str) -> ContactRow | None:
        """The contact as it was read or written last, if that was lately."""
        return self._rows.get(id)

    async def fresh(self, id: str) -> ContactRow:
        """As the store has it, where another node may have changed it in this moment. Raises NotFound."""
        row = await self._store.contacts.get(id)
        if row is None:
            raise NotFound("contact", id)
        self._remember(row)
        return row

    async def many(self, ids: Sequence[str]) -> dict[str, ContactRow]:
        """The contacts that exist, by id."""
        found = {id: row for id in ids if (row := self._rows.recall(id))}
        missing = [id for id in ids if id not in found]
        if missing:
            found |= await self._store.contacts.many(missing)
        return found

    async def message(self, id: str) -> Message | None:
        message = self._messages.recall(id) or await self._store.contacts.message(id)
        if message is not None:
            self._keep(message)
        return message

    def _keep(self, message: Message) -> None:
        """What is long (mails are) is read again: twenty thousand of it would be gigabytes."""
        if len(message.text) <= KEPT_TEXT:
            self._messages.keep(message.id, message)

    async def customers(self, ids: Sequence[str]) -> dict[str, Customer]:
        found = {id: customer for id in ids if (customer := self._customers.recall(id))}
        missing = [id for id in set(ids) if id not in found]
        if missing:
            for id, customer in (await self._store.people.customers(missing)).items():
                self._customers.keep(id, customer)
                found[id] = customer
        return found

    def customer_name(self, id: str) -> str:
        """The name if it was read lately, else ""; for tables that are refreshed anyway."""
        customer = self._customers.recall(id)
        return customer.name if customer else ""

    def _remember(self, row: ContactRow) -> None:
        known = self._rows.get(row.contact.id)
        if known is None or known.contact.version <= row.contact.version:
            self._rows.keep(row.contact.id, row)

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader that drops what another process changed."""
        for recorded in batch:
            row = self._rows.get(recorded.stream)
            if row is not None and row.contact.version < recorded.version:
                del self._rows[recorded.stream]
            if isinstance(recorded.event, e.CustomerChanged):
                known = self._customers.get(recorded.stream)
                if known is not None and known.version < recorded.version:
                    del self._customers[recorded.stream]

    # --- writing ---------------------------------------------------------------------------------------------

    async def create(
        self,
        id: str,
        command: c.Create,
        then: Sequence[c.ContactCommand | Words],
        *,
        actor: str,
        command_id: str,
        words: Words | None = None,
        customer: Customer | None = None,
        visitor: Visitor | None = None,
    ) -> Outcome:
        """A new contact with what follows at once (queueing, the page it came from, what is said).

        The same id again returns the contact as it is. The customer and visitor rows are written in the same step.
        """
        now = self._clock.now()
        step = Step(Contact(id=id), now, self._directory)
        step.do(command)
        step.take(then, command_id)
        if words is not None:
            step.say(words, command_id)
        change = step.change(actor, command_id, customer=customer, visitor=visitor)
        try:
            appended = await self._store.log.append(change)
        except VersionConflict:
            return Outcome(await self.get(id), repeated=True)
        if appended.repeated:
            return Outcome(await self.get(id), appended.events, repeated=True)
        if customer is not None:
            self._customers.keep(customer.id, customer)
        return self._committed(change, appended.events)

    async def do(
        self,
        id: str,
        *commands: c.ContactCommand,
        actor: str,
        command_id: str | None = None,
        guard: Callable[[Contact], None] | None = None,
        fence: Fence | None = None,
    ) -> Outcome:
        """Carries out commands in one step; `guard` may refuse by raising, and is asked on the state decided on.

        With a `fence` it is refused once that right has gone to another.

        Raises NotFound, Refused (nothing changed) or Unavailable (nothing was stored; try again). The same
        `command_id` of the same actor again gives the first result.
        """

        def decide(step: Step) -> None:
            if guard is not None:
                guard(step.contact)
            for command in commands:
                step.do(command)

        return await self._attempt(id, decide, actor, command_id, fence)

    async def carry_out(
        self,
        id: str,
        steps: Sequence[c.ContactCommand | Words],
        *,
        actor: str,
        command_id: str,
        guard: Callable[[Contact], None] | None = None,
    ) -> Outcome:
        """Commands and words in one step, in this order; all of them happen or none. As `do`, otherwise."""

        def decide(step: Step) -> None:
            if guard is not None:
                guard(step.contact)
            step.take(steps, command_id)

        return await self._attempt(id, decide, actor, command_id)

    async def say(
        self,
        id: str,
        words: Words,
        *,
        actor: str,
        command_id: str,
        guard: Callable[[Contact], None] | None = None,
    ) -> tuple[Message, Outcome]:
        """Adds a message; returns it as committed, also when it is a repetition."""
        if not words.text and words.file is None:
            raise InvalidInput("text", "expected something to say")

        def decide(step: Step) -> None:
            if guard is not None:
                guard(step.contact)
            step.say(words, command_id)

        outcome = await self._attempt(id, decide, actor, command_id)
        for message in outcome.messages:
            if message.client_id == command_id:
                return message, outcome
        for recorded in outcome.events:
            if isinstance(recorded.event, e.MessageAdded):
                found = await self.message(recorded.event.message)
                if found is not None:
                    return found, outcome
        raise NotFound("message", command_id)

    async def _attempt(
        self,
        id: str,
        decide: Callable[[Step], None],
        actor: str,
        command_id: str | None,
        fence: Fence | None = None,
    ) -> Outcome:
        # One step at a time within this process; the version guards against the others.
        async with self._locks.setdefault(id, asyncio.Lock()):
            return await self._attempt_alone(id, decide, actor, command_id, fence)

    async def _attempt_alone(
        self, id: str, decide: Callable[[Step], None], actor: str, command_id: str | None, fence: Fence | None
    ) -> Outcome:
        for _ in range(TRIES):
            row = await self.get(id)
            step = Step(row.contact, self._clock.now(), self._directory)
            try:
                decide(step)
            except HubError:
                # Refused because it was done already? Then this is the answer to a retry.
                first = await self._store.log.find(id, actor, command_id) if command_id else None
                if first is None:
                    raise
                return Outcome(row, first.events, repeated=True)
            if not step.events:
                return Outcome(row)
            change = step.change(actor, command_id, fence=fence)
            try:
                appended = await self._store.log.append(change)
            except VersionConflict:
                self._rows.pop(id, None)
                continue
            if appended.repeated:
                return Outcome(await self.get(id), appended.events, repeated=True)
            return self._committed(change, appended.events)
        raise VersionConflict("Too many people changed this contact at once. Please try again.")

    def _committed(self, change: Change, events: tuple[Recorded, ...]) -> Outcome:
        assert change.contact is not None
        messages: tuple[Message, ...] = ()
        if change.messages:
            seqs = {r.event.message: r.seq for r in events if isinstance(r.event, e.MessageAdded)}
            messages = tuple(replace(message, seq=seqs[message.id]) for message in change.messages)
            for message in messages:
                self._keep(message)
        row = ContactRow(change.contact, events[-1].seq)
        self._remember(row)
        return Outcome(row, events, messages)

    # --- customers -------------------------------------------------------------------------------------------

    async def edit_customer(self, customer: Customer, fields: Sequence[str], *, actor: str) -> Customer:
        """Writes a customer whose `version` is one above what was read. Raises VersionConflict."""
        await self._store.log.append(
            Change(
                customer.id,
                customer.version - 1,
                (e.CustomerChanged(actor, tuple(fields)),),
                self._clock.now(),
                actor,
                customer=customer,
            )
        )
        self._customers.keep(customer.id, customer)
        return customer


class Step:
    """One decision under way: the contact as it becomes, the events so far and the messages that go with them."""

    def __init__(self, contact: Contact, now: int, directory: Directory) -> None:
        self.contact = contact
        self.events: list[e.ContactEvent] = []
        self.messages: list[Message] = []
        self.mails: list[StoredMail] = []
        self.files: list[StoredFile] = []
        self._version = contact.version
        self._now = now
        self._directory = directory

    def do(self, command: c.ContactCommand) -> None:
        for event in machine.decide(self.contact, command, self._now):
            before = self.contact
            self._take(event)
            line = line_for(event, before, self._directory.public_name, self._directory.queue_name)
            if line is not None:
                self._add(
                    Words(AuthorKind.SYSTEM, None, "", internal=line.internal), None, MessageKind.SYSTEM, line.code,
                    line.data,
                )  # fmt: skip

    def take(self, steps: Sequence[c.ContactCommand | Words], client_id: str) -> None:
        for one in steps:
            if isinstance(one, Words):
                self.say(one, client_id)
            else:
                self.do(one)

    def say(self, words: Words, client_id: str) -> None:
        said = MessageKind.NOTE if words.internal else MessageKind.FILE if words.file else MessageKind.TEXT
        self._add(words, client_id, words.kind or said, words.code, words.data)
        self.mails += words.mails
        self.files += words.files

    def _add(
        self, words: Words, client_id: str | None, kind: MessageKind, code: str | None, data: dict[str, Any]
    ) -> None:
        id = words.id or new_id("ms", self._now)
        say = c.Say(id, str(words.author_kind), str(kind), words.author, words.internal)
        for event in machine.decide(self.contact, say, self._now):
            assert isinstance(event, e.MessageAdded)
            self._take(event)
            self.messages.append(
                Message(
                    id,
                    self.contact.id,
                    event.n,
                    self._now,
                    words.author_kind,
                    kind,
                    words.text,
                    words.author,
                    words.author_name,
                    words.file,
                    client_id,
                    code,
                    data,
                    words.internal,
                )
            )

    def _take(self, event: e.ContactEvent) -> None:
        self.contact = machine.evolve(self.contact, event, self._now)
        self.events.append(event)

    def change(
        self,
        actor: str,
        command_id: str | None,
        *,
        customer: Customer | None = None,
        visitor: Visitor | None = None,
        fence: Fence | None = None,
    ) -> Change:
        return Change(
            self.contact.id,
            self._version,
            tuple(self.events),
            self._now,
            actor,
            command_id,
            self.contact,
            tuple(self.messages),
            customer,
            visitor,
            fence=fence,
            mails=tuple(self.mails),
            files=tuple(self.files),
        )


def agent_words(user: User, text: str, file: FileRef | None = None, *, internal: bool = False) -> Words:
    """What an agent says; visitors see the first of his names."""
    return Words(AuthorKind.AGENT, user.id, user.name, text, file, internal)
