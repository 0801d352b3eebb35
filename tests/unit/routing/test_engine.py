"""The engine's own stories: order, capacity, relaxation, who a contact is kept for, edits, restarts."""

import pytest

from routing import inputs as i
from routing.engine import Engine
from routing.specs import AgentSpec, AgentState, OverflowReason, QueueSpec, RelaxStep
from routing.views import Reason
from tests.unit.routing.desk import START, Desk, pairs


def test_priority_is_worth_its_time_and_no_more() -> None:
    """13: overtaking ends after the gap in priority times the quantum."""
    desk = Desk(quantum_ms=60_000)
    desk.arrive("low", "voice")
    desk.arrive("urgent", "voice", priority=2, enqueued_at=START + 119_999)
    desk.arrive("too late", "voice", priority=2, enqueued_at=START + 120_001)
    assert [pairs(desk.come(agent))[0][0] for agent in ("ann", "bob", "eve")] == ["urgent", "low", "too late"]


def test_queue_priority_adds_to_the_contacts() -> None:
    desk = Desk(priority=1, quantum_ms=60_000)
    desk.queue("other")
    desk.arrive("c1", "voice", "other")
    desk.wait(59_999)
    desk.arrive("c2", "voice")
    assert pairs(desk.come("ann")) == [("c2", "ann")]


def test_call_comes_on_top_of_emails_and_nothing_on_top_of_a_call() -> None:
    """6: the interruption matrix."""
    desk = Desk()
    desk.come("ann")
    for number in range(6):
        desk.arrive(f"mail{number}", "email")
        desk.accept(f"mail{number}")
    assert desk.agents["ann"].load == 90
    assert pairs(desk.arrive("chat")) == []
    assert pairs(desk.arrive("call", "voice")) == [("call", "ann")]
    desk.accept("call")
    assert pairs(desk.arrive("mail", "email")) == []
    assert desk.do(i.Released("call", "ann")) == []
    assert pairs(desk.do(i.Released("mail0", "ann"))) == [("mail", "ann")]


def test_chats_leave_no_room_for_a_call() -> None:
    desk = Desk()
    desk.come("ann")
    desk.arrive("chat")
    assert pairs(desk.arrive("call", "voice")) == []


def test_demo_agents_mix_their_work() -> None:
    """200 units, maxima of one call, three chats and five e-mails."""
    desk = Desk()
    desk.come("ann", capacity=200, maxima={"voice": 1, "chat": 3, "email": 5})
    kinds = ["voice", "chat", "chat", "chat", "chat", "voice", "email"]
    told = [len(pairs(desk.arrive(f"c{number}", kind))) for number, kind in enumerate(kinds)]
    assert told == [1, 1, 1, 1, 0, 0, 0] and desk.agents["ann"].load == 190


def test_cost_of_the_agent_wins_over_the_queues_over_the_channels() -> None:
    desk = Desk(costs={"chat": 50})
    desk.come("ann", capacity=1_000, costs={"chat": 10})
    desk.come("bob", capacity=1_000)
    desk.queue("other")
    loads = []
    for contact, queue, agent in (("c1", "support", "ann"), ("c2", "support", "bob"), ("c3", "other", "bob")):
        before = desk.agents[agent].load
        desk.arrive(contact, "chat", queue, preferred_agent=agent)
        loads.append(desk.agents[agent].load - before)
    assert loads == [10, 50, 30]


def test_wrapping_agent_is_offered_nothing() -> None:
    """9."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1")
    desk.accept("c1")
    desk.do(i.WrapUpStarted("c1", "ann", desk.clock + 60_000))
    assert pairs(desk.arrive("c2")) == []
    desk.do(i.WrapUpStarted("c1", "ann", desk.clock + 90_000))
    assert desk.wait(89_999) == []
    assert desk.wait(1) == [i.EndWrapUp("c1", "ann")]
    assert desk.do(i.Released("c1", "ann")) == []
    assert pairs(desk.do(i.WrapUpEnded("c1", "ann"))) == [("c2", "ann")]


def test_relaxation_widens_by_age() -> None:
    """8, 24: also while the contact is offered, and at once for one that comes with its age."""
    relax = (RelaxStep(10_000, {"billing": 2}), RelaxStep(30_000, {}))
    desk = Desk(skills={"billing": 4, "sales": 1}, relax=relax)
    desk.come("ann", {"billing": 2})
    desk.come("bob")
    assert desk.arrive("c1") == []
    assert desk.wait(9_999) == []
    told = desk.wait(1)
    assert told[0] == i.SkillsRelaxed("c1", 1) and pairs(told) == [("c1", "ann")]
    assert desk.wait(20_000) == [i.SkillsRelaxed("c1", 2)]
    assert pairs(desk.decline("c1")) == [("c1", "bob")]
    told = desk.arrive("c2", enqueued_at=desk.clock - 40_000)
    assert told[0] == i.SkillsRelaxed("c2", 2) and pairs(told) == [("c2", "ann")]
    assert desk.arrive("c3", enqueued_at=desk.clock - 40_000, relaxed_step=2, requirements={"chinese": 1}) == []


def test_relaxation_is_told_anew_in_another_queue() -> None:
    desk = Desk(skills={"billing": 4}, relax=(RelaxStep(10_000, {}),))
    desk.queue("sales", skills={"sales": 4}, relax=(RelaxStep(10_000, {}), RelaxStep(90_000, {})))
    assert desk.arrive("c1", enqueued_at=desk.clock - 20_000) == [i.SkillsRelaxed("c1", 1)]
    assert desk.arrive("c1", queue="sales", enqueued_at=desk.clock - 20_000) == [i.SkillsRelaxed("c1", 1)]
    assert desk.wait(70_000) == [i.SkillsRelaxed("c1", 2)]


def test_what_the_contact_itself_asks_for_is_not_relaxed() -> None:
    desk = Desk(skills={"billing": 4}, relax=(RelaxStep(10_000, {}),))
    desk.come("ann", {"chinese": 2})
    desk.arrive("c1", requirements={"chinese": 3})
    desk.arrive("c2", requirements={"chinese": 2})
    assert pairs(desk.wait(10_000)) == [("c2", "ann")]


def test_sticky_agent_is_waited_for_while_busy() -> None:
    desk = Desk(sticky_wait_ms=20_000)
    desk.come("ann")
    desk.come("bob")
    desk.arrive("c0", "voice", preferred_agent="ann")
    desk.accept("c0")
    assert pairs(desk.arrive("c1", "voice", preferred_agent="ann")) == []
    assert pairs(desk.arrive("c2", "voice", preferred_agent="ann", preferred_wait_ms=0)) == [("c2", "bob")]
    desk.accept("c2")
    desk.arrive("c3", "voice", preferred_agent="ann")
    assert desk.do(i.Released("c2", "bob")) == []
    assert pairs(desk.do(i.Released("c0", "ann"))) == [("c1", "ann")]
    assert pairs(desk.wait(20_000)) == [("c3", "bob")]


@pytest.mark.parametrize("state", [AgentState.AWAY, AgentState.OFFLINE, AgentState.NOT_RESPONDING])
def test_sticky_agent_who_is_not_here_is_not_waited_for(state: AgentState) -> None:
    desk = Desk(sticky_wait_ms=20_000)
    desk.come("ann")
    desk.come("bob")
    desk.arrive("c0", "voice", preferred_agent="ann")
    desk.accept("c0")
    desk.arrive("c1", "voice", preferred_agent="ann")
    assert pairs(desk.presence("ann", state)) == [("c1", "bob")]
    desk.accept("c1")
    desk.come("eve")
    assert pairs(desk.arrive("c2", "voice", preferred_agent="ann")) == [("c2", "eve")]


def test_transfer_to_an_agent_waits_for_him_without_asking_for_skills() -> None:
    desk = Desk(skills={"billing": 1})
    desk.come("ann", {"billing": 1})
    desk.come("bob", capacity=30)
    desk.do(i.Assigned("busy", "bob", "chat", "support", desk.clock))
    assert desk.arrive("c1", only_agent="bob", only_until=desk.clock + 60_000) == []
    told = {row.agent: row.reasons for row in desk.engine.explain("c1")}
    assert told == {"ann": (Reason.KEPT_FOR_ANOTHER,), "bob": (Reason.NO_CAPACITY,)}
    assert desk.presence("bob", AgentState.AWAY) == []
    desk.come("bob")
    assert pairs(desk.do(i.Released("busy", "bob"))) == [("c1", "bob")]


def test_nothing_slips_in_while_a_chat_becomes_a_call() -> None:
    desk = Desk()
    desk.come("ann", capacity=60)
    desk.do(i.Assigned("talk", "ann", "chat", "support", desk.clock))
    desk.do(i.Assigned("other", "ann", "chat", "support", desk.clock))
    assert desk.arrive("c1") == [], "she has no room"
    assert desk.do(i.Assigned("talk", "ann", "voice", "support", desk.clock)) == []
    assert desk.agents["ann"].load == 130
    assert pairs(desk.do(i.Released("other", "ann"))) == []
    assert pairs(desk.do(i.Released("talk", "ann"))) == [("c1", "ann")]


def test_offers_that_a_call_leaves_no_room_for_are_taken_back() -> None:
    desk = Desk()
    desk.come("ann", capacity=120)
    desk.do(i.Assigned("talk", "ann", "chat", "support", desk.clock))
    for number in range(3):
        desk.arrive(f"c{number}")
        desk.do(i.OfferMade(f"c{number}", "ann", number + 1, desk.clock + 20_000, 1))
    assert desk.offered() == {"c0": "ann", "c1": "ann", "c2": "ann"}
    taken = desk.do(i.Assigned("talk", "ann", "voice", "support", desk.clock))
    assert taken == [i.Rescind(f"c{n}", "ann", n + 1, i.RescindReason.NO_ROOM) for n in (2, 1, 0)]


@pytest.mark.parametrize("how", ["decline", "miss", "deadline", "offline", "removed"])
def test_transfer_that_fails_goes_to_the_queue(how: str) -> None:
    desk = Desk()
    desk.come("bob")
    desk.come("ann")
    if how == "deadline":
        desk.do(i.Assigned("busy", "bob", "voice", "support", desk.clock))
    desk.arrive("c1", only_agent="bob", only_until=desk.clock + 5_000)
    match how:
        case "decline":
            assert pairs(desk.decline("c1")) == [("c1", "ann")]
        case "miss":
            assert pairs(desk.miss("c1")) == [("c1", "ann")]
        case "deadline":
            assert pairs(desk.wait(5_000)) == [("c1", "ann")]
        case "offline":
            desk.presence("bob", AgentState.OFFLINE)
            assert pairs(desk.do(i.OfferRescinded("c1", "bob", 1))) == [("c1", "ann")]
        case "removed":
            assert desk.do(i.AgentRemoved("bob")) == [i.Rescind("c1", "bob", 1, i.RescindReason.AGENT_REMOVED)]
            assert pairs(desk.do(i.OfferRescinded("c1", "bob", 1))) == [("c1", "ann")]
            assert desk.engine.agent("bob") is None


def test_transfer_whose_offer_could_not_be_appended_is_tried_again() -> None:
    desk = Desk()
    desk.come("bob")
    desk.come("ann")
    desk.arrive("c1", only_agent="bob", only_until=desk.clock + 5_000)
    assert desk.do(i.OfferRejected("c1", "bob", 1)) == []
    assert pairs(desk.wait(250)) == [("c1", "bob")]


def test_full_queue_overflows_unless_somebody_is_free() -> None:
    """23: of two that come for the last place one gets it."""
    desk = Desk(max_length=1)
    assert desk.arrive("c1", "voice") == []
    assert desk.arrive("c2", "voice") == [i.Overflow("c2", "support", OverflowReason.QUEUE_FULL)]
    assert desk.arrive("c2", "voice") == []
    assert pairs(desk.come("ann")) == [("c1", "ann")]
    desk.come("bob")
    assert pairs(desk.arrive("c3", "voice")) == []


def test_contact_of_a_queue_that_does_not_exist_is_held_aside() -> None:
    desk = Desk()
    desk.come("ann")
    assert desk.arrive("c1", queue="new") == [i.Overflow("c1", "new", OverflowReason.NO_QUEUE)]
    assert [row.reasons for row in desk.engine.explain("c1")] == [(Reason.NO_QUEUE,)]
    assert pairs(desk.queue("new")) == [("c1", "ann")]
    desk.presence("ann", AgentState.AWAY)
    desk.do(i.OfferRescinded("c1", "ann", 1))
    assert desk.do(i.QueueRemoved("new")) == [i.Overflow("c1", "new", OverflowReason.NO_QUEUE)]
    desk.come("ann")
    assert pairs(desk.arrive("c1", enqueued_at=START)) == [("c1", "ann")]


def test_unknown_channel_is_refused_and_changes_nothing() -> None:
    desk = Desk()
    desk.come("ann")
    for input in (i.Enqueued("c1", "fax", "support", 0), i.Assigned("c1", "ann", "fax", "support", 0)):
        with pytest.raises(ValueError, match="contact c1: channel: no rules for 'fax'"):
            desk.engine.handle(input, desk.clock)
    assert desk.engine.position("c1") is None and desk.engine.explain("c1") == []


def test_move_keeps_age_and_fences() -> None:
    """22: from chat to a call, in front of those who came later."""
    desk = Desk()
    desk.arrive("c1")
    desk.wait(30_000)
    desk.arrive("c2", "voice")
    desk.arrive("c1", "voice", enqueued_at=START, last_fence=4)
    assert desk.engine.position("c1") == 1 and desk.engine.position("c2") == 2
    desk.come("ann")
    assert desk.live("c1").fence == 5


def test_move_while_offered_counts_when_the_offer_ends() -> None:
    desk = Desk()
    desk.queue("sales", skills={"sales": 1})
    desk.come("ann")
    desk.come("bob", {"sales": 1})
    desk.arrive("c1")
    assert desk.arrive("c1", queue="sales", enqueued_at=START) == []
    assert desk.offered() == {"c1": "ann"}
    assert pairs(desk.decline("c1")) == [("c1", "bob")]


def test_edit_of_a_queue_counts_at_once() -> None:
    desk = Desk(skills={"billing": 5})
    desk.come("ann", {"billing": 2})
    desk.arrive("c1")
    desk.arrive("c2")
    assert desk.engine.wait_estimate("c1") is None
    assert pairs(desk.queue("support", skills={"billing": 2})) == [("c1", "ann"), ("c2", "ann")]
    assert desk.queue("support", skills={"billing": 2}, retry_exclude_ms=7) == []


def test_agent_with_a_new_skill_is_offered_what_it_opens() -> None:
    desk = Desk(skills={"billing": 2})
    desk.come("ann")
    desk.arrive("c1")
    assert pairs(desk.agent_is("ann", {"billing": 2})) == [("c1", "ann")]
    assert desk.agent_is("ann") == []


def test_backwards_clock_expires_nothing_and_reorders_nothing() -> None:
    """26."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.wait(10_000)
    desk.arrive("c2", "voice")
    desk.clock -= 3_600_000
    assert desk.do(i.Tick()) == []
    desk.arrive("c3", "voice", enqueued_at=START + 10_001)
    assert [desk.engine.position(id) for id in ("c1", "c2", "c3")] == [1, 1, 2]
    desk.accept("c1")
    assert pairs(desk.do(i.Released("c1", "ann"))) == [("c2", "ann")]


def test_counters() -> None:
    """7."""
    desk = Desk(skills={"billing": 1})
    for agent in ("ann", "bob"):
        desk.come(agent, {"billing": 1})
    desk.come("eve")
    for number in range(3):
        desk.arrive(f"c{number}", "voice")
        desk.wait(1_000)
    counters = desk.engine.counters("support")
    assert counters is not None
    assert (counters.waiting, counters.offered, counters.oldest) == (1, 2, START)
    assert (counters.staffed, counters.idle) == (2, 0)
    assert desk.engine.counters("none") is None and desk.engine.agent("none") is None


def test_estimates() -> None:
    """25, and the figures: servers are places with available agents, busy or not."""
    desk = Desk(handle_ms={"chat": 300_000})
    desk.come("ann")
    for number in range(5):
        desk.arrive(f"c{number}")
    assert desk.engine.wait_estimate("c0") == 0.0
    assert desk.engine.wait_estimate("c3") == pytest.approx(100.0)
    assert desk.engine.wait_estimate("c4") == pytest.approx(200.0)
    assert desk.engine.newcomer_wait("support", "chat", desk.clock) == pytest.approx(300.0)
    assert desk.engine.newcomer_wait("support", "voice", desk.clock) == pytest.approx(240.0)
    assert desk.engine.newcomer_wait("support", "fax", desk.clock) is None
    assert desk.engine.newcomer_wait("none", "chat", desk.clock) is None
    desk.come("bob")
    assert desk.engine.newcomer_wait("support", "chat", desk.clock) == 0.0


def test_estimate_of_a_transfer_counts_only_its_agent() -> None:
    desk = Desk(handle_ms={"voice": 60_000})
    for agent in ("ann", "bob", "eve"):
        desk.come(agent)
    desk.do(i.Assigned("busy", "bob", "voice", "support", desk.clock))
    desk.arrive("c1", "voice", only_agent="bob", only_until=desk.clock + 60_000)
    desk.arrive("c2", "voice", only_agent="bob", only_until=desk.clock + 60_000)
    assert [desk.engine.position(id) for id in ("c1", "c2")] == [1, 2]
    assert [desk.engine.wait_estimate(id) for id in ("c1", "c2")] == [60.0, 120.0]
    desk.presence("bob", AgentState.AWAY)
    assert desk.engine.wait_estimate("c1") is None


def test_explanation_names_each_reason() -> None:
    desk = Desk(skills={"billing": 3})
    told: dict[str, tuple[Reason, ...]] = {}
    desk.come("fits", {"billing": 3})
    desk.do(i.Assigned("x1", "fits", "chat", "support", desk.clock))
    desk.come("elsewhere", {"billing": 3}, queues=frozenset({"sales"}))
    desk.come("no chats", {"billing": 3}, maxima={"chat": 0})
    desk.come("unskilled", {"billing": 2})
    desk.agent_is("absent", {"billing": 3})
    desk.come("full", {"billing": 3}, maxima={"chat": 1})
    desk.do(i.Assigned("x2", "full", "chat", "support", desk.clock))
    desk.come("calling", {"billing": 3})
    desk.do(i.Assigned("x3", "calling", "voice", "support", desk.clock))
    desk.come("wrapping", {"billing": 3})
    desk.do(i.Assigned("x4", "wrapping", "chat", "support", desk.clock))
    desk.do(i.WrapUpStarted("x4", "wrapping"))
    desk.do(i.Assigned("c1", "fits", "chat", "support", desk.clock))
    desk.arrive("c1", excluded={"full": desk.clock + 9_000})
    told = {row.agent: row.reasons for row in desk.engine.explain("c1")}
    assert told == {
        "fits": (Reason.HAS_IT,),
        "elsewhere": (Reason.NOT_IN_QUEUE,),
        "no chats": (Reason.CHANNEL_NOT_SERVED, Reason.CHANNEL_FULL),
        "unskilled": (Reason.SKILL_MISSING,),
        "absent": (Reason.NOT_AVAILABLE,),
        "full": (Reason.EXCLUDED, Reason.CHANNEL_FULL),
        "calling": (Reason.NO_CAPACITY,),
        "wrapping": (Reason.WRAPPING_UP,),
    }


def test_restart_keeps_places_loads_and_offers() -> None:
    """21, 27: an engine built from the log goes on where the old one was, and offers nothing twice."""
    now, engine = START + 60_000, Engine()
    inputs: list[i.Input] = [
        i.QueueChanged(QueueSpec("support")),
        i.AgentChanged(AgentSpec("ann")),
        i.AgentChanged(AgentSpec("bob")),
        i.HandledToday({"ann": 3}),
        i.Enqueued("c1", "voice", "support", START, last_fence=2),
        i.Enqueued("c2", "voice", "support", START + 5),
        i.Enqueued("c3", "voice", "support", START + 9),
        i.OfferMade("c1", "ann", 2, now + 7_000, epoch=4),
        i.Assigned("c0", "bob", "voice", "support", START),
        i.WrapUpStarted("c0", "bob", now + 3_000),
        i.PresenceChanged("ann", AgentState.AVAILABLE, 4, START),
        i.PresenceChanged("bob", AgentState.AVAILABLE, 9, START),
    ]
    assert [decision for input in inputs for decision in engine.handle(input, now)] == []
    assert [engine.position(id) for id in ("c1", "c2", "c3")] == [1, 1, 2]
    assert engine.handle(i.Tick(), now + 3_000) == [i.EndWrapUp("c0", "bob")]
    assert pairs(engine.handle(i.WrapUpEnded("c0", "bob"), now + 3_001)) == [("c2", "bob")]
    assert engine.handle(i.Tick(), now + 7_000) == [i.ExpireOffer("c1", "ann", 2)]
    engine.handle(i.OfferAccepted("c1", "ann", 2), now + 7_001)
    view = engine.agent("ann")
    assert view is not None and view.holding == ("c1",)


def test_offer_to_an_agent_who_is_gone_is_taken_back_after_a_restart() -> None:
    now, engine = START, Engine()
    engine.handle(i.QueueChanged(QueueSpec("support")), now)
    engine.handle(i.Enqueued("c1", "chat", "support", now, last_fence=1), now)
    told = engine.handle(i.OfferMade("c1", "gone", 1, now + 30_000, 1), now)
    assert told == [i.Rescind("c1", "gone", 1, i.RescindReason.AGENT_REMOVED)]
    engine.handle(i.OfferRescinded("c1", "gone", 1), now)
    assert engine.position("c1") == 1 and engine.agent("gone") is None


def test_made_up_requirements_do_not_fill_the_memory() -> None:
    engine = Engine()
    engine.handle(i.QueueChanged(QueueSpec("support")), START)
    engine.handle(i.AgentChanged(AgentSpec("ann", {f"skill{number}": 1 for number in range(3_000)})), START)
    for number in range(3_000):
        engine.handle(i.Enqueued("c1", "chat", "support", START, {f"skill{number}": 1}), START)
        engine.handle(i.Dequeued("c1"), START)
    assert len(engine._index.queues["support"].classes) <= 1_024
    assert len(engine._index.seats["ann"].profile.lanes["chat", None].classes) <= 1_024
    assert len(engine._index.heads) <= 1_026
