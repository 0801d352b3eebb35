"""Who gets a contact, strategy by strategy; and that refusing never improves a rank."""

from collections import Counter

import pytest

from routing import inputs as i
from routing.specs import AgentState, Strategy
from routing.strategies import KEYS, draw
from tests.unit.routing.desk import Desk, pairs


def finish(desk: Desk, contact: str) -> None:
    """The contact is accepted by whom it is offered to, takes a minute and is over."""
    agent = desk.live(contact).agent
    desk.accept(contact)
    desk.wait(60_000)
    desk.do(i.Released(contact, agent))


def test_every_strategy_has_its_key() -> None:
    assert set(KEYS) == set(Strategy)


def test_longest_idle() -> None:
    desk = Desk(strategy=Strategy.LONGEST_IDLE)
    for agent in ("ann", "bob", "eve"):
        desk.come(agent)
        desk.wait(1_000)
    for contact, agent in (("c1", "ann"), ("c2", "bob"), ("c3", "eve"), ("c4", "ann")):
        assert pairs(desk.arrive(contact, "voice")) == [(contact, agent)]
        finish(desk, contact)


def test_longest_idle_prefers_an_agent_without_work() -> None:
    desk = Desk()
    desk.come("ann")
    desk.wait(1_000)
    desk.arrive("c1", "email")
    desk.accept("c1")
    desk.come("bob")
    assert pairs(desk.arrive("c2", "email")) == [("c2", "bob")]


@pytest.mark.parametrize("strategy", [Strategy.LONGEST_IDLE, Strategy.MOST_SKILLED, Strategy.FEWEST_TODAY])
def test_a_burst_is_spread_over_the_agents(strategy: Strategy) -> None:
    """Idle time moves at the accept: until then the open offers tell who has had his turn."""
    desk = Desk(strategy=strategy)
    for agent in ("ann", "bob", "eve"):
        desk.come(agent)
        desk.arrive(f"first-{agent}", "email")
        desk.accept(f"first-{agent}")
    given = Counter(agent for n in range(9) for _, agent in pairs(desk.arrive(f"c{n}", "email")))
    assert given == {"ann": 3, "bob": 3, "eve": 3}


def test_who_comes_back_queues_up_behind_those_who_stayed() -> None:
    desk = Desk()
    desk.come("ann")
    desk.wait(1_000)
    desk.come("bob")
    desk.presence("ann", AgentState.AWAY)
    desk.wait(1_000)
    desk.come("ann")
    assert pairs(desk.arrive("c1", "voice")) == [("c1", "bob")]


def test_least_loaded() -> None:
    desk = Desk(strategy=Strategy.LEAST_LOADED)
    desk.come("ann", capacity=100)
    desk.come("bob", capacity=200)
    given = []
    for number in range(5):
        given += pairs(desk.arrive(f"c{number}"))
        desk.accept(f"c{number}")
        desk.wait(10)
    assert [agent for _, agent in given] == ["ann", "bob", "bob", "ann", "bob"]


def test_round_robin() -> None:
    desk = Desk(strategy=Strategy.ROUND_ROBIN)
    for agent in ("ann", "bob", "eve"):
        desk.come(agent)
    given = []
    for number in range(7):
        given += pairs(desk.arrive(f"c{number}", "voice"))
        finish(desk, f"c{number}")
    assert [agent for _, agent in given] == ["ann", "bob", "eve", "ann", "bob", "eve", "ann"]


def test_round_robin_takes_turns_in_each_queue_by_itself() -> None:
    desk = Desk(strategy=Strategy.ROUND_ROBIN)
    desk.queue("sales", strategy=Strategy.ROUND_ROBIN)
    desk.come("ann")
    desk.come("bob")
    for contact, queue, agent in (("c1", "support", "ann"), ("c2", "sales", "ann"), ("c3", "support", "bob")):
        assert pairs(desk.arrive(contact, "voice", queue)) == [(contact, agent)]
        finish(desk, contact)


def test_most_skilled_counts_only_what_is_asked_for() -> None:
    desk = Desk(strategy=Strategy.MOST_SKILLED, skills={"billing": 1})
    desk.come("ann", {"billing": 2, "sales": 5})
    desk.come("bob", {"billing": 4})
    assert pairs(desk.arrive("c1", "voice")) == [("c1", "bob")]
    assert pairs(desk.arrive("c2", "voice")) == [("c2", "ann")]


def test_fixed_order() -> None:
    desk = Desk(strategy=Strategy.FIXED_ORDER)
    desk.come("ann", order=2)
    desk.come("bob", order=1)
    for contact in ("c1", "c2"):
        assert pairs(desk.arrive(contact, "voice")) == [(contact, "bob")]
        finish(desk, contact)


def test_fewest_today_and_midnight() -> None:
    desk = Desk(strategy=Strategy.FEWEST_TODAY)
    desk.come("ann")
    desk.wait(10)
    desk.come("bob")
    desk.do(i.HandledToday({"ann": 2, "bob": 1}))
    for contact, agent in (("c1", "bob"), ("c2", "ann"), ("c3", "bob")):
        assert pairs(desk.arrive(contact, "voice")) == [(contact, agent)]
        finish(desk, contact)
    desk.do(i.HandledToday({}))
    assert pairs(desk.arrive("c4", "voice")) == [("c4", "ann")]


def test_random_is_fair_and_the_same_in_a_replay() -> None:
    agents = ["ann", "bob", "eve", "joe"]
    given = []
    for _ in range(2):
        desk = Desk(seed=3, strategy=Strategy.RANDOM)
        for agent in agents:
            desk.come(agent)
        told = []
        for number in range(200):
            told += pairs(desk.arrive(f"c{number}", "voice"))
            desk.accept(f"c{number}")
            desk.do(i.Released(f"c{number}", told[-1][1]))
        given.append([agent for _, agent in told])
    assert given[0] == given[1]
    assert set(given[0]) == set(agents)
    assert all(30 <= count <= 70 for count in Counter(given[0]).values())


def test_draw_is_uniform() -> None:
    counts = Counter(draw(1, f"c{number}", 1, 5) for number in range(5_000))
    assert set(counts) == set(range(5))
    assert all(900 <= count <= 1_100 for count in counts.values())


@pytest.mark.parametrize("strategy", [s for s in Strategy if s is not Strategy.RANDOM])
def test_declining_never_improves_a_rank(strategy: Strategy) -> None:
    """Who was behind another before he declined or missed is behind him afterwards."""
    desk = Desk(strategy=strategy, skills={"billing": 1}, retry_exclude_ms=1)
    desk.come("ann", {"billing": 1 if strategy is Strategy.LEAST_SKILLED else 3}, order=1)
    desk.wait(1_000)
    desk.come("bob", {"billing": 2}, order=2)
    desk.wait(1_000)
    desk.arrive("c1", "voice")
    assert desk.offered() == {"c1": "ann"}
    desk.arrive("c2", "voice")
    assert desk.offered() == {"c1": "ann", "c2": "bob"}
    desk.decline("c2")
    desk.do(i.Dequeued("c2"))
    desk.do(i.Dequeued("c1"))
    desk.wait(1_000)
    assert pairs(desk.arrive("c3", "voice")) == [("c3", "ann")]


@pytest.mark.parametrize("strategy", Strategy)
def test_the_preferred_agent_comes_before_any_strategy(strategy: Strategy) -> None:
    desk = Desk(strategy=strategy)
    for agent in ("ann", "bob", "eve"):
        desk.come(agent, order=1)
        desk.wait(1_000)
    assert pairs(desk.arrive("c1", "voice", preferred_agent="bob")) == [("c1", "bob")]


def test_an_agent_freed_as_contacts_come_takes_the_oldest_and_is_then_ranked_anew() -> None:
    """He used to take all that fitted, however loaded he was by then."""
    desk = Desk(strategy=Strategy.LEAST_LOADED)
    desk.come("joe", capacity=200)
    desk.arrive("call", channel="callback")
    offer = desk.live("call")
    desk.do(i.OfferDeclined("call", "joe", offer.fence, until=desk.clock + 10_000))
    desk.clock += 1
    desk.arrive("mail", channel="email")
    desk.come("lee", maxima={"callback": 0})
    desk.arrive("chat", preferred_agent="lee")
    desk.accept("chat")
    assert desk.offered() == {"mail": "joe"}
    desk.clock += 10_000
    offer = desk.live("mail")
    assert pairs(desk.do(i.OfferRescinded("mail", "joe", offer.fence))) == [("call", "joe"), ("mail", "lee")]
