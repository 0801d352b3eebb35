"""Plays the demo's history: what `hub/demo_history.toml` tells, through the contact's machine, at times gone by.

The same file gives the same history; only the time of the first start moves it.
"""

from __future__ import annotations

import asyncio
import random
import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct, field

from hub import commands as c
from hub.contacts import Step, Words, agent_words
from hub.directory import Directory
from hub.ids import derived_id
from hub.model import AuthorKind, Channel, Contact, Customer, Millis, User, Visitor
from hub.ports import Change, Store

SITE = "demo"
_DAY_MS = 24 * 3600 * 1000
_BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
)


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """An earlier customer; with an `external_id` one that the shop has signed for."""

    name: str
    email: str = ""
    phone: str = ""
    language: str = "en"
    external_id: str | None = None
    note: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class Talk(Struct, frozen=True, forbid_unknown_fields=True):
    """A closed contact. Without an agent the customer left the queue after `waited_s`; `subject` is what the agent
    makes of the topic in the end."""

    customer: str
    days_ago: float
    queue: str
    talk: str
    agent: str | None = None
    subject: str | None = None
    page: str = "/demo/"
    outcome: str | None = None
    tags: tuple[str, ...] = ()
    rating: int | None = None
    comment: str = ""
    waited_s: int | None = None


class Told(Struct, frozen=True, forbid_unknown_fields=True):
    customers: dict[str, Person]
    contacts: list[Talk]


def told() -> Told:
    """What the file tells."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Told)


async def play(store: Store, directory: Directory, now: Millis, origin: str) -> None:
    """Writes the history up to `now`; what a start that was cut off has written already is left as it is.

    `origin` is where the demo shop is. The agents, queues and the site must be there.
    """
    story = await asyncio.to_thread(told)
    agents = {user.username: user for user in directory.users().values()}
    changes: list[Change] = []
    seen: set[str] = set()
    for number, talk in enumerate(story.contacts):
        player = _Player(directory, agents, number, talk, story.customers[talk.customer], now, origin)
        player.play(first=talk.customer not in seen)
        seen.add(talk.customer)
        changes += player.changes
    changes.sort(key=lambda change: change.at)
    # Handed over at once and in order: the store writes them in a few transactions.
    await asyncio.gather(*(store.log.append(change) for change in changes))
    for name, person in story.customers.items():
        if person.external_id is not None:
            await store.people.add_identity(_customer_id(name, person), f"external:{SITE}", person.external_id)


def _customer_id(name: str, person: Person) -> str:
    """For a signed identity the id that the hub itself would give him (`hub.visitors`)."""
    return derived_id("cu", 0, SITE, person.external_id or f"history-{name}")


class _Player:
    """One contact's life, step by step."""

    def __init__(
        self,
        directory: Directory,
        agents: dict[str, User],
        number: int,
        talk: Talk,
        person: Person,
        now: Millis,
        origin: str,
    ) -> None:
        self._directory = directory
        self._agents = agents
        self._talk = talk
        self._person = person
        self._origin = origin
        self._random = random.Random(number)
        self._customer = _customer_id(talk.customer, person)
        self._visitor = derived_id("vi", 0, SITE, f"history-{talk.customer}")
        self._contact = Contact(id=derived_id("ct", 0, SITE, f"history-{number}"))
        self._at = now - int(talk.days_ago * _DAY_MS)
        self._fence = 0
        self.changes: list[Change] = []

    def play(self, *, first: bool) -> None:
        """`first` is the customer's first contact, with which he becomes known."""
        lines = [(line[0], line[2:]) for line in self._talk.talk.strip().splitlines()]
        self._begin(lines.pop(0)[1], first)
        if self._talk.agent is None:
            for _, text in lines:
                self._pause(25, 40)
                self._say(self._by_visitor(text), self._visitor)
            self._leave()
            return
        speaker = self._agents[self._talk.agent]
        self._answer(speaker, self._talk.waited_s or self._random.randint(4, 24))
        for kind, text in lines:
            match kind:
                case ">":
                    self._pause(6 + len(text) / 12, 25)
                    self._say(self._by_visitor(text), self._visitor)
                    self._pause(1, 4)
                    self._do(speaker.id, c.Mark("agent", self._contact.messages, self._contact.messages))
                case "<":
                    self._pause(5 + len(text) / 14, 20)
                    self._say(agent_words(speaker, text), speaker.id)
                    self._pause(1, 5)
                    self._do(self._visitor, c.Mark("visitor", self._contact.messages, self._contact.messages))
                case "#":
                    self._pause(4, 9)
                    self._say(agent_words(speaker, text, internal=True), speaker.id)
                case "@":
                    speaker = self._direct(text.split())
                case _:
                    raise ValueError(f"{kind} {text}")
        self._end()

    def _begin(self, text: str, first: bool) -> None:
        person, talk = self._person, self._talk
        queue = self._directory.queue(talk.queue)
        customer = Customer(
            self._customer,
            person.name,
            person.email,
            person.phone,
            person.language,
            external_id=person.external_id,
            verified=person.external_id is not None,
            note=person.note,
            fields=person.fields,
            created_at=self._at,
        )
        visitor = Visitor(self._visitor, SITE, self._customer, self._at, self._random.choice(_BROWSERS))
        title = talk.page.rpartition("/")[2].removesuffix(".html").removeprefix("product-").capitalize()
        step = Step(self._contact, self._at, self._directory)
        step.do(c.Create(Channel.CHAT, SITE, self._customer, self._visitor, queue.name, person.language))
        step.do(c.VisitPage(self._origin + talk.page, f"{title or 'Tea and ceramics'} · Moss & Kiln"))
        step.do(c.Enqueue(talk.queue, {}))
        step.say(self._by_visitor(text), f"history-{self._contact.id}")
        self._take(step, self._visitor, customer=customer if first else None, visitor=visitor if first else None)

    def _answer(self, agent: User, waited_s: float) -> None:
        """Offered some seconds before it is accepted."""
        ringing = min(waited_s, self._random.uniform(2, 8))
        self._at += int((waited_s - ringing) * 1000)
        self._fence += 1
        self._do("system", c.MakeOffer(agent.id, self._fence, self._at + 30_000, 1))
        self._at += int(ringing * 1000)
        self._do(agent.id, c.Accept(agent.id, self._fence))
        self._do(agent.id, c.Mark("agent", self._contact.messages, self._contact.messages))

    def _direct(self, words: list[str]) -> User:
        """An instruction to the agents; who speaks from here on."""
        owner = self._contact.agent
        assert owner is not None
        self._pause(10, 20)
        match words:
            case ["transfer", queue, username]:
                self._do(owner, c.Transfer(owner, queue, {}))
                self._answer(self._agents[username], self._random.uniform(3, 12))
            case ["join", username]:
                self._do(owner, c.Invite(self._agents[username].id, owner))
                self._pause(4, 8)
                self._do(self._agents[username].id, c.Join(self._agents[username].id))
            case _:
                raise ValueError(" ".join(words))
        return self._agents[username]

    def _leave(self) -> None:
        self._at = max(self._at + 5_000, self._contact.queued_at + (self._talk.waited_s or 60) * 1000)
        self._do(self._visitor, c.End("visitor", "left", 0))

    def _end(self) -> None:
        talk, agent = self._talk, self._contact.agent
        assert agent is not None
        wrap_ms = self._directory.queue(self._contact.queue or "").wrap_up_s * 1000
        self._pause(10, 30)
        if self._random.random() < 0.5:
            self._do(self._visitor, c.End("visitor", "left", wrap_ms))
        else:
            self._do(agent, c.End(agent, "closed", wrap_ms))
        if talk.tags or talk.subject:
            self._pause(4, 9)
            self._do(agent, c.Edit(agent, talk.subject, talk.tags))
        if talk.rating is not None:
            self._pause(3, 8)
            self._do(self._visitor, c.Rate(talk.rating, talk.comment))
        self._pause(6, 20)
        self._do(agent, c.Finish(agent, talk.outcome))

    def _pause(self, least_s: float, most_s: float) -> None:
        self._at += int(self._random.uniform(least_s, max(least_s, most_s)) * 1000)

    def _by_visitor(self, text: str) -> Words:
        return Words(AuthorKind.VISITOR, self._visitor, self._person.name, text)

    def _say(self, words: Words, actor: str) -> None:
        step = Step(self._contact, self._at, self._directory)
        step.say(words, f"history-{self._contact.id}-{self._contact.version}")
        self._take(step, actor)

    def _do(self, actor: str, command: c.ContactCommand) -> None:
        step = Step(self._contact, self._at, self._directory)
        step.do(command)
        self._take(step, actor)

    def _take(
        self, step: Step, actor: str, *, customer: Customer | None = None, visitor: Visitor | None = None
    ) -> None:
        if step.events:
            command = f"history-{self._contact.version}"
            self.changes.append(step.change(actor, command, customer=customer, visitor=visitor))
            self._contact = step.contact
