"""The simulated time, contact by contact, with times that are known beforehand."""

from __future__ import annotations

import pytest

from routing.simulation.demand import Arrival, Leg
from routing.simulation.statistics import outcome
from routing.simulation.tally import Tally
from routing.specs import OverflowReason, QueueSpec
from tests.unit.simulation.cases import S, here, play


def call(
    at_s: int,
    handle_s: int = 60,
    *,
    queue: str = "q",
    patience_s: int | None = None,
    wrap_up_s: int = 0,
    answer_s: int = 0,
) -> Arrival:
    patience = None if patience_s is None else patience_s * S
    return Arrival(at_s * S, "voice", (Leg(queue, handle_s * S, wrap_up_s * S, answer_s * S),), patience)


def waits(tally: Tally) -> tuple[int, int, int]:
    """(answered, gave up, waited in all by those answered in s)."""
    cells = [cell for batches in tally.cells.values() for cell in batches]
    return (
        sum(cell.answered for cell in cells),
        sum(cell.abandoned for cell in cells),
        sum(cell.wait_ms for cell in cells) // S,
    )


def level(areas: list[float]) -> list[float]:
    """The mean in each minute."""
    return [area / 60 / S for area in areas]


def test_first_come_first_served() -> None:
    tally = play([call(0), call(10), call(20)], [here()])
    assert waits(tally) == (3, 0, 50 + 100)
    figures = outcome([tally]).total
    assert figures.p_wait == pytest.approx(2 / 3)
    assert figures.service_level == pytest.approx(1 / 3)
    assert figures.asa_s == 50
    assert level(tally.busy.areas)[:4] == [1, 1, 1, 0]
    assert level(tally.waiting.areas)[:3] == [pytest.approx((50 + 40) / 60), 1, 0]
    assert figures.occupancy == pytest.approx(3 / 60)


def test_the_impatient_leave() -> None:
    tally = play([call(0), call(10, patience_s=30), call(20)], [here()])
    assert waits(tally) == (2, 1, 40)


def test_wrap_up_keeps_the_agent_and_the_queue_ends_it() -> None:
    assert waits(play([call(0, wrap_up_s=20), call(0)], [here()])) == (2, 0, 80)
    short = QueueSpec("q", wrap_up_ms=5 * S)
    assert waits(play([call(0, wrap_up_s=20), call(0)], [here()], [short])) == (2, 0, 65)


def test_answering_takes_time_within_the_offer() -> None:
    assert waits(play([call(0, answer_s=7)], [here()])) == (1, 0, 7)
    figures = outcome([play([call(0, answer_s=7)], [here()])]).total
    assert figures.p_wait == 0


def test_who_lets_an_offer_pass_is_out_until_he_is_back() -> None:
    """The offer ends after 20 s (voice); the other agent takes the call then."""
    slow, quick = here("a", miss=1.0, back_ms=30 * S), here("b")
    # b is busy from 0 to 60, a misses the second call from 1 to 21 and again from 51 to 60 at least.
    tally = play([call(0), call(0)], [slow, quick])
    assert tally.missed >= 1
    assert waits(tally)[:2] == (2, 0)


def test_declined_calls_go_to_others() -> None:
    tally = play([call(0), call(1)], [here("a", decline=1.0), here("b")])
    assert waits(tally) == (2, 0, 59)
    assert tally.declined >= 1


def test_agent_finishes_what_he_has_after_his_shift() -> None:
    tally = play([call(0, 120), call(10)], [here(until=60 * S)])
    assert waits(tally) == (1, 0, 0)
    assert level(tally.staffed.areas)[:4] == [1, 1, 0, 0]
    assert outcome([tally]).total.occupancy == 1.0


def test_a_shift_begins_and_those_waiting_are_served() -> None:
    agent = here()
    late = type(agent)(agent.spec, ((100 * S, agent.presence[0][1]),))
    assert waits(play([call(0), call(10)], [late])) == (2, 0, 100 + 150)


def test_a_transferred_contact_is_served_twice_and_counted_once() -> None:
    legs = (Leg("q", 60 * S), Leg("other", 30 * S))
    agents = [here("a", skills={"q": 1}), here("b", skills={"other": 1})]
    queues = [QueueSpec("q", {"q": 1}), QueueSpec("other", {"other": 1})]
    tally = play([Arrival(0, "voice", legs)], agents, queues)
    assert waits(tally) == (1, 0, 0)
    assert list(tally.cells) == [("q", "voice")]
    assert sum(tally.busy.areas) == 90 * S


def test_full_queue_turns_contacts_away_or_to_another() -> None:
    full = ("q", OverflowReason.QUEUE_FULL)
    queues = [QueueSpec("q", {"q": 1}, max_length=1), QueueSpec("other")]
    agents = [here("a", skills={"q": 1}), here("b")]
    three = [call(0), call(1), call(2)]
    away = outcome([play(three, agents[:1], queues, {full: None})]).total
    assert away.answered == 2
    assert away.overflowed == pytest.approx(1 / 3)
    moved = play(three, agents, queues, {full: "other"})
    assert waits(moved) == (3, 0, 59)
    # Without a rule for it a full queue grows on.
    assert waits(play(three, agents[:1], queues)) == (3, 0, 59 + 118)


def test_priority_overtakes() -> None:
    urgent = Arrival(20 * S, "voice", (Leg("q", 60 * S),), patience_ms=45 * S, priority=5)
    assert waits(play([call(0), call(10), urgent], [here()])) == (3, 0, 40 + 110)
    plain = Arrival(20 * S, "voice", (Leg("q", 60 * S),), patience_ms=45 * S)
    assert waits(play([call(0), call(10), plain], [here()]))[:2] == (2, 1)


def test_chats_share_an_agents_time() -> None:
    chats = [Arrival(0, "chat", (Leg(queue, 60 * S),)) for queue in ("q", "other")]
    tally = play(chats, [here()], [QueueSpec("q"), QueueSpec("other")])
    found = outcome([tally])
    assert found.total.occupancy == pytest.approx(1 / 60)
    assert [figures.occupancy for figures in found.queues.values()] == [pytest.approx(0.5 / 60)] * 2


def test_what_never_comes_to_an_end_is_left() -> None:
    assert waits(play([call(0)], [here(miss=1.0)])) == (0, 0, 0)
    assert waits(play([call(0)], [here(decline=1.0)])) == (0, 0, 0)
    # Who wrote is not sent away, and the engine asks for it again and again.
    rule = ("q", OverflowReason.WAIT)
    queue = QueueSpec("q", {"none": 1}, overflow={OverflowReason.WAIT: 5 * S})
    mail = Arrival(0, "email", (Leg("q", 60 * S),))
    assert waits(play([mail], [here()], [queue], {rule: None})) == (0, 0, 0)
    assert outcome([play([call(0)], [here()], [queue], {rule: None})]).total.overflowed == 1.0


def test_nobody_there() -> None:
    figures = outcome([play([call(0), call(1, patience_s=9)], [])]).total
    assert (figures.offered, figures.answered, figures.occupancy, figures.asa_s) == (2, 0, None, None)
    assert figures.abandoned == 0.5
