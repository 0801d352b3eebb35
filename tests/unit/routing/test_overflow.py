"""When a contact is told to leave its queue; each step is judged by the model as well."""

from routing import inputs as i
from routing.specs import AgentState, OverflowReason, RelaxStep
from routing.views import Explanation, Reason
from tests.unit.routing.desk import START, Desk, pairs

WAIT, UNSTAFFED, CLOSED = OverflowReason.WAIT, OverflowReason.UNSTAFFED, OverflowReason.CLOSED
QUEUE_FULL, NO_QUEUE = OverflowReason.QUEUE_FULL, OverflowReason.NO_QUEUE


def told(decisions: list[i.Decision]) -> list[tuple[str, OverflowReason]]:
    return [(decision.contact, decision.reason) for decision in decisions if isinstance(decision, i.Overflow)]


def test_who_waited_too_long_leaves_and_is_told_again_until_he_has() -> None:
    desk = Desk(overflow={WAIT: 60_000})
    desk.arrive("c1")
    assert told(desk.wait(59_999)) == []
    assert told(desk.wait(1)) == [("c1", WAIT)]
    assert told(desk.wait(30_000)) == [("c1", WAIT)]
    desk.queue("other")
    desk.arrive("c1", queue="other", enqueued_at=START, entered_at=desk.clock)
    assert told(desk.wait(600_000)) == []


def test_the_wait_counts_from_the_entry_into_the_queue() -> None:
    """Or a contact that overflowed once would run through all queues at once."""
    desk = Desk(overflow={WAIT: 60_000})
    desk.arrive("c1", enqueued_at=START - 600_000, entered_at=START)
    assert told(desk.wait(59_999)) == []
    assert told(desk.wait(1)) == [("c1", WAIT)]


def test_an_offered_contact_does_not_leave() -> None:
    desk = Desk(overflow={WAIT: 10_000}, offer_ms={"chat": 30_000}, retry_exclude_ms=60_000)
    desk.come("ann")
    assert pairs(desk.arrive("c1")) == [("c1", "ann")]
    assert told(desk.wait(20_000)) == []
    assert told(desk.decline("c1")) == [("c1", WAIT)]


def test_nobody_who_could_serve_it_is_there() -> None:
    desk = Desk(overflow={UNSTAFFED: 10_000}, skills={"billing": 3})
    desk.come("ann", {"sales": 5})
    desk.arrive("c1")
    assert told(desk.wait(10_000)) == [("c1", UNSTAFFED)]
    desk.come("bob", {"billing": 3}, maxima={"chat": 1})
    desk.accept("c1")
    desk.arrive("c2")
    assert told(desk.wait(60_000)) == [], "bob is busy, but there"
    desk.presence("bob", AgentState.AWAY)
    assert told(desk.wait(9_999)) == []
    assert told(desk.wait(1)) == [("c2", UNSTAFFED)]


def test_somebody_comes_back_in_time() -> None:
    desk = Desk(overflow={UNSTAFFED: 10_000})
    desk.come("ann", maxima={"chat": 1})
    desk.arrive("c1")
    desk.accept("c1")
    desk.arrive("c2")
    desk.presence("ann", AgentState.AWAY)
    desk.wait(5_000)
    desk.presence("ann", AgentState.AVAILABLE)
    assert told(desk.wait(60_000)) == []


def test_the_queue_closes() -> None:
    desk = Desk(overflow={CLOSED: 0})
    desk.arrive("c1")
    assert told(desk.wait(60_000)) == []
    assert told(desk.queue("support", overflow={CLOSED: 0}, closed=True)) == [("c1", CLOSED)]
    assert told(desk.arrive("c2")) == [("c2", CLOSED)]
    desk.queue("support", overflow={CLOSED: 0})
    assert told(desk.wait(60_000)) == []


def test_rules_that_are_gone_leave_nothing_behind() -> None:
    desk = Desk(overflow={WAIT: 60_000, UNSTAFFED: 60_000})
    desk.arrive("c1")
    desk.queue("support")
    assert told(desk.wait(120_000)) == []
    desk.queue("support", overflow={WAIT: 1})
    desk.do(i.Dequeued("c1"))
    assert desk.engine.next_deadline() is None


def test_a_rule_that_comes_after_the_closing_counts_from_the_closing() -> None:
    desk = Desk()
    desk.arrive("c1")
    desk.queue("support", closed=True)
    desk.wait(20_000)
    desk.queue("support", closed=True, priority=1)
    desk.wait(5_000)
    assert told(desk.queue("support", closed=True, overflow={CLOSED: 30_000})) == []
    assert told(desk.wait(4_999)) == []
    assert told(desk.wait(1)) == [("c1", CLOSED)]


# --- nobody can serve it --------------------------------------------------------------------------------------------


def test_the_last_agent_leaves_while_the_contact_is_offered_to_him() -> None:
    desk = Desk(overflow={UNSTAFFED: 10_000})
    desk.come("ann", maxima={"chat": 1})
    desk.arrive("c1")
    desk.accept("c1")
    desk.arrive("c2")
    desk.wait(20_000)
    desk.do(i.WrapUpEnded("c1", "ann"))
    assert desk.offered() == {"c2": "ann"}
    desk.presence("ann", AgentState.AWAY)
    offer = desk.live("c2")
    desk.do(i.OfferRescinded("c2", offer.agent, offer.fence))
    assert told(desk.wait(9_999)) == []
    assert told(desk.wait(1)) == [("c2", UNSTAFFED)]


def test_a_contact_for_one_agent_does_not_leave_while_he_is_there() -> None:
    """Skills are not asked for in a transfer to one agent, so that nobody else has them does not count."""
    desk = Desk(overflow={UNSTAFFED: 10_000}, skills={"billing": 3})
    desk.come("ann", {"sales": 1}, maxima={"chat": 1})
    desk.arrive("other", only_agent="ann", only_until=START + 600_000)
    desk.accept("other")
    desk.arrive("c1", only_agent="ann", only_until=START + 600_000)
    assert told(desk.wait(60_000)) == []
    desk.presence("ann", AgentState.AWAY)
    assert told(desk.wait(9_999)) == [], "it is kept for her, and counts from now"
    assert told(desk.wait(1)) == [("c1", UNSTAFFED)]


def test_the_last_agent_leaves_while_the_contact_is_kept_for_one_who_is_away() -> None:
    desk = Desk(overflow={UNSTAFFED: 10_000})
    desk.come("ann")
    desk.come("bob")
    desk.presence("ann", AgentState.AWAY)
    desk.arrive("c1", only_agent="ann", only_until=START + 600_000)
    desk.wait(20_000)
    desk.presence("bob", AgentState.AWAY)
    assert told(desk.wait(9_999)) == []
    assert told(desk.wait(1)) == [("c1", UNSTAFFED)]


def test_an_agent_who_could_never_take_it_does_not_begin_the_time_anew() -> None:
    desk = Desk(overflow={UNSTAFFED: 10_000})
    desk.agent_is("ann", capacity=60)
    desk.arrive("c1", channel="voice")
    desk.wait(8_000)
    desk.come("ann")
    desk.presence("ann", AgentState.AWAY)
    assert told(desk.wait(2_000)) == [("c1", UNSTAFFED)]


def test_the_last_agent_leaves_as_an_older_time_without_anybody_is_over() -> None:
    """What counts is since when nobody is there now, not that nobody was there once."""
    desk = Desk(overflow={UNSTAFFED: 10_000})
    desk.arrive("c1", excluded={"ann": START + 600_000})
    desk.wait(1_000)
    desk.come("ann")
    desk.clock = START + 10_000
    assert told(desk.presence("ann", AgentState.AWAY)) == []
    assert told(desk.wait(9_999)) == []
    assert told(desk.wait(1)) == [("c1", UNSTAFFED)]


def test_without_delay_it_is_told_at_once() -> None:
    desk = Desk(overflow={UNSTAFFED: 0})
    desk.come("ann", maxima={"chat": 1})
    desk.arrive("c1")
    desk.accept("c1")
    desk.arrive("c2")
    assert told(desk.presence("ann", AgentState.OFFLINE)) == [("c2", UNSTAFFED)]


# --- a full queue ---------------------------------------------------------------------------------------------------


def test_a_full_queue_is_told_of_until_it_has_room() -> None:
    """Or the contact would wait beyond the maximum for ever, when the first time was lost."""
    desk = Desk(max_length=1)
    desk.arrive("c1")
    assert told(desk.arrive("c2")) == [("c2", QUEUE_FULL)]
    assert told(desk.wait(29_999)) == []
    assert told(desk.wait(1)) == [("c2", QUEUE_FULL)]
    desk.do(i.Dequeued("c1"))
    assert told(desk.wait(600_000)) == [], "now it has c1's place"
    assert desk.engine.next_deadline() is None


def test_a_change_of_channel_keeps_the_place_in_a_full_queue() -> None:
    desk = Desk(max_length=2)
    desk.arrive("c1")
    desk.arrive("c2")
    desk.queue("support", max_length=1)
    assert told(desk.arrive("c2", channel="callback", enqueued_at=START)) == []


def test_a_change_of_channel_does_not_make_room() -> None:
    desk = Desk(max_length=1)
    desk.arrive("c1")
    desk.arrive("c2")
    assert told(desk.arrive("c2", channel="callback", enqueued_at=START)) == [("c2", QUEUE_FULL)]


def test_a_queue_that_is_made_again_takes_no_more_than_its_maximum() -> None:
    """The oldest first."""
    desk = Desk()
    desk.do(i.QueueRemoved("support"))
    desk.arrive("young", enqueued_at=START)
    desk.arrive("old", enqueued_at=START - 1)
    assert told(desk.queue("support", max_length=1)) == [("young", QUEUE_FULL)]


def test_a_contact_that_was_moved_while_it_was_offered_finds_the_other_queue_full() -> None:
    desk = Desk()
    desk.queue("other", max_length=1, skills={"billing": 1})
    desk.come("ann")
    desk.arrive("c1", queue="other")
    desk.arrive("c2")
    desk.arrive("c2", queue="other", enqueued_at=START)
    assert desk.offered() == {"c2": "ann"}
    assert told(desk.decline("c2")) == [("c2", QUEUE_FULL)]


def test_a_full_queue_does_not_send_away_what_came_back_from_an_offer() -> None:
    desk = Desk(max_length=1)
    desk.come("ann")
    desk.arrive("c1")
    desk.arrive("c2")
    desk.arrive("c3")
    assert set(desk.offered()) == {"c1", "c2", "c3"}
    assert told(desk.decline("c3")) == [], "it found somebody, so it was let in"
    assert told(desk.wait(20_000)) == []


def test_a_full_queue_takes_back_what_it_had_let_in() -> None:
    """The agent's browser died, or the engine was built anew after the maximum was lowered."""
    desk = Desk(max_length=1)
    desk.arrive("c1")
    assert told(desk.arrive("c2", enqueued_at=START - 1, let_in=True)) == []
    assert told(desk.wait(60_000)) == []
    assert told(desk.arrive("c3")) == [("c3", QUEUE_FULL)]


# --- once, and again ------------------------------------------------------------------------------------------------


def test_a_queue_that_does_not_exist_is_told_of_until_somebody_acts() -> None:
    desk = Desk()
    assert told(desk.arrive("c1", queue="gone")) == [("c1", NO_QUEUE)]
    assert told(desk.wait(30_000)) == [("c1", NO_QUEUE)]
    desk.arrive("c1", enqueued_at=START, entered_at=desk.clock)
    assert told(desk.wait(600_000)) == []


def test_who_is_offered_in_the_same_moment_does_not_leave() -> None:
    """At the same time as the queue asks for less, it is time to leave: the agent that this finds comes first."""
    relax = (RelaxStep(10_000, {}),)
    desk = Desk(overflow={WAIT: 10_000}, skills={"billing": 1}, relax=relax)
    desk.come("ann", {"sales": 1})
    desk.arrive("c1")
    decisions = desk.wait(10_000)
    assert pairs(decisions) == [("c1", "ann")] and told(decisions) == []


def test_an_edit_tells_nobody_again_and_begins_no_time_anew() -> None:
    rules = {WAIT: 10_000, UNSTAFFED: 20_000, CLOSED: 30_000}
    desk = Desk(overflow=rules, closed=True)
    desk.arrive("c1")
    assert told(desk.wait(10_000)) == [("c1", WAIT)]
    assert told(desk.queue("support", overflow=rules, closed=True, priority=2)) == []
    assert told(desk.wait(10_000)) == [("c1", UNSTAFFED)]
    assert told(desk.queue("support", overflow=rules | {WAIT: 5_000}, closed=True)) == [("c1", WAIT)]
    assert told(desk.wait(10_000)) == [("c1", CLOSED)]


def test_a_dry_run_names_who_would_be_asked_first_and_why_others_are_not() -> None:
    desk = Desk(skills={"billing": 2})
    desk.come("ann", {"billing": 2})
    desk.wait(1_000)
    desk.come("bob", {"billing": 5})
    desk.agent_is("eve", {"billing": 5})
    desk.come("zoe", {"sales": 5})
    facts = i.Enqueued("dry", "chat", "support", desk.clock)
    assert desk.engine.explain_newcomer(facts, desk.clock) == [
        Explanation("ann", True, (), 1),
        Explanation("bob", True, (), 2),
        Explanation("eve", False, (Reason.NOT_AVAILABLE,)),
        Explanation("zoe", False, (Reason.SKILL_MISSING,)),
    ]
    wanted = i.Enqueued("dry", "chat", "support", desk.clock, preferred_agent="bob")
    assert [row.agent for row in desk.engine.explain_newcomer(wanted, desk.clock) if row.eligible] == ["bob", "ann"]
    assert desk.engine.explain_newcomer(i.Enqueued("dry", "chat", "nowhere", 0), desk.clock) == []
    assert desk.engine.position("dry") is None
