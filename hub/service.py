"""The hub: everything that channels and pages use, put together once by server.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from hub import commands as c
from hub.answer_watch import AnswerWatch
from hub.callback_desk import CallbackDesk
from hub.contacts import ContactService, Outcome, Words, agent_words, clean_text
from hub.directory import Directory
from hub.errors import Forbidden, NotFound, Refused
from hub.events import Recorded
from hub.feed import Feed, Handler, Reader
from hub.leadership import Leadership
from hub.living import Living
from hub.mailing import Mailing
from hub.mails import MailHealth
from hub.model import Channel, Contact, Customer, FileRef, Message, Millis, Phase, Requirements, User
from hub.permissions import Permission, may
from hub.phones import Phones
from hub.ports import Bus, Clock, ContactRow, Store
from hub.presence import PresenceService
from hub.roster import Roster
from hub.rules import Placement, blocked, facts_of, place
from hub.sorting import Sorting
from hub.today import Today
from hub.views import Views
from hub.visitors import VisitorService

log = structlog.get_logger(__name__)

WRAP_UP_LIMIT_MS = 15 * 60_000
WRAP_UP_STEP_MS = 60_000
TRANSFER_WAIT_MS = 60_000


class QueueStanding(Struct, frozen=True):
    """A queue's live figures; `oldest` is the original age of who has waited longest."""

    waiting: int
    oldest: Millis | None
    staffed: int
    idle: int


class QueueOffice(Struct, frozen=True):
    """A queue's agents who could serve a channel: `free` to do so now, or `busy` with work that lasts `handle_s`."""

    free: int
    busy: int
    handle_s: float


class Routing(Protocol):
    """What the hub asks of the dispatcher; the answers come from memory."""

    def position(self, contact: str) -> int | None: ...

    def wait_s(self, contact: str) -> float | None: ...

    def queue_wait_s(self, queue: str, channel: str) -> float | None:
        """The wait of a contact that came now, in seconds; None when nobody eligible is there."""
        ...

    def standing(self, queue: str) -> QueueStanding: ...

    def office(self, queue: str, channel: str) -> QueueOffice:
        """Looks at every agent."""
        ...

    def explain(self, contact: str) -> list[dict[str, Any]]:
        """Every agent, whether he is eligible, and why not; first those who are, in their order."""
        ...

    def explain_newcomer(self, channel: str, placement: Placement, preferred: str | None) -> list[dict[str, Any]]:
        """As `explain`, for a contact that is not there."""
        ...

    def load(self, agent: str) -> dict[str, Any]:
        """{units, used, channels: {channel: {max, used}}}"""
        ...


class TrunkHealth(Struct, frozen=True):
    """How a trunk does: `reachable` None while nothing is known or nobody is asked; `status` as it answered OPTIONS
    last, and `server` which address that was; `registered` None where we do not register, `calls` those that live now.

    `tls`, where its calls go out by it: "verified" when its certificate was right, "refused" when it was not or ours
    cannot be used (`problem` says why), "unverified" where nobody checks it; None while nothing is known.
    """

    id: str
    name: str
    reachable: bool | None = None
    status: int | None = None
    registered: bool | None = None
    problem: str = ""
    calls: int = 0
    server: str = ""
    tls: Literal["verified", "unverified", "refused"] | None = None


class Hub:
    """The domain's services over one store, at one node of perhaps several."""

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
        self.feed = Feed(store.log, bus)
        self.roster = Roster(bus)
        self.leadership = Leadership(store, bus, clock)
        self.directory = Directory(store)
        self.contacts = ContactService(store, self.directory, clock)
        self.living = Living(self.contacts.known)
        self.today = Today(store, self.directory, clock)
        self.presence = PresenceService(store, self.contacts, clock, self.roster, self.leadership, lease_ms, grace_ms)
        self.visitors = VisitorService(store, self.directory, self.contacts, clock, secret)
        self.phones = Phones(self.directory, clock, secret)
        self.answers = AnswerWatch(self.directory, self.living, self.contacts, self.leadership, clock)
        self.views = Views(
            self.directory, self.contacts, self.online, self.answers.due, lambda: self.mailing is not None
        )
        self._routing: Routing | None = None
        self.stopping = False
        self.takes_calls = False  # from web pages: the voice channel runs here
        self.shows_pages = False  # to agents: co-browsing is switched on
        self.trunk_health: Callable[[], list[TrunkHealth]] = list
        self.mail_health: Callable[[], list[MailHealth]] = list
        self.mailing: Mailing | None = None  # where the e-mail channel runs
        self.sorting: Sorting | None = None  # there, too
        self.calling_back: CallbackDesk | None = None  # where callbacks are switched on
        self._state: Reader

    def online(self, visitor: str) -> bool:
        """Whether the visitor has a page open, at whatever node."""
        return self.roster.there("visitor", visitor)

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
        await self.leadership.load()
        await self.feed.start()
        await self.roster.start()
        self._state = self.feed.add("state", self._follow, cursor)
        await self.presence.start(self._held_by)
        self.follow("answers", self.answers.follow)
        await self.answers.start()

    async def stop(self) -> None:
        self.stopping = True
        await self.leadership.stop()
        await self.answers.stop()
        await self.presence.stop()
        await self.roster.stop()
        await self.feed.stop()

    async def _follow(self, batch: Sequence[Recorded]) -> None:
        """Brings what is kept in memory up to date; whoever reads that follows the log behind this reader."""
        await self.contacts.follow(batch)
        self.today.turn()
        for recorded in batch:
            step = self.living.apply(recorded)
            if step is not None:
                self.today.count(recorded.event, *step)
        self.leadership.follow(batch)
        await self.presence.follow(batch)
        await self.directory.follow(batch)

    async def settled(self, seq: int) -> None:
        """Returns once what is kept in memory is as it is after this event, or a later one."""
        await self.feed.reached(self._state, seq)

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

    def records_pages(self, site: str) -> bool:
        """Whether the site wants the pages recorded that its customers share."""
        found = self.directory.sites().get(site)
        return found is not None and found.cobrowse.on and found.cobrowse.record

    async def seen_by(self, user: User, id: str) -> ContactRow:
        """The contact, if this user may see it. Raises NotFound, Forbidden."""
        row = await self.contacts.get(id)
        if not self.may_see(user, row.contact):
            raise Forbidden("This contact belongs to other agents.")
        return row

    # --- where new contacts go ------------------------------------------------------------------------------------

    def place(
        self, draft: Contact, customer: Customer | None, queue: str, skills: Requirements, **facts: str
    ) -> Placement:
        """Where the administrators' rules put a contact that would come to `queue`; `facts` as in `rules.facts_of`."""
        known = facts_of(draft, customer, **facts)
        placement = place(self.directory.rules(), known, queue, skills, self._calendar_open)
        open_queue = self._open_queue(placement.queue)
        return placement if open_queue == placement.queue else replace(placement, queue=open_queue, requirements={})

    def _open_queue(self, queue: str) -> str:
        """The queue, or the one to which its rule sends contacts while it is closed. Raises NotFound."""
        seen = {queue}
        while not self.directory.is_open(queue, self.clock.now()):
            rules = (rule for rule in self.directory.queue(queue).overflow if rule.when == "closed")
            following = next((rule.queue for rule in rules if rule.queue is not None), None)
            if following is None or following in seen:
                break
            seen.add(following)
            queue = following
        return queue

    def asked(self, contact: Contact) -> Requirements:
        """The skills that the contact asks for by now: its queue's at the step it has reached, and its own."""
        row = self.directory.queues().get(contact.queue or "")
        if row is None:
            return contact.requirements
        asked = dict(
            row.relax[min(contact.relaxed, len(row.relax)) - 1].skills if contact.relaxed and row.relax else row.skills
        )
        for skill, level in contact.requirements.items():
            asked[skill] = max(level, asked.get(skill, 0))
        return asked

    def _calendar_open(self, calendar: str) -> bool:
        return self.directory.calendar_open(calendar, self.clock.now())

    def refuse_blocked(self, *, email: str = "", phone: str = "", visitor: str = "", address: str = "") -> None:
        """Raises Forbidden for whom the administrators do not want served; it does not say by which row."""
        today = datetime.fromtimestamp(self.clock.now() / 1000, UTC).date()
        block = blocked(
            self.directory.blocks().values(), today, email=email, phone=phone, visitor=visitor, address=address
        )
        if block is not None:
            log.info("contact.blocked", what=block.what)
            raise Forbidden("We cannot take your request here.", code="customer.blocked")

    async def create(
        self,
        id: str,
        draft: Contact,
        customer: Customer,
        placement: Placement,
        *,
        new: bool,
        actor: str,
        preferred: str | None = None,
        words: Words | None = None,
        command_id: str,
    ) -> Outcome:
        """A contact that a program makes: its channel, site, subject, language, fields and page are those of `draft`.

        The customer is stored along when he is `new`; one who is known is left as he is.
        """
        created = c.Create(draft.channel, draft.site, customer.id, None, draft.subject, draft.language, draft.fields)
        enqueue = c.Enqueue(
            placement.queue, placement.requirements, placement.priority, preferred or customer.owner, placement.rules
        )
        visit = [] if draft.page is None else [c.VisitPage(draft.page.url, draft.page.title)]
        return await self.contacts.create(
            id,
            created,
            [*visit, enqueue],
            actor=actor,
            command_id=command_id,
            words=words,
            customer=customer if new else None,
        )

    async def change_channel(self, user: User, contact: str, channel: Channel, client_id: str) -> Outcome:
        """A customer who waits is served another way, in the same place of the queue. Raises WrongPhase."""
        await self.seen_by(user, contact)
        return await self.contacts.do(contact, c.ChangeChannel(channel), actor=user.id, command_id=client_id)

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

    async def hold(self, user: User, contact: str, client_id: str | None, on: bool) -> Outcome:
        """Gives the customer music, or takes the contact up again: then another call of his is held."""
        if not on:
            state = (await self.contacts.get(contact)).contact
            if state.agent == user.id and state.phase is Phase.HELD:
                await self.hold_others(user.id, contact)
        command = c.Hold(user.id) if on else c.Resume(user.id)
        return await self.contacts.do(contact, command, actor=user.id, command_id=client_id)

    async def hold_others(self, agent: str, contact: str) -> None:
        """Whoever else the agent talks with by voice hears music from now on: he has one pair of ears."""
        for id in [row.contact.id for row in self.living.of_agent(agent) if row.contact.id != contact]:
            other = (await self.contacts.get(id)).contact
            if other.agent == agent and other.media and other.phase is Phase.ACTIVE:
                with contextlib.suppress(Refused):  # it ended, or was held, just now
                    await self.contacts.do(id, c.Hold(agent), actor=agent)

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
