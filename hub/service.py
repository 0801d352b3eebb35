"""The hub: everything that channels and pages use, put together once by server.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from hub import commands as c
from hub.contacts import ContactService, Outcome, agent_words, clean_text
from hub.directory import Directory
from hub.errors import Forbidden, NotFound, Refused
from hub.events import Recorded
from hub.feed import Feed, Handler, Reader
from hub.living import Living
from hub.model import Contact, FileRef, Message, Millis, User
from hub.permissions import Permission, may
from hub.ports import Bus, Clock, ContactRow, Store
from hub.presence import PresenceService
from hub.today import Today
from hub.views import Views
from hub.visitors import VisitorService

WRAP_UP_LIMIT_MS = 15 * 60_000
WRAP_UP_STEP_MS = 60_000
TRANSFER_WAIT_MS = 60_000


class QueueStanding(Struct, frozen=True):
    """A queue's live figures; `oldest` is the original age of who has waited longest."""

    waiting: int
    oldest: Millis | None
    staffed: int
    idle: int


class Routing(Protocol):
    """What the hub asks of the dispatcher; the answers come from memory."""

    def position(self, contact: str) -> int | None: ...

    def wait_s(self, contact: str) -> float | None: ...

    def queue_wait_s(self, queue: str, channel: str) -> float | None:
        """The wait of a contact that came now, in seconds; None when nobody eligible is there."""
        ...

    def standing(self, queue: str) -> QueueStanding: ...

    def explain(self, contact: str) -> list[dict[str, Any]]:
        """Every agent, whether he is eligible, and why not."""
        ...

    def load(self, agent: str) -> dict[str, Any]:
        """{units, used, channels: {channel: {max, used}}}"""
        ...


class Hub:
    """The domain's services over one store. `online(visitor)` is answered by the chat channel."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Clock,
        secret: bytes,
        *,
        lease_ms: Millis = 30_000,
        grace_ms: Millis = 60_000,
    ) -> None:
        self.store = store
        self.bus = bus
        self.clock = clock
        self.feed = Feed(store.log)
        self.directory = Directory(store)
        self.living = Living()
        self.today = Today(store, self.directory, clock)
        self.contacts = ContactService(store, self.directory, clock)
        self.presence = PresenceService(store, self.contacts, clock, lease_ms, grace_ms)
        self.visitors = VisitorService(store, self.directory, self.contacts, clock, secret)
        self.online: Callable[[str], bool] = lambda visitor: False
        self.views = Views(self.directory, self.contacts, lambda visitor: self.online(visitor))
        self._routing: Routing | None = None
        self.stopping = False
        self._state: Reader

    @property
    def routing(self) -> Routing:
        assert self._routing is not None, "server.py gives the hub its dispatcher before anything is served"
        return self._routing

    @routing.setter
    def routing(self, routing: Routing) -> None:
        self._routing = routing

    async def start(self) -> None:
        """Reads what there is, then follows the log. The dispatcher is started after it, the sockets last."""
        await self.directory.load()
        cursor = await self.store.log.head()
        await self.living.load(self.store)
        await self.today.load()
        await self.feed.start()
        self._state = self.feed.add("state", self._follow, cursor)
        await self.presence.start(self._held_by)

    async def stop(self) -> None:
        self.stopping = True
        await self.presence.stop()
        await self.feed.stop()

    async def _follow(self, batch: Sequence[Recorded]) -> None:
        """Brings what is kept in memory up to date; whoever reads that follows the log behind this reader."""
        await self.contacts.follow(batch)
        await self.living.follow(batch)
        await self.today.follow(batch)
        await self.presence.follow(batch)
        await self.directory.follow(batch)

    def follow(self, name: str, handler: Handler) -> None:
        """Adds a reader of everything from now on that sees the hub's state as it is after each event."""
        self.feed.add(name, handler, self._state.cursor, behind=self._state)

    def _held_by(self, agent: str) -> list[str]:
        return [row.contact.id for row in self.living.of_agent(agent)]

    # --- who may see and do what --------------------------------------------------------------------------------

    def may_see(self, user: User, contact: Contact) -> bool:
        """His own, past and present; those waiting in queues he serves; others of customers he is serving."""
        if may(user, Permission.CONTACT_READ_ALL):
            return True
        if not may(user, Permission.CONTACT_HANDLE):
            return False
        own = (contact.agent, *contact.participants, *contact.invited, *contact.handled_by)
        if user.id in own or (contact.offer is not None and contact.offer.agent == user.id):
            return True
        if contact.agent is None and contact.closed_at is None and contact.queue is not None:
            return self.directory.serves(user, contact.queue)
        return any(row.contact.customer == contact.customer for row in self.living.of_agent(user.id))

    async def seen_by(self, user: User, id: str) -> ContactRow:
        """The contact, if this user may see it. Raises NotFound, Forbidden."""
        row = await self.contacts.get(id)
        if not self.may_see(user, row.contact):
            raise Forbidden("This contact belongs to other agents.")
        return row

    async def file_of(self, file: str, contact: str, uploader: str) -> FileRef:
        """What a message says of an uploaded file; only its uploader may send it, and only there. Raises NotFound."""
        stored = await self.store.files.get(file)
        if stored is None or stored.contact != contact or stored.uploader != uploader:
            raise NotFound("file", file)
        return FileRef(stored.id, stored.name, stored.size, stored.type, stored.width, stored.height, stored.thumb)

    # --- what agents do ---------------------------------------------------------------------------------------

    async def say(
        self, user: User, contact: str, client_id: str, text: str, file: FileRef | None = None, *, note: bool = False
    ) -> tuple[Message, Outcome]:
        """Words to the customer need a part in the conversation; a note only the sight of it."""
        await self.seen_by(user, contact)

        def guard(state: Contact) -> None:
            if not note and user.id not in (state.agent, *state.participants):
                raise Refused("Join this conversation before you write in it.", code="contact.not_yours")

        words = agent_words(user, clean_text(text), file, internal=note)
        return await self.contacts.say(contact, words, actor=user.id, command_id=client_id, guard=guard)

    async def accept(self, user: User, contact: str, fence: int, client_id: str) -> Outcome:
        return await self.contacts.do(contact, c.Accept(user.id, fence), actor=user.id, command_id=client_id)

    async def decline(self, user: User, contact: str, fence: int, client_id: str) -> Outcome:
        state = (await self.contacts.get(contact)).contact
        command = c.Decline(user.id, fence, self.retry_ms(state.queue))
        return await self.contacts.do(contact, command, actor=user.id, command_id=client_id)

    def retry_ms(self, queue: str | None) -> Millis:
        """For how long a contact is not offered again to whoever declined or missed it."""
        row = self.directory.queues().get(queue or "")
        return (row.retry_s if row else 60) * 1000

    async def transfer(
        self, user: User, contact: str, client_id: str, queue: str | None, agent: str | None, note: str
    ) -> Outcome:
        """To a queue, or to one agent (who is waited for, then the queue's others may). The age goes along."""
        state = (await self.seen_by(user, contact)).contact
        if (queue is None) == (agent is None):
            raise Refused("Choose either a queue or an agent.", code="transfer.target")
        target = queue or state.queue
        if target is None:
            raise NotFound("queue")
        self.directory.queue(target)
        until: Millis | None = None
        if agent is not None:
            colleague = self.directory.user(agent)
            if colleague.disabled or not may(colleague, Permission.CONTACT_HANDLE):
                raise Refused("That colleague takes no contacts.", code="transfer.target")
            until = self.clock.now() + TRANSFER_WAIT_MS
        owner = user.id
        if may(user, Permission.CONTACT_READ_ALL) and state.agent is not None:
            owner = state.agent  # a supervisor may move what an agent holds
        requirements = state.requirements if target == state.queue else {}
        command = c.Transfer(owner, target, requirements, agent, until)
        if note.strip():
            await self.say(user, contact, f"{client_id}-note", note, note=True)
        return await self.contacts.do(contact, command, actor=user.id, command_id=client_id)

    async def invite(self, user: User, contact: str, client_id: str, agent: str) -> Outcome:
        await self.seen_by(user, contact)
        colleague = self.directory.user(agent)
        if colleague.disabled or not may(colleague, Permission.CONTACT_HANDLE):
            raise Refused("That colleague takes no contacts.", code="invite.target")
        return await self.contacts.do(
            contact, c.Invite(agent, user.id), actor=user.id, command_id=client_id, guard=_part_of(user)
        )

    async def join(self, user: User, contact: str, client_id: str) -> Outcome:
        """Whoever was invited may; others need the right to join any conversation they see."""
        row = await self.seen_by(user, contact)
        if user.id not in row.contact.invited and not may(user, Permission.CONTACT_READ_ALL):
            raise Forbidden("You were not invited to this conversation.")
        return await self.contacts.do(contact, c.Join(user.id), actor=user.id, command_id=client_id)

    async def leave(self, user: User, contact: str, client_id: str) -> Outcome:
        return await self.contacts.do(contact, c.Leave(user.id), actor=user.id, command_id=client_id)

    async def close(self, user: User, contact: str, client_id: str) -> Outcome:
        """Ends the conversation; the wrap-up begins. Mail that waits may be closed by whoever serves it."""
        row = await self.seen_by(user, contact)
        command = c.End(user.id, "closed", self.wrap_up_ms(row.contact.queue))
        guard = None if may(user, Permission.CONTACT_READ_ALL) else _owned_by(user)
        return await self.contacts.do(contact, command, actor=user.id, command_id=client_id, guard=guard)

    def wrap_up_ms(self, queue: str | None) -> Millis:
        row = self.directory.queues().get(queue or "")
        return (row.wrap_up_s if row else 60) * 1000

    async def extend_wrap_up(self, user: User, contact: str, client_id: str) -> Outcome:
        command = c.ExtendWrapUp(WRAP_UP_STEP_MS, WRAP_UP_LIMIT_MS)
        return await self.contacts.do(contact, command, actor=user.id, command_id=client_id, guard=_owned_by(user))

    async def finish(self, user: User, contact: str, client_id: str, outcome: str | None, note: str) -> Outcome:
        if outcome is not None and outcome not in self.directory.outcomes():
            raise NotFound("outcome", outcome)
        if note.strip():
            await self.say(user, contact, f"{client_id}-note", note, note=True)
        return await self.contacts.do(
            contact, c.Finish(user.id, outcome), actor=user.id, command_id=client_id, guard=_owned_by(user)
        )

    async def hold(self, user: User, contact: str, client_id: str, on: bool) -> Outcome:
        command = c.Hold(user.id) if on else c.Resume(user.id)
        return await self.contacts.do(contact, command, actor=user.id, command_id=client_id)

    async def mark(self, user: User, contact: str, delivered: int, read: int) -> Outcome:
        """Only those who take part move the agents' marks; a supervisor who reads along leaves no trace."""
        return await self.contacts.do(contact, c.Mark("agent", delivered, read), actor=user.id, guard=_part_of(user))

    async def edit(
        self, user: User, contact: str, client_id: str, subject: str | None, tags: tuple[str, ...] | None
    ) -> Outcome:
        await self.seen_by(user, contact)
        return await self.contacts.do(contact, c.Edit(user.id, subject, tags), actor=user.id, command_id=client_id)


def _owned_by(user: User) -> Callable[[Contact], None]:
    def guard(state: Contact) -> None:
        if state.agent != user.id:
            raise Refused("Another agent has this contact.", code="contact.not_yours")

    return guard


def _part_of(user: User) -> Callable[[Contact], None]:
    def guard(state: Contact) -> None:
        if user.id not in (state.agent, *state.participants):
            raise Refused("You do not take part in this conversation.", code="contact.not_yours")

    return guard
