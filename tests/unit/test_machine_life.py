"""The contact machine: any story, as a random walk that may never leave the table of transitions."""

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub import commands as c
from hub import events as e
from hub.errors import Refused
from hub.machine import LIVING, SERVED, TRANSITIONS, WAITING, decide, evolve
from hub.model import Channel, Contact, Phase
from tests.unit.test_machine import AGENTS, NOW

agents = st.sampled_from(AGENTS)
fences = st.integers(0, 6)
spans = st.integers(0, 120_000)
simple: st.SearchStrategy[c.ContactCommand] = st.one_of(
    st.builds(c.Create, st.sampled_from(Channel), st.just("demo"), st.just("cu_1"), st.none() | st.just("vi_1")),
    st.builds(c.Enqueue, st.sampled_from(["support", "sales"]), st.just({}), st.integers(-5, 5), st.none() | agents),
    st.builds(c.MakeOffer, agents, fences, spans.map(lambda span: NOW + span), st.integers(0, 3), st.booleans()),
    st.builds(c.Accept, agents, fences),
    st.builds(c.Decline, agents, fences, spans),
    st.builds(c.Miss, agents, fences, spans),
    st.builds(c.Rescind, agents, fences, st.just("abandoned")),
    st.builds(c.Hold, agents),
    st.builds(c.Resume, agents),
    st.builds(c.Transfer, agents, st.just("sales"), st.just({}), st.none() | agents, st.none() | st.just(NOW)),
    st.builds(c.RecogniseCustomer, st.sampled_from(["cu_1", "cu_2"])),
    st.builds(c.LoseAgent, agents, st.just("connection_lost")),
    st.builds(c.Invite, agents, agents),
    st.builds(c.Join, agents),
    st.builds(c.Leave, agents),
    st.builds(c.End, st.sampled_from(["visitor", *AGENTS]), st.just("left"), spans),
    st.builds(c.ExtendWrapUp, spans, spans),
    st.builds(c.Finish, agents, st.none() | st.just("solved")),
    st.builds(c.Reopen, st.just("reply"), st.just("sales"), st.just({}), st.integers(-5, 5), st.none() | agents),
    st.builds(c.Reopen, st.just("by_hand"), st.just("sales"), st.just({}), agent=agents),
    st.builds(c.Mark, st.sampled_from(["visitor", "agent"]), st.integers(-1, 9), st.integers(-1, 9)),
    st.builds(c.Rate, st.integers(1, 5), st.text(max_size=3)),
    st.builds(c.Edit, agents, st.none() | st.text(max_size=3), st.none() | st.just(("a",))),
    st.builds(c.Escalate, st.sampled_from(["soon", "late"]), st.just("next"), st.just(NOW), spans, st.integers(0, 600)),
    st.builds(c.VisitPage, st.sampled_from(["/a", "/b"]), st.just("")),
    st.just(c.Remind()),
    st.builds(c.ChangeChannel, st.sampled_from(Channel), st.booleans()),
    st.builds(c.Upgrade, st.just(Channel.VOICE)),
    st.builds(c.Dial, agents, st.just("sales")),
    st.builds(c.Connect, agents),
    st.builds(c.NoteCall, st.just(e.CallEnded("customer", "bye", None, 2, {"agent": {"mos": 4.1}}))),
)


class AnyLife(RuleBasedStateMachine):
    """Any commands in any order, and now and then the one that leads on."""

    def __init__(self) -> None:
        super().__init__()
        self.contact = Contact("ct_1")
        self.log: list[tuple[int, e.ContactEvent]] = []
        self.now = NOW
        self.said = 0

    def give(self, command: c.ContactCommand) -> None:
        before = self.contact
        try:
            events = decide(before, command, self.now)
        except Refused:
            return
        assert events == decide(before, command, self.now), "decided differently the second time"
        for event in events:
            previous = self.contact
            self.contact = evolve(previous, event, self.now)
            transition = TRANSITIONS[type(event)]
            assert previous.phase in transition.source
            assert self.contact.phase is (transition.target or previous.phase)
            self.log.append((self.now, event))
        self.check_step(before, self.contact)

    def check_step(self, before: Contact, after: Contact) -> None:
        assert after.last_fence >= before.last_fence
        reopened = any(isinstance(event, e.ContactReopened) for _, event in self.log[before.version :])
        assert before.phase is not Phase.CLOSED or reopened or after.phase is Phase.CLOSED
        if reopened:
            assert after.queued_at == self.now
        elif before.queued_at:
            assert after.queued_at == before.queued_at
        for mark in before.marks.__struct_fields__:
            assert getattr(after.marks, mark) >= getattr(before.marks, mark)
        assert set(before.handled_by) <= set(after.handled_by)

    @rule(command=simple)
    def anything(self, command: c.ContactCommand) -> None:
        self.give(command)

    @rule(by=st.sampled_from(["visitor", "agent", "system"]), internal=st.booleans())
    def say(self, by: str, internal: bool) -> None:
        self.said += 1
        self.give(c.Say(f"ms_{self.said}", by, "text", None, internal))

    @rule(span=spans)
    def wait(self, span: int) -> None:
        self.now += span

    @rule(agent=agents)
    def lead_on(self, agent: str) -> None:
        """The step that the contact's phase is waiting for, so that the walk gets somewhere."""
        contact = self.contact
        match contact.phase:
            case Phase.NEW:
                self.give(c.Create(Channel.CHAT, "demo", "cu_1", "vi_1"))
            case Phase.CREATED:
                self.give(c.Enqueue("support", {}))
            case Phase.QUEUED:
                self.give(c.MakeOffer(agent, contact.last_fence + 1, self.now + 20_000, 1))
            case Phase.OFFERED:
                assert contact.offer is not None
                if self.now < contact.offer.deadline:
                    self.give(c.Accept(contact.offer.agent, contact.offer.fence))
                else:
                    self.give(c.Miss(contact.offer.agent, contact.offer.fence, 0))
                assert self.contact.phase is not Phase.OFFERED
            case Phase.CLOSED:
                by_hand = agent if self.said % 2 else None
                self.give(c.Reopen("reply", "support", {}, 0, agent, by_hand))
                assert self.contact.phase is (Phase.CONNECTING if by_hand else Phase.QUEUED)
            case Phase.CONNECTING | Phase.HELD | Phase.ACTIVE:
                assert contact.agent is not None
                self.give(c.Connect(contact.agent))
                assert self.contact.phase is not Phase.CONNECTING
                self.give(c.Hold(contact.agent))
                self.give(c.Resume(contact.agent))

    @precondition(lambda self: self.contact.phase in SERVED)
    @rule(to_agent=st.none() | agents)
    def hand_on(self, to_agent: str | None) -> None:
        assert self.contact.agent is not None
        self.give(c.Transfer(self.contact.agent, "sales", {}, to_agent, self.now + 30_000 if to_agent else None))

    @invariant()
    def the_log_is_the_contact(self) -> None:
        folded = Contact("ct_1")
        for at, event in self.log:
            written = e.decode(e.encode(event))
            assert written == event
            folded = evolve(folded, written, at)
        assert folded == self.contact
        assert self.contact.version == len(self.log)

    @invariant()
    def it_survives_the_store(self) -> None:
        assert msgspec.json.decode(msgspec.json.encode(self.contact), type=Contact) == self.contact

    @invariant()
    def who_has_it(self) -> None:
        contact = self.contact
        assert (contact.offer is not None) == (contact.phase is Phase.OFFERED)
        if contact.phase in WAITING or contact.phase is Phase.NEW:
            assert contact.agent is None
            assert contact.participants == contact.invited == ()
        if contact.phase in SERVED or contact.phase is Phase.WRAPPING:
            assert contact.agent is not None
            assert contact.handled_by[-1] == contact.agent
        if contact.phase in (Phase.QUEUED, Phase.OFFERED) or contact.phase in SERVED:
            assert contact.queue is not None
        others = (*contact.participants, *contact.invited)
        assert len(set(others)) == len(others)
        assert contact.agent not in others

    @invariant()
    def when_it_ended(self) -> None:
        contact = self.contact
        assert (contact.closed_at is not None) == (contact.phase is Phase.CLOSED)
        assert (contact.ended_at is not None) == (contact.phase in (Phase.WRAPPING, Phase.CLOSED))
        assert (contact.wrap_until is not None) == (contact.phase is Phase.WRAPPING)
        if contact.abandoned:
            assert contact.phase is Phase.CLOSED
            assert contact.outcome is None

    @invariant()
    def what_was_said(self) -> None:
        contact = self.contact
        said = [event for _, event in self.log if isinstance(event, e.MessageAdded)]
        assert [event.n for event in said] == list(range(1, contact.messages + 1))
        marks = contact.marks
        assert 0 <= marks.visitor_read <= marks.visitor_delivered <= contact.messages
        assert 0 <= marks.agent_read <= marks.agent_delivered <= contact.messages
        assert all(marks.agent_read < n <= contact.messages for n in contact.unread)
        heard = [event.message for event in said if event.author_kind != "system" and not event.internal]
        assert contact.last_message == (heard[-1] if heard else None)
        if contact.waiting_since is not None:
            assert contact.phase in LIVING


TestAnyLife = AnyLife.TestCase
