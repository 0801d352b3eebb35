"""The log, the wire and the decisions' way back, all of them bad: the lower half of the world of faults."""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from typing import assert_never

from hub import commands as c
from hub import events as e
from hub import machine
from hub.errors import HubError
from hub.events import Recorded
from hub.living import Living
from hub.model import Contact, PresenceState
from routing import inputs as i
from routing.dispatch_overflow import rule_for, waits_in, way_out
from routing.specs import AgentState
from routing.translation import contact_inputs
from tests.unit.routing.judge import Judge
from tests.unit.routing.settings import Settings

START = 1_800_000_000_000


class Wire:
    """A log of `hub.machine`'s contacts, and an engine that hears of it and is obeyed late, twice or never.

    `clock` is the hub's, which never runs backwards within a process; `wall`, by which the engine is told, may.
    `done` counts what happened.
    """

    def __init__(self, seed: int, *, by_hand: bool) -> None:
        self.random = random.Random(seed)
        self.by_hand = by_hand
        self.done: Counter[str] = Counter()
        self.wall = self.clock = START
        self.contacts: dict[str, Contact] = {}
        self.born: dict[str, int] = {}
        self.history: dict[str, list[Recorded]] = {}
        self.presences: dict[str, tuple[AgentState, int, int]] = {}
        self.inbox: dict[str, deque[Recorded]] = defaultdict(deque)
        self.lately: deque[str] = deque(maxlen=30)
        self.undone: list[i.Decision] = []
        self.settings = Settings(self.random, alike=not by_hand)
        self.phones: set[str] = set()
        """The contacts whose customer's number is known."""
        self.ways: dict[str, list[str]] = {}
        """The queues that a contact has left by overflow since somebody put it where it was."""
        self.hours: int | None = None
        self.seq = self.number = 0
        self.judge, self.living = Judge(seed), Living()

    # --- the wire -------------------------------------------------------------------------------------------------

    def feed(self, input: i.Input) -> None:
        """To the engine, by the wall's clock, which may run backwards."""
        for decision in self.judge.step(input, self.wall):
            self.done[_kind(decision)] += 1
            self.undone.append(decision)

    def append(self, stream: str, events: Sequence[e.AnyEvent]) -> None:
        for event in events:
            history = self.history.setdefault(stream, [])
            self.seq += 1
            recorded = Recorded(self.seq, stream, len(history) + 1, self.clock, "system", event)
            history.append(recorded)
            self.inbox[stream].append(recorded)

    def hear(self, recorded: Recorded) -> None:
        """As the dispatcher's reader does; a part of it twice, as if the engine had been told so."""
        event = recorded.event
        if isinstance(event, e.PresenceChanged):
            state = AgentState(str(event.state))
            told: list[i.Input] = [i.PresenceChanged(recorded.stream, state, event.epoch, recorded.at)]
        else:
            step = self.living.apply(recorded)
            told = [] if step is None else contact_inputs(event, *step)
        for input in told:
            self.feed(input)
            if self.random.random() < 0.1:
                self.feed(input)

    def deliver(self, stream: str | None = None) -> None:
        streams = [name for name, waiting in self.inbox.items() if waiting]
        if not streams:
            return
        waiting = self.inbox[stream or self.random.choice(streams)]
        for _ in range(min(len(waiting), self.random.choice((1, 1, 2, 5)))):
            recorded = waiting.popleft()
            self.lately.append(recorded.stream)
            self.hear(recorded)

    def deliver_again(self) -> None:
        """The reader starts again a little before: what a stream said from there on is heard once more, in order."""
        if self.lately:
            stream = self.random.choice(self.lately)
            heard = self.history[stream][: len(self.history[stream]) - len(self.inbox[stream])]
            for recorded in heard[self.random.randrange(len(heard)) if heard else 0 :]:
                self.hear(recorded)

    def do(self, contact: str, *commands: c.ContactCommand) -> bool:
        """Whether the log took the commands, all in one step."""
        before = state = self.contacts[contact]
        events: list[e.ContactEvent] = []
        try:
            for command in commands:
                decided = machine.decide(state, command, self.clock)
                state = machine.apply(state, decided, self.clock)
                events += decided
        except HubError:
            return False
        assert state.last_fence >= before.last_fence, "fences increase"
        self.contacts[contact] = state
        self.append(contact, events)
        return True

    # --- decisions ------------------------------------------------------------------------------------------------

    def carry_out(self) -> None:
        if not self.undone:
            return
        at, luck = self.random.randrange(len(self.undone)), self.random.random()
        self.undone[at], self.undone[-1] = self.undone[-1], self.undone[at]
        decision = self.undone[-1]
        if luck < 0.1 and not isinstance(decision, i.Offer):
            self.done["decision lost"] += 1
            self.undone.pop()
            return
        if luck < 0.9 or (isinstance(decision, i.Offer) and not self.by_hand):
            self.undone.pop()
        self.perform(decision)

    def perform(self, decision: i.Decision) -> None:
        """As the dispatcher does it."""
        match decision:
            case i.Offer():
                self.make_offer(decision)
            case i.ExpireOffer():
                self.do(decision.contact, c.Miss(decision.agent, decision.fence, 30_000))
            case i.Rescind():
                self.do(decision.contact, c.Rescind(decision.agent, decision.fence, str(decision.reason)))
            case i.EndWrapUp():
                self.do(decision.contact, c.Finish("system", None, "timeout"))
            case i.MarkNotResponding():
                state, epoch, _ = self.presences[decision.agent]
                if state is AgentState.AVAILABLE and epoch == decision.epoch:
                    self.say_presence(decision.agent, AgentState.NOT_RESPONDING)
            case i.SkillsRelaxed():
                self.do(decision.contact, c.Relax(decision.step))
            case i.Overflow():
                self.leave_queue(decision)
            case _:
                assert_never(decision)

    def leave_queue(self, told: i.Overflow) -> None:
        """As `dispatch_overflow.leave_queue`. What waits for a queue that is no more waits until somebody moves it."""
        contact, row = self.contacts[told.contact], self.settings.queue(told.queue)
        rule = None if row is None else rule_for(row, told.reason)
        if not waits_in(contact, told.queue):
            self.done["overflow came too late"] += 1
        elif rule is not None:
            command = way_out(contact, rule, phone=contact.id in self.phones)
            if command is None:
                self.done["overflow leads nowhere"] += 1
                return
            if isinstance(command, c.Move):
                way = self.ways.setdefault(contact.id, [])
                assert command.queue not in (*way, told.queue), "round in a circle"
                way.append(told.queue)
            assert self.do(contact.id, command)
            self.done[f"overflow: {type(command).__name__}"] += 1

    def make_offer(self, offer: i.Offer) -> None:
        luck = self.random.random()
        command = c.MakeOffer(offer.agent, offer.fence, offer.deadline, offer.epoch, offer.auto_accept)
        stored = luck > 0.05 and self.do(offer.contact, command)
        if not stored or (self.by_hand and luck > 0.97):
            self.done["offer refused"] += 1
            self.feed(i.OfferRejected(offer.contact, offer.agent, offer.fence))
        elif offer.auto_accept:
            self.done["auto-accept"] += 1
            self.accept(offer.contact, offer.agent, offer.fence)
            if offer.agent not in self.settings.agents:
                self.do(offer.contact, c.LoseAgent(offer.agent, "agent_lost"))

    def accept(self, contact: str, agent: str, fence: int) -> bool:
        """17, 18: an accept wins if and only if the log's offer is this one and its time is not over."""
        offer = self.contacts[contact].offer
        ours = offer is not None and (offer.agent, offer.fence) == (agent, fence) and self.clock < offer.deadline
        won = self.do(contact, c.Accept(agent, fence))
        assert won == ours
        return won

    def say_presence(self, agent: str, state: AgentState) -> None:
        epoch = self.presences[agent][1] + 1 if agent in self.presences else 1
        self.presences[agent] = (state, epoch, self.clock)
        self.append(agent, [e.PresenceChanged(PresenceState(str(state)), epoch, None, agent)])


def _kind(decision: i.Decision) -> str:
    reason = getattr(decision, "reason", None)
    return type(decision).__name__ if reason is None else f"{type(decision).__name__} {reason}"
