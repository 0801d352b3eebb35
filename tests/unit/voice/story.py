"""A call machine with a real contact beside it, for stories of calls."""

from __future__ import annotations

from typing import TypeVar

from channels.voice import call_values as v
from channels.voice.call import Call
from channels.voice.call_values import AGENT, CUSTOMER, OUTGOING, Limits, Sound, Way
from hub import commands as c
from hub import events as e
from hub.errors import Refused
from hub.machine import apply, decide
from hub.model import Channel, Contact, Phase

NOW = 1_700_000_000_000
LIMITS = Limits(wait_ms=300_000, longest_ms=600_000)
O = TypeVar("O", bound=v.Output)  # noqa: E741


class Line:
    """A call with its contact: what the call wants of the contact is done by the contact's own machine."""

    def __init__(
        self,
        way: Way = Way.TRUNK,
        *,
        record: bool = False,
        dialled_by: str = "us_1",
        queue: str | None = "support",
        ahead_ms: int = 0,
    ) -> None:
        self.now = NOW
        self.contact = self.after(Contact("ct_1"), c.Create(Channel.VOICE, "demo", "cu_1", media=True))
        if way is Way.DIAL:
            self.contact = self.after(self.contact, c.Dial(dialled_by, "support"))
        elif queue is not None:
            self.contact = self.after(self.contact, c.Enqueue(queue, {}))
        if ahead_ms:
            self.contact = self.after(self.contact, c.End("system", "callback_later", 0))
        elif way is Way.CALLBACK:
            # Its call begins when somebody has it.
            self.contact = self.after(self.contact, c.MakeOffer(dialled_by, 1, self.now + 20_000, 1))
            self.contact = self.after(self.contact, c.Accept(dialled_by, 1))
        self.call = Call("ct_1", way, self.now, LIMITS, record=record)
        self.done: list[v.Output] = []
        if ahead_ms:
            self.give(v.Screen(False, "connect", ahead_ms))
        elif way in OUTGOING:
            self.tell()

    def after(self, contact: Contact, command: c.ContactCommand) -> Contact:
        return apply(contact, decide(contact, command, self.now), self.now)

    def give(self, *inputs: v.Input) -> list[v.Output]:
        """What the inputs led to, the contact's answers included."""
        before = len(self.done)
        for input in inputs:
            for output in self.call.handle(input, self.now):
                self.done.append(output)
                self.carry_out(output)
        return self.done[before:]

    def carry_out(self, output: v.Output) -> None:
        match output:
            case v.Connect(agent):
                self.change(c.Connect(agent))
            case v.Await():
                self.change(c.Reopen("callback", "support", {}, since=NOW))
            case v.End(by, reason):
                self.change(c.End(by, reason, 60_000))
            case v.Lose(agent, reason):
                self.change(c.LoseAgent(agent, reason))
            case v.Note(event):
                self.change(c.NoteCall(event))

    def change(self, command: c.ContactCommand) -> None:
        try:
            self.contact = self.after(self.contact, command)
        except Refused:
            return
        self.tell()

    def tell(self) -> None:
        contact = self.contact
        self.give(v.ContactIs(contact.phase, contact.agent, contact.ended_by or "", "closed"))

    def offer_and_accept(self, agent: str = "us_1") -> None:
        self.change(c.MakeOffer(agent, self.contact.last_fence + 1, self.now + 20_000, 1))
        self.change(c.Accept(agent, self.contact.last_fence))

    def join(self, agent: str = "us_1", window: str = "w1") -> None:
        self.give(v.LegMade(AGENT, agent, window), v.LegUp(AGENT))

    def wait(self, ms: int) -> None:
        """As the shell's clock does it: a Tick at each deadline on the way."""
        until = self.now + ms
        while self.call.deadline is not None and self.call.deadline <= until:
            self.now = max(self.now, self.call.deadline)
            self.give(v.Tick())
        self.now = until

    def did(self, kind: type[O]) -> list[O]:
        return [output for output in self.done if isinstance(output, kind)]

    def heard(self, party: str) -> list[Sound]:
        return [output.sound for output in self.did(v.Hears) if output.party == party]

    def says(self) -> v.Hears:
        return [output for output in self.did(v.Hears) if output.token][-1]

    def timeline(self) -> list[str]:
        return [e.type_of(output.event) for output in self.did(v.Note)]


def queued(way: Way = Way.TRUNK, *, record: bool = False) -> Line:
    line = Line(way, record=record)
    line.give(v.Ready())
    if way is Way.WEB:
        line.give(v.LegUp(CUSTOMER))
    return line


def talking(way: Way = Way.TRUNK, *, record: bool = False) -> Line:
    line = queued(way, record=record)
    line.offer_and_accept()
    line.join()
    assert line.contact.phase is Phase.ACTIVE
    return line
