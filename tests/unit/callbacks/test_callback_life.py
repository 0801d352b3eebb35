"""The callback machine: any story, as a random walk, and the clock that brings each of them to an end."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from hub.callbacks import machine as cm
from hub.callbacks.machine import TABLE, counted, result_of, step
from hub.callbacks.model import ENDED, LIVING, ON_THE_LINE, Callback, Policy, Result, State
from hub.callbacks.opening import Opening, callee_hours
from hub.errors import Refused

MINUTE, HOUR, DAY = 60_000, 3_600_000, 24 * 3_600_000
MONDAY = int(datetime(2026, 3, 23, 9, 0, tzinfo=UTC).timestamp() * 1000)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
POLICY = Policy()
ALWAYS = Opening()
results = st.sampled_from(Result)


def local(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone))


def may_ring(at: int, zone: str) -> bool:
    """Monday to Saturday, 8 to 20 o'clock there, reckoned without our calendars."""
    here = local(at, zone)
    return here.weekday() < 6 and time(8) <= here.time() < time(20)


class AnyLife(RuleBasedStateMachine):
    """Two callbacks of one customer, whose number is one; a hub that can die between any two steps."""

    @initialize(zone=st.sampled_from(ZONES), confirm=st.booleans(), later=st.integers(0, 3 * DAY))
    def ask(self, zone: str, confirm: bool, later: int) -> None:
        self.zone = zone
        self.now = MONDAY
        self.opening = Opening(callee_hours(POLICY, (zone,)))
        self.calls: list[int] = []  # when his phone was called
        self.callback = Callback("cb_1", number="+4930123456", zones=(zone,))
        self.take(cm.Ask(self.now + later, confirm))

    def take(self, input: cm.Input) -> bool:
        before = self.callback
        try:
            after = step(before, input, POLICY, self.opening, self.now)
        except Refused:
            assert self.callback is before
            return False
        assert before.state in TABLE[type(input)]
        assert after.version in (before.version, before.version + 1)
        assert (after == before) == (after.version == before.version)
        if isinstance(input, cm.Place | cm.Fall) and after.state is State.DIALLING:
            assert may_ring(self.now, self.zone)
            if isinstance(input, cm.Fall):
                # In the same attempt, and only when his page rings no more.
                assert before.at_page and not after.at_page and after.attempts == before.attempts
            else:
                assert before.state is State.CONNECTING
                self.calls.append(self.now)
        if before.state in ENDED:
            assert after == before
        self.callback = after
        return True

    @rule(by=st.integers(1, 12 * HOUR))
    def time_passes(self, by: int) -> None:
        self.now += by

    @rule(ahead=st.booleans())
    def until_something_is_due(self, ahead: bool) -> None:
        if self.callback.next_at is not None:
            self.now = max(self.now, self.callback.next_at)
            self.take(cm.Due(ahead=ahead))

    @rule()
    def the_clock_is_asked(self) -> None:
        self.take(cm.Due())

    @rule(
        input=st.one_of(
            st.just(cm.Confirm()),
            st.just(cm.CallNow()),
            st.builds(cm.Give, st.none() | st.just("us_ada")),
            st.builds(cm.Accepted, st.sampled_from(["us_ada", "us_bob"]), st.sampled_from([0, 20_000])),
            st.builds(cm.Dial, st.sampled_from(["us_ada", "us_bob"])),
            st.just(cm.Lost()),
            st.builds(cm.Place, st.just(0), st.booleans()),
            st.just(cm.Fall()),
            st.just(cm.AgentFirst()),
            st.just(cm.Rings()),
            st.just(cm.Answered()),
            st.builds(cm.Talks, st.sampled_from(["", "us_ada"])),
            st.builds(cm.Told, results),
            st.builds(cm.Ended, results, st.none() | st.sampled_from([408, 486, 603]), st.integers(0, 90_000)),
            st.builds(cm.Postpone, st.just("trunk")),
            st.just(cm.StillOn()),
        )
    )
    def something_happens(self, input: cm.Input) -> None:
        self.take(input)

    @rule(later=st.none() | st.integers(MINUTE, DAY), by=st.sampled_from(["us_ada", "us_bob"]))
    def put_off(self, later: int | None, by: str) -> None:
        attempts = self.callback.attempts
        at = None if later is None else self.now + later
        if self.take(cm.PutOff(by, at, "asked for it")):
            # Whoever is not called now is called by nobody else meanwhile, and it is no attempt.
            assert self.callback.attempts == attempts
            assert self.callback.agent is None
            assert self.callback.next_at is None or at is None or self.callback.next_at >= at

    @rule(later=st.integers(0, 14 * DAY))
    def moved(self, later: int) -> None:
        self.take(cm.Move(self.now + later))

    @precondition(lambda self: self.callback.state in LIVING)
    @rule(input=st.sampled_from([cm.CalledIn(), cm.Close("abandoned"), cm.Cancel("customer")]))
    def not_wanted_any_more(self, input: cm.Input) -> None:
        self.take(input)

    @invariant()
    def there_is_a_next_time_exactly_while_it_lives(self) -> None:
        found = self.callback
        assert (found.next_at is None) == (found.state in ENDED) == (found.ended_at is not None)

    @invariant()
    def only_who_accepted_has_a_preview(self) -> None:
        found = self.callback
        assert found.preview_until is None or (found.state is State.CONNECTING and found.agent is not None)

    @invariant()
    def only_who_is_on_the_line_is_rung_at_his_page(self) -> None:
        assert not self.callback.at_page or self.callback.state in ON_THE_LINE

    def only_what_waits_for_an_agent_is_ahead_of_one(self) -> None:
        found = self.callback
        assert not found.ahead or (found.state is State.QUEUED and found.agent is None)
        for attempt in found.attempts:
            assert attempt.ahead or (attempt.agent and attempt.answered_at is None)
            # Who answered and talked to nobody was let down, whatever else is said of it.
            if attempt.result is Result.UNSERVED:
                assert attempt.answered_at is not None or not attempt.ahead

    @invariant()
    def attempts_are_bounded_and_one_at_a_time(self) -> None:
        attempts = self.callback.attempts
        assert len(attempts) == len(self.calls)
        assert counted(self.callback) <= POLICY.attempts
        assert len(attempts) <= POLICY.attempts + POLICY.postponements
        # All but the last one are over: his phone never rings twice at once.
        assert all(attempt.result is not None for attempt in attempts[:-1])
        if self.callback.state in ON_THE_LINE:
            assert attempts[-1].result is None
        # And between an end and the next call there is that cause's delay.
        for one, other in pairwise(attempts):
            assert one.ended_at is not None
            assert other.at >= one.ended_at

    def teardown(self) -> None:
        """Whatever was, the clock alone ends it: agents accept or not, nobody ever answers."""
        if not hasattr(self, "callback"):
            return
        agents = self.now % 2 == 0
        for _ in range(20 * (POLICY.attempts + POLICY.postponements)):
            if self.callback.state in ENDED:
                return
            assert self.callback.next_at is not None
            if self.callback.state is not State.QUEUED:
                self.now = max(self.now, self.callback.next_at)
            match self.callback.state:
                case State.DIALLING | State.RINGING | State.TALKING:
                    assert self.take(cm.Ended(Result.INTERRUPTED))
                case State.CONNECTING:
                    assert self.take(cm.Place())
                case State.QUEUED if agents and self.opening.is_open(self.now):
                    assert self.take(cm.Place() if self.callback.ahead else cm.Accepted("us_ada"))
                case _:
                    self.now = max(self.now, self.callback.next_at)
                    before = self.callback
                    assert self.take(cm.Due())
                    assert self.callback != before, "something was due and nothing happened"
        raise AssertionError(f"it never ends: {self.callback}")


TestAnyLife = AnyLife.TestCase


def asked(at: int = MONDAY, opening: Opening = ALWAYS, **values: Any) -> Callback:
    return step(Callback("cb_1", number="+4930123456", **values), cm.Ask(at), POLICY, opening, MONDAY)


def after(callback: Callback, *inputs: cm.Input, now: int = MONDAY, opening: Opening = ALWAYS) -> Callback:
    for input in inputs:
        callback = step(callback, input, POLICY, opening, now)
    return callback


def called(now: int = MONDAY, callback: Callback | None = None, opening: Opening = ALWAYS) -> Callback:
    found = callback or asked()
    return after(found, cm.Due(), cm.Accepted("us_ada"), cm.Place(), now=now, opening=opening)


@pytest.mark.parametrize(
    ("result", "minutes"), [(Result.BUSY, 5), (Result.NO_ANSWER, 30), (Result.MACHINE, 120), (Result.REJECTED, 120)]
)
def test_the_next_attempt_follows_from_the_cause(result: Result, minutes: int) -> None:
    ended = after(called(), cm.Ended(result), now=MONDAY + 1000)
    assert (ended.state, ended.next_at) == (State.SCHEDULED, MONDAY + 1000 + minutes * MINUTE)
    assert ended.reason == str(result)


def test_the_third_attempt_is_the_last() -> None:
    callback = asked()
    for _ in range(3):
        assert callback.next_at is not None
        now = callback.next_at
        callback = after(called(now, callback), cm.Rings(), cm.Ended(Result.NO_ANSWER), now=now)
    assert (callback.state, callback.reason, len(callback.attempts)) == (State.CLOSED, "attempts", 3)
    assert callback.age == MONDAY, "each time at the age it had first"


def test_who_has_accepted_reads_before_the_call_is_made() -> None:
    queued = after(asked(), cm.Due())
    reading = after(queued, cm.Accepted("us_ada", 20_000))
    assert (reading.preview_until, reading.next_at) == (MONDAY + 20_000, MONDAY + 20_000)
    assert after(reading, cm.Due(), now=MONDAY + 19_999) == reading
    assert after(reading, cm.Due(), now=MONDAY + 20_000).preview_until is None
    calling = after(reading, cm.Dial("us_ada"))
    assert (calling.state, calling.preview_until) == (State.CONNECTING, None)
    assert after(calling, cm.Dial("us_ada")) == calling
    # He was quicker than the log's reader.
    assert after(queued, cm.Dial("us_ada")).agent == "us_ada"


def test_who_does_not_call_now_puts_it_off_or_gives_it_back() -> None:
    reading = after(asked(), cm.Due(MONDAY - HOUR), cm.Give("us_ada"), cm.Accepted("us_ada", 20_000))
    later = after(reading, cm.PutOff("us_ada", MONDAY + HOUR, "wants the boss"))
    assert (later.state, later.next_at, later.reason) == (State.SCHEDULED, MONDAY + HOUR, "put_off")
    assert (later.why, later.attempts, later.age) == ("wants the boss", (), MONDAY - HOUR)
    given_back = after(reading, cm.PutOff("us_ada"))
    assert (given_back.state, given_back.agent, given_back.only_agent) == (State.QUEUED, None, None)
    for late in (after(reading, cm.Dial("us_ada")), after(reading, cm.Due(), now=MONDAY + 20_000)):
        with pytest.raises(Refused) as refused:
            after(late, cm.PutOff("us_ada"))
        assert refused.value.code == "callback.dialled"
    with pytest.raises(Refused):
        after(reading, cm.PutOff("us_bob"))


def test_what_is_put_off_for_too_long_is_given_up() -> None:
    reading = after(asked(), cm.Due(), cm.Accepted("us_ada", 20_000))
    assert after(reading, cm.PutOff("us_ada", MONDAY + 8 * DAY)).reason == "expired"


def at_page(**values: Any) -> Callback:
    asks = asked(page=True, visitor="vi_1", **values)
    return after(asks, cm.Due(), cm.Accepted("us_ada"), cm.Place(page=True), cm.Rings())


def test_in_one_attempt_the_page_rings_and_then_the_phone() -> None:
    rings = at_page()
    assert (rings.state, rings.at_page, len(rings.attempts)) == (State.RINGING, True, 1)
    falls = after(rings, cm.Fall())
    assert (falls.state, falls.at_page, len(falls.attempts)) == (State.DIALLING, False, 1)
    with pytest.raises(Refused):
        after(falls, cm.Fall())
    ended = after(falls, cm.Ended(Result.NO_ANSWER))
    assert (ended.state, ended.next_at, counted(ended)) == (State.SCHEDULED, MONDAY + 30 * MINUTE, 1)


def test_a_page_alone_has_no_phone_to_fall_to() -> None:
    rings = step(replace(at_page(), number=""), cm.StillOn(), POLICY, ALWAYS, MONDAY + 1)
    assert rings.callee == "page:vi_1"
    with pytest.raises(Refused):
        after(rings, cm.Fall())
    ended = after(rings, cm.Ended(Result.NO_ANSWER))
    assert (ended.state, ended.reason, ended.at_page) == (State.SCHEDULED, "no_answer", False)


def test_no_phone_is_called_after_its_hours_though_the_page_rang_within() -> None:
    opening = Opening(callee_hours(POLICY, ("Europe/Berlin",)))
    evening = int(datetime(2026, 3, 24, 18, 59, tzinfo=UTC).timestamp() * 1000)  # 19:59 there
    rings = after(asked(opening=opening, page=True), cm.Due(), cm.Accepted("us_ada"), now=evening, opening=opening)
    rings = after(rings, cm.Place(page=True), now=evening, opening=opening)
    with pytest.raises(Refused) as refused:
        after(rings, cm.Fall(), now=evening + MINUTE, opening=opening)
    assert refused.value.code == "callback.hours"


def test_who_is_called_ahead_of_an_agent_is_offered_to_none() -> None:
    waits = after(asked(), cm.Due(MONDAY - HOUR, ahead=True))
    assert (waits.state, waits.ahead, waits.age) == (State.QUEUED, True, MONDAY - HOUR)
    for input in (cm.Accepted("us_ada"), cm.Dial("us_ada"), cm.PutOff("us_ada")):
        with pytest.raises(Refused):
            after(waits, input)
    called_first = after(waits, cm.Place(7))
    (attempt,) = called_first.attempts
    assert (called_first.state, attempt.ahead, attempt.agent, attempt.since) == (State.DIALLING, True, "", 7)
    talks = after(called_first, cm.Rings(), cm.Answered(), cm.Talks("us_ada"), now=MONDAY + 5_000)
    assert (talks.agent, talks.attempts[0].agent, talks.attempts[0].answered_at) == ("us_ada", "us_ada", MONDAY + 5_000)
    # An agent who comes first after all is asked as ever, and then nobody is called without him.
    first = after(waits, cm.AgentFirst())
    assert after(first, cm.Accepted("us_ada")).state is State.CONNECTING
    with pytest.raises(Refused):
        after(first, cm.Place())
    with pytest.raises(Refused):
        after(called(), cm.Answered())


def test_whose_page_rings_first_is_never_called_ahead_of_an_agent() -> None:
    waits = after(asked(page=True, visitor="vi_1"), cm.Due(ahead=True))
    assert (waits.state, waits.ahead) == (State.QUEUED, False)
    with pytest.raises(Refused):
        after(waits, cm.Place())
    with pytest.raises(Refused):
        after(after(asked(), cm.Due(ahead=True)), cm.Place(page=True))


@pytest.mark.parametrize("result", [Result.REJECTED, Result.NO_ANSWER, Result.INTERRUPTED, Result.UNSERVED])
def test_who_answered_and_met_nobody_was_let_down(result: Result) -> None:
    waits = after(asked(), cm.Due(ahead=True), cm.Place(), cm.Answered())
    ended = after(waits, cm.Ended(result))
    assert (ended.state, ended.reason, ended.attempts[0].result) == (State.SCHEDULED, "unserved", Result.UNSERVED)
    assert ended.next_at == MONDAY + 5 * MINUTE
    machine = after(waits, cm.Ended(Result.MACHINE))
    assert machine.attempts[0].result is Result.MACHINE
    unanswered = after(asked(), cm.Due(ahead=True), cm.Place(), cm.Ended(Result.NO_ANSWER))
    assert unanswered.attempts[0].result is Result.NO_ANSWER


def test_what_was_not_confirmed_is_not_tried_again() -> None:
    ended = after(called(), cm.Ended(Result.NOT_CONFIRMED))
    assert (ended.state, ended.reason) == (State.CLOSED, "not_confirmed")
    for by, cause in (("customer", "bye"), ("system", "not_confirmed"), ("network", "silent")):
        assert result_of(by, cause, None, talked=False, rang=True, unconfirmed=True) is Result.NOT_CONFIRMED
    assert result_of("system", "machine", None, talked=False, rang=True, unconfirmed=True) is Result.MACHINE


def test_a_wrong_number_is_not_tried_again() -> None:
    ended = after(called(), cm.Ended(Result.WRONG_NUMBER, 404))
    assert (ended.state, ended.reason) == (State.CLOSED, "wrong_number")


def test_what_the_agent_heard_goes_before_what_the_network_says() -> None:
    ended = after(called(), cm.Talks(), cm.Told(Result.MACHINE), cm.Ended(Result.REACHED, None, 9000))
    assert (ended.state, ended.attempts[0].result) == (State.SCHEDULED, Result.MACHINE)


def test_a_trunk_that_is_down_costs_the_customer_no_attempt() -> None:
    ended = after(called(), cm.Ended(Result.UNREACHABLE, 503))
    assert (ended.state, counted(ended), ended.postponed, ended.reason) == (State.SCHEDULED, 0, 1, "unreachable")
    waiting = after(asked(), cm.Due(), cm.Postpone("trunk"))
    assert (waiting.state, waiting.reason, waiting.attempts) == (State.SCHEDULED, "trunk", ())


def test_hours_that_end_while_it_waits_postpone_it_at_its_age() -> None:
    opening = Opening(callee_hours(POLICY, ("Europe/Berlin",)))
    evening = int(datetime(2026, 3, 24, 18, 59, tzinfo=UTC).timestamp() * 1000)  # 19:59 there
    queued = after(asked(opening=opening), cm.Due(), now=evening, opening=opening)
    assert queued.next_at == evening + MINUTE
    late = after(queued, cm.Due(), now=evening + MINUTE, opening=opening)
    assert (late.state, late.age, late.reason) == (State.SCHEDULED, evening, "hours")
    assert late.next_at is not None
    assert local(late.next_at, "Europe/Berlin").isoformat() == "2026-03-25T08:00:00+01:00"


def test_who_accepts_too_late_calls_nobody() -> None:
    opening = Opening(callee_hours(POLICY, ("Europe/Berlin",)))
    evening = int(datetime(2026, 3, 24, 18, 59, tzinfo=UTC).timestamp() * 1000)
    accepted = after(asked(opening=opening), cm.Due(), cm.Accepted("us_ada"), now=evening, opening=opening)
    placed = after(accepted, cm.Place(), now=evening + MINUTE, opening=opening)
    assert (placed.state, placed.attempts) == (State.SCHEDULED, ())


def test_nobody_is_called_now_outside_the_hours() -> None:
    opening = Opening(callee_hours(POLICY, ("Asia/Shanghai",)))
    night = int(datetime(2026, 3, 24, 18, 0, tzinfo=UTC).timestamp() * 1000)  # 2 o'clock there
    callback = asked(opening=opening)
    with pytest.raises(Refused, match="at this time"):
        after(callback, cm.CallNow(), now=night, opening=opening)
    with pytest.raises(Refused, match="at that time"):
        after(callback, cm.Move(night), now=MONDAY, opening=opening)


def test_a_talk_cannot_be_cancelled_and_an_end_is_final() -> None:
    with pytest.raises(Refused):
        after(called(), cm.Talks(), cm.Cancel("customer"))
    cancelled = after(asked(), cm.Cancel("customer"))
    for input in (cm.Due(), cm.Accepted("us_ada"), cm.CallNow(), cm.Cancel("customer")):
        with pytest.raises(Refused) as refused:
            after(cancelled, input)
        assert refused.value.details == {"state": "cancelled"}


def test_it_is_given_up_when_no_agent_is_there_for_a_week() -> None:
    opening = Opening(callee_hours(POLICY, ("Europe/Berlin",)))
    callback = asked(opening=opening)
    while callback.next_at is not None:
        callback = after(callback, cm.Due(), now=callback.next_at, opening=opening)
    assert (callback.state, callback.reason, callback.attempts) == (State.CLOSED, "expired", ())


def test_number_that_nobody_may_call_at_any_time() -> None:
    never = Opening(callee_hours(replace(POLICY, hours={}), ("Europe/Berlin",)))
    assert asked(opening=never).reason == "no_hours"


@pytest.mark.parametrize(
    ("by", "cause", "status", "talked", "result"),
    [
        ("customer", "bye", None, True, Result.REACHED),
        ("network", "busy", 486, False, Result.BUSY),
        ("network", "declined", 603, False, Result.REJECTED),
        ("network", "gone", 404, False, Result.WRONG_NUMBER),
        ("network", "unreachable", 503, False, Result.UNREACHABLE),
        ("system", "no_answer", 408, False, Result.NO_ANSWER),
        ("system", "interrupted", None, False, Result.INTERRUPTED),
        ("us_ada", "closed", None, False, Result.NO_ANSWER),
    ],
)
def test_what_an_ended_call_says(by: str, cause: str, status: int | None, talked: bool, result: Result) -> None:
    assert result_of(by, cause, status, talked=talked, rang=True) is result


def test_a_network_that_says_nothing_has_rung_nobody() -> None:
    assert result_of("network", "no_answer", 408, talked=False, rang=False) is Result.UNREACHABLE
    assert result_of("network", "no_answer", 408, talked=False, rang=True) is Result.NO_ANSWER
    assert result_of("system", "no_answer", 408, talked=False, rang=False) is Result.NO_ANSWER, "we gave up waiting"
    assert result_of("system", "machine", None, talked=False, rang=True) is Result.MACHINE
