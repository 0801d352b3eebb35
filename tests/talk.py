"""A conversation that is written to a store the way the hub does it: decide, evolve, append."""

import itertools
from dataclasses import dataclass, field

from hub import commands as c
from hub import machine
from hub.model import AuthorKind, Channel, Contact, Customer, Message, MessageKind, Visitor
from hub.ports import Appended, Change, Log

T0 = 1_700_000_000_000
_numbers = itertools.count(1)


@dataclass
class Talk:
    """`contact` is the last state that this writer knows."""

    log: Log
    contact: Contact = field(default_factory=lambda: Contact(f"ct_{next(_numbers):05d}"))
    now: int = T0

    async def begin(
        self,
        subject: str = "",
        *,
        customer: Customer | None = None,
        visitor: str | None = None,
        queue: str = "support",
        channel: Channel = Channel.CHAT,
        fields: dict[str, str] | None = None,
    ) -> "Talk":
        """Created and queued in one step, with its customer and visitor."""
        customer = customer or Customer(f"cu_{self.contact.id[3:]}", created_at=self.now)
        create = c.Create(channel, "demo", customer.id, visitor, subject, "en", fields or {})
        made = Visitor(visitor, "demo", customer.id, self.now) if visitor else None
        await self.do(create, c.Enqueue(queue, {}), customer=customer, visitor=made)
        return self

    async def say(
        self, text: str = "Hello", *, by: str = "visitor", command: str | None = None, id: str | None = None
    ) -> Message:
        """`by` is visitor, agent or note."""
        message = Message(
            id=id or f"ms_{next(_numbers):06d}",
            contact=self.contact.id,
            n=self.contact.messages + 1,
            at=self.now,
            author_kind=AuthorKind.VISITOR if by == "visitor" else AuthorKind.AGENT,
            kind=MessageKind.NOTE if by == "note" else MessageKind.TEXT,
            text=text,
            author="vi_1" if by == "visitor" else "us_1",
            client_id=command,
            internal=by == "note",
        )
        say = c.Say(message.id, message.author_kind.value, message.kind.value, message.author, message.internal)
        await self.do(say, messages=(message,), command=command)
        return message

    async def accept(self, agent: str = "us_1") -> None:
        fence = self.contact.last_fence + 1
        await self.do(c.MakeOffer(agent, fence, self.now + 20_000, 1), c.Accept(agent, fence))

    async def end(self) -> None:
        """Over and wrapped up, or abandoned when nobody had taken it."""
        await self.do(c.End("visitor", "left", 60_000))
        if self.contact.phase == "wrapping":
            await self.do(c.Finish("us_1", "solved"))

    def change(
        self,
        *commands: c.ContactCommand,
        messages: tuple[Message, ...] = (),
        command: str | None = None,
        customer: Customer | None = None,
        visitor: Visitor | None = None,
        actor: str = "vi_1",
    ) -> Change:
        self.now += 1000
        contact, events = self.contact, []
        for each in commands:
            decided = machine.decide(contact, each, self.now)
            contact = machine.apply(contact, decided, self.now)
            events += decided
        return Change(
            stream=contact.id,
            expected_version=self.contact.version,
            events=tuple(events),
            at=self.now,
            actor=actor,
            command_id=command,
            contact=contact,
            messages=messages,
            customer=customer,
            visitor=visitor,
        )

    async def do(
        self,
        *commands: c.ContactCommand,
        messages: tuple[Message, ...] = (),
        command: str | None = None,
        customer: Customer | None = None,
        visitor: Visitor | None = None,
    ) -> Appended:
        change = self.change(*commands, messages=messages, command=command, customer=customer, visitor=visitor)
        appended = await self.log.append(change)
        if not appended.repeated and change.contact is not None:
            self.contact = change.contact
        return appended
