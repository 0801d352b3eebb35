"""When a contact is told to leave its queue; each step is judged by the model as well."""

from routing import inputs as i
from routing.specs import AgentState, OverflowReason
from routing.views import Explanation, Reason
from tests.unit.routing.desk import START, Desk, pairs

WAIT, UNSTAFFED, CLOSED = OverflowReason.WAIT, OverflowReason.UNSTAFFED, OverflowReason.CLOSED


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
    desk.decline("c1")
    assert ("c1", WAIT) in told(desk.wait(5_000))


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
