"""The contact machine: a few stories told out."""

from typing import Any, get_args

import msgspec
import pytest

from hub import commands as c
from hub import events as e
from hub.errors import OfferGone, Refused, WrongPhase
from hub.machine import TRANSITIONS, apply, decide, evolve
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
    # When the first answer came, and which were late, is kept.
    assert (again.answered_at, again.late, again.first_late) == (NOW, 0, False)
    next_late = run(following, c.Escalate("late", "next", NOW + 5, NOW + 9, 0), say(4, "agent"), at=NOW + 9)
    assert (next_late.answered_at, next_late.late, next_late.first_late) == (NOW, 1, False)
    first_late = run(run(served(), say(1)), late, at=NOW + 9)
    assert (first_late.answered_at, first_late.late, first_late.first_late) == (None, 1, True)


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
