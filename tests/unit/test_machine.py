"""The contact machine: a few stories told out, and a random walk that may never leave the table of transitions."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub import commands as c
from hub import events as e
from hub.errors import OfferGone, Refused, WrongPhase
from hub.machine import LIVING, SERVED, TRANSITIONS, WAITING, apply, decide, evolve
from hub.machine_changes import CHANGES
from hub.model import Channel, Contact, Escalation, Phase

NOW = 1_700_000_000_000
AGENTS = ("us_1", "us_2", "us_3")


def run(contact: Contact, *commands: c.ContactCommand, at: int = NOW) -> Contact:
    for command in commands:
        contact = apply(contact, decide(contact, command, at), at)
    return contact


def waiting(channel: Channel = Channel.CHAT, *, media: bool = False) -> Contact:
    created = c.Create(channel, "demo", "cu_1", "vi_1", media=media)
    return run(Contact("ct_1"), created, c.Enqueue("support", {"support": 3}))


def offered(channel: Channel = Channel.CHAT, agent: str = "us_1", *, media: bool = False) -> Contact:
    contact = waiting(channel, media=media)
    return run(contact, c.MakeOffer(agent, contact.last_fence + 1, NOW + 20_000, 1))


def served(agent: str = "us_1") -> Contact:
    return run(offered(agent=agent), c.Accept(agent, 1))


def say(number: int, by: str = "visitor", *, internal: bool = False) -> c.Say:
    return c.Say(f"ms_{number}", by, "note" if internal else "text", "vi_1", internal)


# --- the table ------------------------------------------------------------------------------------------------------


def test_every_event_has_its_place_in_the_table() -> None:
    assert set(TRANSITIONS) == set(CHANGES) == set(get_args(e.ContactEvent))


def test_every_phase_is_reached_and_closed_is_left_by_reopening_alone() -> None:
    targets = {transition.target for transition in TRANSITIONS.values()} - {None}
    assert targets | {Phase.NEW} == set(Phase)
    leaving = {kind for kind, t in TRANSITIONS.items() if Phase.CLOSED in t.source and t.target is not None}
    assert leaving == {e.ContactReopened}


@pytest.mark.parametrize("event_type", list(TRANSITIONS), ids=lambda t: t.__name__)
def test_an_event_out_of_place_is_a_fault(event_type: type[e.Event]) -> None:
    event: Any = msgspec.convert(
        {"type": event_type.__struct_config__.tag} | {name: _value(name) for name in event_type.__struct_fields__},
        e.ContactEvent,
        strict=False,
    )
    for phase in set(Phase) - TRANSITIONS[event_type].source:
        with pytest.raises(AssertionError):
            evolve(Contact("ct_1", phase=phase), event, NOW)


def _value(name: str) -> Any:
    values: dict[str, Any] = {"channel": "chat", "fields": {}, "requirements": {}, "tags": [], "auto": False}
    values |= {"rules": [], "before": "voice", "legs": {}, "was": {"id": "ct_1"}}
    numbers = {"priority", "queued_at", "only_until", "fence", "deadline", "epoch", "until", "wrap_until", "n"}
    numbers |= {"delivered", "read", "score", "step", "status", "digits", "talk_ms", "since", "due"}
    if name in ("internal", "media"):
        return False
    return values.get(name, 1 if name in numbers else "visitor")


def test_an_overflow_keeps_the_age_and_takes_an_offer_back() -> None:
    contact = offered(agent="us_1")
    moved = run(contact, c.Move("other", {"billing": 2}, "overflow"))
    assert (moved.phase, moved.queue, moved.offer) == (Phase.QUEUED, "other", None)
    assert (moved.queued_at, moved.id, moved.last_fence) == (contact.queued_at, contact.id, contact.last_fence)
    assert moved.requirements == {"billing": 2}
    with pytest.raises(WrongPhase):
        decide(served(), c.Move("other", {}, "overflow"), NOW)


def test_a_change_of_channel_keeps_the_place() -> None:
    contact = offered(agent="us_1")
    called = run(contact, c.ChangeChannel(Channel.CALLBACK))
    assert (called.channel, called.phase, called.queue) == (Channel.CALLBACK, Phase.QUEUED, contact.queue)
    assert (called.queued_at, called.priority, called.id) == (contact.queued_at, contact.priority, contact.id)
    assert decide(called, c.ChangeChannel(Channel.CALLBACK), NOW) == []


def test_relaxation_goes_one_way_and_begins_anew_in_another_queue() -> None:
    contact = run(offered(agent="us_1"), c.Relax(2))
    assert contact.relaxed == 2
    assert decide(contact, c.Relax(1), NOW) == []
    assert run(contact, c.Move("other", {}, "overflow")).relaxed == 0


# --- stories --------------------------------------------------------------------------------------------------------


def test_words_are_connected_when_accepted_and_calls_are_not() -> None:
    assert served().phase is Phase.ACTIVE
    assert served().connected_at == NOW
    assert run(offered(Channel.VOICE), c.Accept("us_1", 1)).phase is Phase.ACTIVE, (
        "made by a program: no call is set up"
    )
    ringing = run(offered(Channel.VOICE, media=True), c.Accept("us_1", 1))
    assert ringing.phase is Phase.CONNECTING
    assert ringing.connected_at is None


def test_a_call_is_connected_when_its_media_are() -> None:
    ringing = run(offered(Channel.VOICE, media=True), c.Accept("us_1", 1))
    talking = run(ringing, c.Connect("us_1"), at=NOW + 900)
    assert (talking.phase, talking.connected_at) == (Phase.ACTIVE, NOW + 900)
    assert decide(talking, c.Connect("us_1"), NOW) == []
    with pytest.raises(Refused, match="Another agent"):
        decide(ringing, c.Connect("us_2"), NOW)


def test_a_chat_goes_on_by_voice_with_the_same_agent() -> None:
    upgraded = run(served(), say(1), c.Upgrade(Channel.VOICE))
    assert (upgraded.channel, upgraded.phase, upgraded.agent) == (Channel.VOICE, Phase.CONNECTING, "us_1")
    assert (upgraded.media, upgraded.messages, upgraded.connected_at) == (True, 1, NOW)
    assert run(upgraded, c.Connect("us_1")).phase is Phase.ACTIVE
    # One who still waits keeps his place, and his call is connected by its media from now on.
    waits = run(waiting(), c.ChangeChannel(Channel.VOICE, media=True))
    assert (waits.phase, waits.media, waits.queued_at) == (Phase.QUEUED, True, NOW)


def test_an_agent_dials_and_nobody_else_is_asked() -> None:
    created = run(Contact("ct_1"), c.Create(Channel.VOICE, "demo", "cu_1", media=True))
    dialled = run(created, c.Dial("us_1", "sales"))
    assert (dialled.phase, dialled.agent, dialled.queue) == (Phase.CONNECTING, "us_1", "sales")
    refused = run(dialled, c.End("network", "busy", 30_000))
    assert (refused.phase, refused.abandoned, refused.wrap_until) == (Phase.WRAPPING, False, NOW + 30_000)


def test_of_accept_decline_and_miss_only_what_is_in_time_counts() -> None:
    contact = offered()
    late = NOW + 20_000
    with pytest.raises(OfferGone):
        decide(contact, c.Accept("us_1", 1), late)
    with pytest.raises(Refused, match="still runs"):
        decide(contact, c.Miss("us_1", 1, 60_000), late - 1)
    for agent, fence in (("us_2", 1), ("us_1", 2)):
        for command in (c.Accept(agent, fence), c.Decline(agent, fence, 0), c.Miss(agent, fence, 0)):
            with pytest.raises(OfferGone):
                decide(contact, command, late)
    missed = run(contact, c.Miss("us_1", 1, 60_000), at=late)
    assert (missed.phase, missed.offer, missed.excluded) == (Phase.QUEUED, None, {"us_1": late + 60_000})
    with pytest.raises(OfferGone):
        decide(missed, c.Accept("us_1", 1), NOW)


def test_a_fence_is_never_used_again() -> None:
    contact = run(offered(), c.Decline("us_1", 1, 1000))
    with pytest.raises(OfferGone):
        decide(contact, c.MakeOffer("us_2", 1, NOW + 1, 1), NOW)
    assert run(contact, c.MakeOffer("us_2", 2, NOW + 1, 1)).offer is not None


def test_the_age_survives_whatever_happens() -> None:
    contact = run(offered(), c.Decline("us_1", 1, 0), at=NOW + 5000)
    contact = run(contact, c.MakeOffer("us_2", 2, NOW + 99_000, 1), c.Accept("us_2", 2), at=NOW + 6000)
    contact = run(contact, c.Transfer("us_2", "billing", {"billing": 1}), at=NOW + 7000)
    assert (contact.phase, contact.queue, contact.queued_at, contact.agent) == (Phase.QUEUED, "billing", NOW, None)
    contact = run(contact, c.MakeOffer("us_1", 3, NOW + 99_000, 1), c.Accept("us_1", 3), at=NOW + 8000)
    contact = run(contact, c.LoseAgent("us_1", "connection_lost"), at=NOW + 9000)
    assert (contact.phase, contact.queued_at, contact.handled_by) == (Phase.QUEUED, NOW, ("us_2", "us_1"))


def test_a_transfer_to_an_agent_waits_for_him_only_until_he_says_no() -> None:
    contact = run(served(), c.Transfer("us_1", "support", {}, to_agent="us_2", only_until=NOW + 30_000))
    assert (contact.only_agent, contact.only_until) == ("us_2", NOW + 30_000)
    declined = run(contact, c.MakeOffer("us_2", 2, NOW + 20_000, 1), c.Decline("us_2", 2, 1000))
    assert (declined.only_agent, declined.only_until) == (None, None)
    with pytest.raises(Refused, match="already yours"):
        decide(served(), c.Transfer("us_1", "support", {}, to_agent="us_1"), NOW)


def test_who_leaves_before_an_answer_has_abandoned() -> None:
    gone = run(offered(), c.End("visitor", "left", 60_000))
    assert (gone.phase, gone.abandoned, gone.offer, gone.closed_at) == (Phase.CLOSED, True, None, NOW)
    with pytest.raises(Refused):
        decide(gone, c.Rate(5, ""), NOW)
    assert decide(gone, c.End("visitor", "left", 60_000), NOW) == []


def test_the_wrap_up_has_a_limit() -> None:
    contact = run(served(), c.End("us_1", "agent", 60_000))
    assert (contact.phase, contact.wrap_until) == (Phase.WRAPPING, NOW + 60_000)
    contact = run(contact, c.ExtendWrapUp(60_000, limit_ms=90_000))
    assert contact.wrap_until == NOW + 90_000
    assert decide(contact, c.ExtendWrapUp(60_000, limit_ms=90_000), NOW) == []
    closed = run(contact, c.Finish("us_1", "solved"))
    assert (closed.phase, closed.outcome, closed.wrap_until) == (Phase.CLOSED, "solved", None)


def test_who_waits_for_whom() -> None:
    contact = run(served(), say(1), at=NOW + 1000)
    contact = run(contact, say(2), say(3, "agent", internal=True), at=NOW + 2000)
    assert (contact.waiting_since, contact.last_message, contact.unread) == (NOW + 1000, "ms_2", (1, 2))
    read = run(contact, c.Mark("agent", 3, 1))
    assert read.unread == (2,)
    answered = run(read, say(4, "agent"), at=NOW + 3000)
    assert (answered.waiting_since, answered.last_agent_at, answered.last_message) == (None, NOW + 3000, "ms_4")


def test_marks_move_forward_and_never_past_the_end() -> None:
    contact = run(served(), say(1), say(2))
    contact = run(contact, c.Mark("agent", 99, 1), c.Mark("visitor", 1, 0))
    marks = contact.marks
    assert (marks.agent_delivered, marks.agent_read, marks.visitor_delivered, marks.visitor_read) == (2, 1, 1, 0)
    assert decide(contact, c.Mark("agent", 0, 0), NOW) == []
    # What was read was delivered.
    assert run(contact, c.Mark("visitor", 0, 2)).marks.visitor_delivered == 2


def test_after_the_end_only_notes() -> None:
    closed = run(served(), c.End("visitor", "left", 0), c.Finish("us_1", None))
    for by in ("visitor", "agent"):
        with pytest.raises(WrongPhase):
            decide(closed, say(1, by), NOW)
    assert run(closed, say(1, "agent", internal=True)).messages == 1
    assert run(closed, c.Rate(4, "thanks")).rating is not None


def test_a_mail_of_ours_may_follow_the_end_and_the_customers_opens_it() -> None:
    closed = run(served(), c.End("us_1", "waiting", 0), c.Finish("us_1", None))
    assert run(closed, c.Say("ms_1", "agent", "mail", "us_1")).last_message == "ms_1"
    with pytest.raises(WrongPhase):
        decide(closed, c.Say("ms_1", "visitor", "mail"), NOW)


def test_a_closed_contact_goes_on_as_if_it_were_new() -> None:
    said = run(served(), say(1), c.Edit("us_1", tags=("vip",)), c.End("us_1", "waiting", 0), c.Finish("us_1", "solved"))
    reopen = c.Reopen("reply", "sales", {"sales": 2}, 7, "us_1")
    again = run(said, reopen, at=NOW + 90_000)
    assert (again.phase, again.queue, again.requirements, again.priority) == (Phase.QUEUED, "sales", {"sales": 2}, 7)
    assert (again.queued_at, again.entered_at, again.preferred) == (NOW + 90_000, NOW + 90_000, "us_1")
    assert (again.agent, again.outcome, again.connected_at, again.closed_at) == (None, None, None, None)
    assert (again.messages, again.tags, again.handled_by, again.last_fence) == (1, ("vip",), ("us_1",), said.last_fence)
    # One who had waited in vain is no lost one any more; one that is open is left alone.
    gone = run(waiting(), c.End("visitor", "left", 0), reopen)
    assert (gone.phase, gone.abandoned) == (Phase.QUEUED, False)
    assert decide(again, reopen, NOW) == []
    with pytest.raises(WrongPhase):
        decide(Contact("ct_1"), reopen, NOW)


def test_who_writes_again_has_the_contact_at_once() -> None:
    said = run(served(), say(1), c.End("us_1", "closed", 0), c.Finish("us_1", "solved"))
    reopen = c.Reopen("by_hand", "sales", {"sales": 2}, 0, agent="us_2")
    events = decide(said, reopen, NOW)
    assert [type(event) for event in events] == [e.ContactReopened, e.ContactDialled]
    again = run(said, reopen, c.Connect("us_2"), at=NOW + 90_000)
    assert (again.phase, again.agent, again.queue, again.outcome) == (Phase.ACTIVE, "us_2", "sales", None)
    assert (again.connected_at, again.handled_by) == (NOW + 90_000, ("us_1", "us_2"))
    assert decide(again, reopen, NOW) == [], "one that is open is left alone"


def test_what_waits_too_long_comes_earlier_in_its_place() -> None:
    soon, late = (c.Escalate(stage, "first", NOW, NOW + 9, 30) for stage in ("soon", "late"))
    asked = run(waiting(Channel.EMAIL), say(1))
    once = run(asked, soon, at=NOW + 7)
    assert (once.phase, once.priority, once.queued_at, once.escalation) == (
        Phase.QUEUED,
        30,
        asked.queued_at,
        Escalation(NOW, "soon", NOW + 9),
    )
    assert [type(event) for event in decide(asked, soon, NOW + 7)] == [e.ContactEscalated, e.ContactQueued]
    twice = run(once, late, at=NOW + 9)
    assert (twice.priority, twice.escalation and twice.escalation.stage) == (60, "late")
    for command in (soon, late):
        assert decide(twice, command, NOW + 10) == []
    # What was answered is no longer late; who is asked to take it is asked still; who has it is not disturbed.
    assert decide(asked, c.Escalate("soon", "first", NOW - 1, NOW + 9, 30), NOW) == []
    assert decide(run(asked, c.MakeOffer("us_1", 1, NOW + 20_000, 1)), soon, NOW) == []
    had = run(served(), say(1))
    assert [type(event) for event in decide(had, soon, NOW)] == [e.ContactEscalated]
    # The next one is a delay of its own.
    again = run(served(), say(1), soon, say(2, "agent"), at=NOW)
    again = run(again, say(3), at=NOW + 5)
    following = run(again, c.Escalate("soon", "next", NOW + 5, NOW + 9, 1000), at=NOW + 8)
    assert (following.priority, following.escalation) == (1000, Escalation(NOW + 5, "soon", NOW + 9))


def test_where_a_contact_came_first_and_who_passed_it_on_is_kept() -> None:
    assert (waiting().placed, waiting().transfers, waiting().corrected) == ("support", 0, False)
    away = run(served(), c.Transfer("us_1", "sales", {}))
    assert (away.placed, away.transfers, away.corrected) == ("support", 1, True)
    taken = run(away, c.MakeOffer("us_2", 2, NOW + 20_000, 1), c.Accept("us_2", 2))
    back = run(taken, c.Transfer("us_2", "support", {}))
    assert (back.placed, back.transfers, back.corrected) == ("support", 2, False)
    overflown = run(waiting(), c.Move("sales", {}, "overflow"))
    assert (overflown.placed, overflown.transfers, overflown.corrected) == ("support", 0, False)


def test_an_answer_ends_the_wrap_up() -> None:
    wrapping = run(served(), c.End("us_1", "closed", 60_000))
    events = decide(wrapping, c.Reopen("reply", "support", {}), NOW + 1)
    assert [type(event) for event in events] == [e.ContactClosed, e.ContactReopened, e.ContactQueued]
    assert apply(wrapping, events, NOW + 1).phase is Phase.QUEUED


def test_a_colleague_joins_and_leaves() -> None:
    contact = run(served(), c.Invite("us_2", "us_1"))
    assert contact.invited == ("us_2",)
    assert decide(contact, c.Invite("us_2", "us_1"), NOW) == []
    contact = run(contact, c.Join("us_2"))
    assert (contact.invited, contact.participants) == ((), ("us_2",))
    contact = run(contact, c.LoseAgent("us_2", "connection_lost"))
    assert (contact.phase, contact.participants) == (Phase.ACTIVE, ())


# --- any story ------------------------------------------------------------------------------------------------------

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
