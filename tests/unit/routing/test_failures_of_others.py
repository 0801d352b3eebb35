"""What went wrong in other systems, and must not here. Each test names where it was seen.

Each step is also judged by the model, so these say what happens, and the model that nothing else does.
"""

from routing import inputs as i
from routing.engine import REPEAT_MS
from routing.specs import AgentState
from tests.unit.routing.desk import Desk, pairs


def test_two_agents_never_answer_one_call() -> None:
    """asterisk#176, Rocket.Chat#22206: the fence says whose the call is, and a second accept changes nothing."""
    desk = Desk(offer_ms={"voice": 10_000})
    desk.come("ann")
    desk.wait(1)
    desk.come("bob")
    desk.arrive("c1", "voice")
    first = desk.live("c1")
    desk.miss("c1")
    second = desk.live("c1")
    assert (first.agent, second.agent) == ("ann", "bob") and second.fence > first.fence
    assert desk.do(i.OfferAccepted("c1", "ann", first.fence)) == []
    assert desk.do(i.OfferAccepted("c1", "ann", second.fence)) == []
    desk.accept("c1")
    assert desk.do(i.OfferAccepted("c1", "ann", first.fence)) == []
    assert not desk.agents["ann"].contacts and set(desk.agents["bob"].contacts) == {"c1"}


def test_caller_who_hangs_up_before_the_bridge_leaves_nobody_busy() -> None:
    """asterisk#1557: answered, then gone before the two were connected."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.accept("c1")
    desk.do(i.Released("c1", "ann"))
    assert desk.agents["ann"].load == 0
    assert pairs(desk.arrive("c2", "voice")) == [("c2", "ann")]


def test_head_that_nobody_can_serve_blocks_nobody() -> None:
    """asterisk#1561: the oldest and most urgent caller asks for a skill that nobody has."""
    desk = Desk()
    desk.queue("chinese", skills={"chinese": 3}, priority=9)
    for number in range(3):
        desk.arrive(f"x{number}", "voice", "chinese", priority=9)
    desk.wait(60_000)
    desk.arrive("c1", "voice")
    desk.arrive("c2", "voice", requirements={"russian": 1})
    desk.arrive("c3", "voice")
    assert pairs(desk.come("ann")) == [("c1", "ann")]
    assert pairs(desk.come("bob")) == [("c3", "bob")]
    assert desk.engine.position("x0") == 1 and desk.engine.position("x2") == 3


def test_completion_counts_once() -> None:
    """asterisk#1736: an end that is told twice frees one place and is measured once."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.accept("c1")
    desk.wait(60_000)
    desk.do(i.Released("c1", "ann"))
    before = desk.engine.newcomer_wait("support", "voice", desk.clock)
    assert desk.do(i.Released("c1", "ann")) == [] and desk.do(i.WrapUpEnded("c1", "ann")) == []
    assert desk.agents["ann"].load == 0
    assert desk.engine.newcomer_wait("support", "voice", desk.clock) == before
    assert desk.engine._index.queues["support"].figures["voice"].handled == 1


def test_login_herd_is_offered_each_contact_once() -> None:
    """asterisk#1972: everybody signs in at the same moment."""
    desk = Desk()
    for number in range(5):
        desk.arrive(f"c{number}", "voice")
    told = []
    for number in range(20):
        told += pairs(desk.come(f"agent{number}"))
    assert told == [(f"c{number}", f"agent{number}") for number in range(5)]


def test_offer_that_nobody_answers_never_stays_reserved() -> None:
    """freeswitch#2540: the expiry is asked for again until the log answers; then all goes on."""
    desk = Desk(offer_ms={"voice": 20_000})
    desk.come("ann")
    desk.arrive("c1", "voice")
    assert not any(isinstance(decision, i.ExpireOffer) for decision in desk.wait(19_999))
    assert desk.wait(1) == [i.ExpireOffer("c1", "ann", 1)]
    assert desk.wait(2 * REPEAT_MS) == [i.ExpireOffer("c1", "ann", 1)] * 2
    assert desk.miss("c1") == [i.MarkNotResponding("ann", 1)]
    assert desk.agents["ann"].load == 0
    desk.presence("ann", AgentState.NOT_RESPONDING)
    assert pairs(desk.come("bob")) == [("c1", "bob")]


def test_offer_that_only_seemed_to_fail_is_not_lost() -> None:
    """freeswitch#2540 again: the append's answer got lost, the offer is in the log, and somebody has to expire it."""
    desk = Desk(offer_ms={"voice": 20_000})
    desk.come("ann")
    desk.wait(1)
    desk.come("bob")
    desk.arrive("c1", "voice")
    made = desk.live("c1")
    assert pairs(desk.do(i.OfferRejected("c1", "ann", 1))) == [("c1", "bob")]
    desk.do(i.OfferMade("c1", "ann", 1, made.deadline, made.epoch))
    assert desk.offered() == {"c1": "ann"} and desk.agents["bob"].load == 0
    assert desk.do(i.OfferRejected("c1", "bob", 2)) == []
    assert desk.wait(20_000) == [i.ExpireOffer("c1", "ann", 1)]


def test_offer_that_the_log_holds_cannot_fail_any_more() -> None:
    """freeswitch#2540 once more: the failure is told after the log's own word, as when an automatic accept fails."""
    desk = Desk(offer_ms={"voice": 20_000})
    desk.come("ann")
    desk.wait(1)
    desk.come("bob")
    desk.arrive("c1", "voice")
    made = desk.live("c1")
    desk.do(i.OfferMade("c1", "ann", 1, made.deadline, made.epoch))
    assert desk.do(i.OfferRejected("c1", "ann", 1)) == []
    assert desk.offered() == {"c1": "ann"}
    assert desk.wait(20_000) == [i.ExpireOffer("c1", "ann", 1)]


def test_caller_who_gives_up_frees_the_agent_at_once() -> None:
    """freeswitch#2529: no zombie leg after the caller left while the agent was asked; a late accept is nothing."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.arrive("c2", "voice")
    late = desk.live("c1")
    assert pairs(desk.do(i.Dequeued("c1", abandoned=True))) == [("c2", "ann")]
    assert desk.do(i.OfferAccepted("c1", "ann", late.fence)) == []
    assert set(desk.agents["ann"].contacts) == {"c2"}


def test_silence_always_ends() -> None:
    """freeswitch#1641, #1062: whatever is offered or wrapped up has a next deadline; else there is none."""
    desk = Desk()
    desk.come("ann")
    assert desk.engine.next_deadline() is None
    desk.arrive("c1", "voice")
    assert desk.engine.next_deadline() == desk.clock + 20_000
    desk.accept("c1")
    assert desk.engine.next_deadline() is None
    desk.do(i.WrapUpStarted("c1", "ann"))
    assert desk.engine.next_deadline() == desk.clock + 30_000


def test_agent_is_not_rung_twice() -> None:
    """freeswitch#2901: one telephone line, whatever his capacity; neither a call nor a callback comes beside a call."""
    desk = Desk()
    desk.come("ann", capacity=1_000, maxima={"voice": 9, "callback": 9})
    desk.arrive("c1", "voice")
    assert pairs(desk.arrive("c2", "voice")) == pairs(desk.arrive("c3", "callback")) == []
    desk.accept("c1")
    assert pairs(desk.arrive("c4", "voice")) == []
    assert pairs(desk.do(i.Released("c1", "ann"))) == [("c2", "ann")]


def test_nobody_stays_in_a_call_for_ever() -> None:
    """OpenSIPS#3123: wrap-up ends by its deadline, told again until the log says so."""
    desk = Desk(wrap_up_ms=15_000)
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.accept("c1")
    desk.do(i.WrapUpStarted("c1", "ann"))
    assert desk.wait(15_000) == [i.EndWrapUp("c1", "ann")]
    assert desk.wait(REPEAT_MS) == [i.EndWrapUp("c1", "ann")]
    desk.do(i.WrapUpEnded("c1", "ann"))
    assert desk.agents["ann"].load == 0 and desk.engine.next_deadline() is None


def test_wrap_up_ends_only_for_the_agent_whose_it_is() -> None:
    """freeswitch#2679."""
    desk = Desk()
    for agent in ("ann", "bob"):
        desk.come(agent)
        desk.arrive(f"c-{agent}", "voice")
        desk.accept(f"c-{agent}")
        desk.do(i.WrapUpStarted(f"c-{agent}", agent))
    assert desk.do(i.WrapUpEnded("c-ann", "bob")) == []
    assert [desk.agents[agent].load for agent in ("ann", "bob")] == [100, 100]


def test_burst_of_offers_stops_at_capacity() -> None:
    """OpenACD#5: the first offers count before anybody has answered."""
    desk = Desk()
    desk.come("ann")
    told = [pair for number in range(6) for pair in pairs(desk.arrive(f"c{number}"))]
    assert told == [("c0", "ann"), ("c1", "ann"), ("c2", "ann")]
    assert desk.agents["ann"].load == 90


def test_new_session_in_the_middle_of_an_offer() -> None:
    """OpenACD#6: the offer goes back, with its place, and is made again to the new session."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.wait(5_000)
    desk.arrive("c2", "voice")
    assert desk.come("ann") == [i.Rescind("c1", "ann", 1, i.RescindReason.NEW_SESSION)]
    told = desk.do(i.OfferRescinded("c1", "ann", 1))
    assert pairs(told) == [("c1", "ann")] and desk.live("c1").epoch == 2 and desk.live("c1").fence == 2


def test_agent_who_missed_comes_back_by_himself() -> None:
    """kazoo#6609: not logged out for ever."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    assert desk.miss("c1") == [i.MarkNotResponding("ann", 1)]
    assert pairs(desk.arrive("c2", "voice")) == []
    desk.presence("ann", AgentState.NOT_RESPONDING)
    assert pairs(desk.come("ann")) == [("c2", "ann")]
    desk.do(i.Dequeued("c2"))
    assert pairs(desk.wait(30_000)) == [("c1", "ann")]


def test_all_agents_leave_while_callers_wait() -> None:
    """asterisk#1334: the callers keep their places, the estimate is unknown, the next agent gets them."""
    desk = Desk()
    for agent in ("ann", "bob"):
        desk.come(agent)
    for number in range(4):
        desk.arrive(f"c{number}", "voice")
        desk.wait(10)
    for agent in ("ann", "bob"):
        for decision in desk.presence(agent, AgentState.OFFLINE):
            assert isinstance(decision, i.Rescind)
            desk.do(i.OfferRescinded(decision.contact, decision.agent, decision.fence))
    assert [desk.engine.position(f"c{number}") for number in range(4)] == [1, 2, 3, 4]
    assert desk.engine.wait_estimate("c0") is None
    assert desk.engine.newcomer_wait("support", "voice", desk.clock) is None
    assert pairs(desk.come("bob")) == [("c0", "bob")]


def test_work_taken_by_hand_counts() -> None:
    """Rocket.Chat#37776: joined and taken-over chats weigh like offered ones; over capacity nothing more is offered."""
    desk = Desk()
    desk.come("ann")
    for number in range(4):
        desk.do(i.Assigned(f"x{number}", "ann", "chat", "support", desk.clock))
    assert desk.agents["ann"].load == 120
    assert pairs(desk.arrive("c1")) == []
    desk.do(i.Released("x0", "ann"))
    assert pairs(desk.do(i.Released("x1", "ann"))) == [("c1", "ann")]


def test_offline_agents_are_offered_nothing() -> None:
    """zammad#4970."""
    desk = Desk()
    for state in (AgentState.OFFLINE, AgentState.AWAY, AgentState.NOT_RESPONDING):
        desk.come(state)
        desk.presence(state, state)
    assert pairs(desk.arrive("c1")) == []
    assert desk.engine.wait_estimate("c1") is None


def test_late_no_answer_does_not_override_what_the_agent_chose() -> None:
    """flex-project-template#290: he went on a break while the miss was on its way; he is not marked for it."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.wait(20_000)
    desk.presence("ann", AgentState.AWAY)
    assert desk.miss("c1") == []
    view = desk.engine.agent("ann")
    assert view is not None and view.state is AgentState.AWAY


def test_no_answer_in_an_older_session_does_not_mark_the_new_one() -> None:
    """The same, when he signed in again meanwhile: he is here, and is offered the next contact."""
    desk = Desk()
    desk.come("ann")
    desk.arrive("c1", "voice")
    desk.come("ann")
    desk.arrive("c2", "voice")
    assert pairs(desk.miss("c1")) == [("c2", "ann")]
    view = desk.engine.agent("ann")
    assert view is not None and view.state is AgentState.AVAILABLE


def test_newer_does_not_overtake_older() -> None:
    """chatwoot#10376: first come, first served, also after a refusal."""
    desk = Desk()
    desk.come("ann")
    for number in range(4):
        desk.arrive(f"c{number}", "voice")
        desk.wait(10)
    desk.decline("c0")
    assert desk.offered() == {"c1": "ann"}
    assert pairs(desk.come("bob")) == [("c0", "bob")]
    desk.accept("c1")
    assert pairs(desk.do(i.Released("c1", "ann"))) == [("c2", "ann")]


def test_estimate_does_not_rise_by_itself() -> None:
    """app_queue: the announced wait rose again after the mean; ours depends on the place, not on the time waited."""
    desk = Desk()
    desk.come("ann")
    for number in range(3):
        desk.arrive(f"c{number}", "voice")
    desk.accept("c0")
    told = []
    for _ in range(5):
        told.append(desk.engine.wait_estimate("c2"))
        desk.wait(200_000)
    assert len(set(told)) == 1
