"""A queue in which many wait is edited: its contacts move to their new places slice by slice, and none gets lost."""

from routing import inputs as i
from routing.admission import SLICE
from routing.engine import Engine
from routing.specs import AgentSpec, AgentState, QueueSpec, RelaxStep, Strategy
from tests.unit.routing.indexes import check_indexes

NOW = 1_800_000_000_000
MANY = 2 * SLICE + 200


def crowded(**spec: object) -> Engine:
    """Contacts c0 to c1199 wait, a second apart; nobody is there."""
    engine = Engine()
    engine.handle(i.QueueChanged(QueueSpec("support", **spec)), NOW)  # type: ignore[arg-type]  # the caller's fields
    for name, skills in (("ann", {"billing": 3}), ("bob", {})):
        engine.handle(i.AgentChanged(AgentSpec(name, skills)), NOW)
    for number in range(MANY):
        engine.handle(i.Enqueued(f"c{number}", "chat", "support", NOW - 1_000 * (MANY - number)), NOW)
    return engine


def comes(engine: Engine, agent: str, now: int) -> list[str]:
    """Whom the agent is offered when he signs in."""
    decisions = engine.handle(i.PresenceChanged(agent, AgentState.AVAILABLE, 1, now), now)
    return [decision.contact for decision in decisions if isinstance(decision, i.Offer)]


def run(engine: Engine, now: int) -> int:
    """Ticks until nothing is due at once any more; returns how often that took."""
    ticks = 0
    while (due := engine.next_deadline()) is not None and due <= now + 10:
        engine.handle(i.Tick(), due)
        ticks += 1
    return ticks


def test_many_contacts_move_slice_by_slice() -> None:
    engine = crowded()
    assert engine.next_deadline() is None
    engine.handle(i.QueueChanged(QueueSpec("support", {"billing": 2})), NOW)
    classes = engine._index.queues["support"].classes.values()
    assert sorted(one.population for one in classes) == [SLICE, MANY - SLICE]
    assert run(engine, NOW) == 2
    check_indexes(engine)
    assert sorted(one.population for one in classes) == [0, MANY]
    assert comes(engine, "bob", NOW + 20) == []
    assert comes(engine, "ann", NOW + 20) == ["c0", "c1", "c2"]


def test_a_contact_that_leaves_before_its_turn_does_not_come_back() -> None:
    engine = crowded()
    engine.handle(i.QueueChanged(QueueSpec("support", priority=2)), NOW)
    last = f"c{MANY - 1}"
    engine.handle(i.Dequeued(last, abandoned=True), NOW)
    engine.handle(i.QueueChanged(QueueSpec("other")), NOW)
    moved = f"c{MANY - 2}"
    engine.handle(i.Enqueued(moved, "chat", "other", NOW - 2_000), NOW)
    run(engine, NOW)
    check_indexes(engine)
    assert engine.position(last) is None
    assert engine.position(moved) == 1
    counters = engine.counters("support")
    assert counters is not None and counters.waiting == MANY - 2


def test_an_edit_in_the_middle_of_a_move_is_the_one_that_counts() -> None:
    engine = crowded()
    engine.handle(i.QueueChanged(QueueSpec("support", {"billing": 2})), NOW)
    engine.handle(i.QueueChanged(QueueSpec("support", relax=(RelaxStep(3_600_000, {}),))), NOW)
    run(engine, NOW)
    check_indexes(engine)
    assert comes(engine, "bob", NOW + 20) == ["c0", "c1", "c2"]


def test_a_queue_that_is_removed_in_the_middle_of_a_move_holds_everybody_aside() -> None:
    engine = crowded()
    engine.handle(i.QueueChanged(QueueSpec("support", {"billing": 2})), NOW)
    told = engine.handle(i.QueueRemoved("support"), NOW)
    assert len(told) == MANY and all(isinstance(decision, i.Overflow) for decision in told)
    assert run(engine, NOW) == 0
    check_indexes(engine)
    engine.handle(i.QueueChanged(QueueSpec("support")), NOW)
    assert comes(engine, "bob", NOW) == ["c0", "c1", "c2"]


def test_another_strategy_or_cost_moves_nobody() -> None:
    engine = crowded()
    engine.handle(i.QueueChanged(QueueSpec("support", strategy=Strategy.RANDOM, costs={"chat": 50})), NOW)
    assert run(engine, NOW) == 0
    check_indexes(engine)
    assert comes(engine, "bob", NOW) == ["c0", "c1"]
