"""The small parts: the sorted list, the deadlines, the estimate, the specs."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.deadlines import Deadlines
from routing.estimate import FEWEST_ABANDONED, MEMORY, TERMS, Figures, estimate_wait
from routing.inputs import Enqueued
from routing.ordered import LIMIT, Ordered
from routing.specs import AgentSpec, ChannelRules, QueueSpec, RelaxStep


@given(st.lists(st.integers(0, 40)))
def test_ordered_is_a_sorted_list(numbers: list[int]) -> None:
    ordered: Ordered[tuple[int]] = Ordered()
    plain: list[tuple[int]] = []
    for number in numbers:
        entry = (number,)
        if entry in plain:
            ordered.remove(entry)
            plain.remove(entry)
        else:
            ordered.add(entry)
            plain = sorted([*plain, entry])
        assert ordered.head == (plain[0] if plain else None)
        assert len(ordered) == len(plain)
        assert ordered.rank(entry) == sum(other < entry for other in plain)
    assert list(ordered) == plain


@pytest.mark.parametrize("step", [1, -1, 7])
def test_ordered_splits_and_joins_its_chunks(step: int) -> None:
    count = 8 * LIMIT + 3
    numbers = [at * step % count for at in range(count)]
    ordered: Ordered[tuple[int]] = Ordered()
    for number in numbers:
        ordered.add((number,))
    assert list(ordered) == [(number,) for number in range(count)]
    assert [ordered.rank((number,)) for number in range(0, count, 97)] == list(range(0, count, 97))
    for number in numbers[::2]:
        ordered.remove((number,))
    left = sorted(numbers[1::2])
    assert list(ordered) == [(number,) for number in left]
    assert all(len(chunk) <= LIMIT for chunk in ordered._chunks)
    for number in left:
        assert ordered.head == (number,)
        ordered.remove((number,))
    assert ordered.head is None and not ordered._chunks and not ordered._maxima


def test_ordered_does_not_remove_what_it_does_not_hold() -> None:
    ordered: Ordered[tuple[int]] = Ordered()
    with pytest.raises(KeyError):
        ordered.remove((5,))
    ordered.add((5,))
    for missing in ((1,), (9,)):
        with pytest.raises(KeyError):
            ordered.remove(missing)
    assert list(ordered) == [(5,)]


def test_deadlines_come_up_in_order_and_once() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for subject, due in (("b", 20), ("a", 10), ("c", 20), ("a", 30)):
        deadlines.set(subject, due)
    assert deadlines.next() == 20 and deadlines.due("a") == 30
    assert list(deadlines.pop_due(25)) == ["b", "c"]
    deadlines.cancel("a")
    deadlines.cancel("a")
    assert deadlines.next() is None and len(deadlines) == 0 and deadlines.due("a") is None


def test_deadlines_set_while_they_come_up() -> None:
    deadlines: Deadlines[int] = Deadlines()
    deadlines.set(1, 1)
    seen = []
    for subject in deadlines.pop_due(3):
        seen.append(subject)
        deadlines.set(subject + 1, subject + 1)
    assert seen == [1, 2, 3] and deadlines.next() == 4


def test_deadlines_do_not_grow_with_what_was_cancelled() -> None:
    deadlines: Deadlines[int] = Deadlines()
    for number in range(10_000):
        deadlines.set(number % 10, number)
    assert len(deadlines._heap) < 200
    assert [deadlines.due(subject) for subject in range(10)] == list(range(9_990, 10_000))
    for number in range(10_000, 20_000):
        deadlines.set(number, number)
    for number in range(10_000, 20_000):
        deadlines.cancel(number)
    assert len(deadlines._heap) < 200 and len(deadlines) == 10 and deadlines.next() == 9_990


@pytest.mark.parametrize(
    ("ahead", "servers", "patience_s", "wait_s"),
    [
        (0, 1, None, 300.0),
        (4, 2, None, 750.0),
        (0, 3, 60.0, 100.0),
        (1, 1, 300.0, 300.0 + 150.0),
        (2, 1, 300.0, 300.0 + 150.0 + 100.0),
        (5, 0, 60.0, None),
    ],
)
def test_estimate(ahead: int, servers: int, patience_s: float | None, wait_s: float | None) -> None:
    assert estimate_wait(ahead, servers, 300.0, patience_s) == (None if wait_s is None else pytest.approx(wait_s))


@pytest.mark.parametrize("ahead", [TERMS - 1, TERMS, TERMS + 1, 10 * TERMS, 20_000])
@pytest.mark.parametrize(("servers", "patience_s"), [(1, 5.0), (1, 3_000.0), (400, 60.0)])
def test_estimate_of_a_long_queue_equals_its_sum(ahead: int, servers: int, patience_s: float) -> None:
    exact = sum(1 / (servers / 300 + i / patience_s) for i in range(ahead + 1))
    assert estimate_wait(ahead, servers, 300.0, patience_s) == pytest.approx(exact, rel=1e-9)


def test_estimate_grows_with_the_place() -> None:
    waits = [estimate_wait(ahead, 3, 200.0, 90.0) or 0.0 for ahead in range(3 * TERMS)]
    assert waits == sorted(waits) and waits[0] > 0


def test_handle_time_goes_from_the_expected_to_the_measured() -> None:
    figures = Figures()
    assert figures.mean_handle_s(240_000) == 240
    for _ in range(10):
        figures.add_handled(120_000)
    assert figures.mean_handle_s(240_000) == pytest.approx(180)
    for _ in range(10 * MEMORY):
        figures.add_handled(60_000)
    assert figures.handled == MEMORY
    assert figures.mean_handle_s(240_000) == pytest.approx((10 * 240 + MEMORY * 60) / (10 + MEMORY), rel=1e-4)


def test_patience_counts_those_who_were_answered_too() -> None:
    figures = Figures()
    assert figures.mean_patience_s() is None
    for _ in range(FEWEST_ABANDONED):
        figures.add_waited(30_000, abandoned=True)
        figures.add_waited(60_000, abandoned=False)
    assert figures.mean_patience_s() == pytest.approx(90)
    for _ in range(10 * MEMORY):
        figures.add_waited(10_000, abandoned=True)
    assert figures.mean_patience_s() == pytest.approx(10, rel=0.01)


def test_a_clock_that_ran_backwards_measures_nothing_negative() -> None:
    figures = Figures()
    figures.add_handled(-5)
    figures.add_waited(-5, abandoned=True)
    assert (figures.handle_ms, figures.waited_ms) == (0, 0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: QueueSpec("q", {"sales": 6}), "queue q: skills.sales: expected a level 1-5, got 6"),
        (
            lambda: QueueSpec("q", {"sales": 2}, (RelaxStep(1, {"sales": 3}),)),
            "queue q: relax[0].skills.sales: a step only ever widens; expected at most 2, got 3",
        ),
        (
            lambda: QueueSpec("q", {"sales": 2}, (RelaxStep(1, {}), RelaxStep(2, {"sales": 1}))),
            "queue q: relax[1].skills.sales: a step only ever widens; expected at most 0, got 1",
        ),
        (
            lambda: QueueSpec("q", {"sales": 2}, (RelaxStep(9, {}), RelaxStep(9, {}))),
            "queue q: relax[1].after_ms: expected more than 9, got 9",
        ),
        (lambda: QueueSpec("q", offer_ms={"chat": 0}), "queue q: offer_ms.chat: expected at least 1, got 0"),
        (lambda: QueueSpec("q", quantum_ms=-1), "queue q: quantum_ms: expected at least 0, got -1"),
        (lambda: AgentSpec("a", capacity=0), "agent a: capacity: expected at least 1, got 0"),
        (lambda: AgentSpec("a", {"sales": 0}), "agent a: skills.sales: expected a level 1-5, got 0"),
        (lambda: AgentSpec("a", maxima={"chat": -1}), "agent a: maxima.chat: expected at least 0, got -1"),
        (lambda: ChannelRules(0, 1, 1), "channel: cost: expected at least 1, got 0"),
        (lambda: ChannelRules(1, 1, 1, maximum=-1), "channel: maximum: expected at least 0, got -1"),
        (
            lambda: Enqueued("c", "chat", "q", 0, only_agent="a"),
            "contact c: only_agent and only_until go together",
        ),
    ],
)
def test_a_mistake_names_its_path(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == said
