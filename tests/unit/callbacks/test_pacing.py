"""Calling customers ahead of agents: how sure it has to be that one is free, and how few are ever let down."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub.callbacks import machine as cm
from hub.callbacks.machine import step
from hub.callbacks.model import ENDED, ON_THE_LINE, Callback, Policy, Result, State
from hub.callbacks.opening import Opening
from hub.callbacks.pacing import RISK, SPAN_MS, WINDOW_MS, Office, Rate, answers_within_s, plan, soon_free

ALWAYS, POLICY = Opening(), Policy(longest_ms=10**12)
AGENTS = 6


@dataclass
class Customer:
    """His one callback, and what becomes of its contact."""

    callback: Callback
    has_agent: bool = False


class AnyOffice(RuleBasedStateMachine):
    """Customers of one queue, agents who come and go, a network that does as it likes; calls go by `plan`."""

    @initialize(limit=st.sampled_from([0.03, 0.1, 0.34]))
    def opens(self, limit: float) -> None:
        self.limit, self.now = limit, 10**12
        self.customers: list[Customer] = []
        self.busy = 0

    # --- what is known of the queue, reckoned anew each time ----------------------------------------------------------

    def rate(self) -> Rate:
        ended = [attempt for who in self.customers for attempt in who.callback.attempts]
        persons = [a for a in ended if a.result in (Result.REACHED, Result.UNSERVED) and a.at >= self.now - WINDOW_MS]
        risked = [who for who in self.of(State.DIALLING, State.RINGING) if who.callback.attempts[-1].ahead]
        return Rate(
            len(persons),
            sum(a.result is Result.UNSERVED for a in persons),
            sum(a.at >= self.now + SPAN_MS - WINDOW_MS for a in persons),
            len(risked),
            sum(who.callback.attempts[-1].answered_at is not None for who in risked),
        )

    def of(self, *states: State) -> list[Customer]:
        return [who for who in self.customers if who.callback.state in states]

    def take(self, who: Customer, input: cm.Input) -> None:
        who.callback = step(who.callback, input, POLICY, ALWAYS, self.now)

    def free(self) -> int:
        served = len(self.of(State.CONNECTING, State.TALKING)) + sum(who.has_agent for who in self.customers)
        return max(0, AGENTS - self.busy - served)

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 5))
    def ask(self, count: int) -> None:
        for _ in range(count):
            who = Customer(Callback(f"cb_{len(self.customers)}", number=f"+4930{len(self.customers):06}"))
            self.take(who, cm.Ask(self.now))
            self.customers.append(who)

    @rule(count=st.integers(2, 8))
    def many_come_one_after_the_other(self, count: int) -> None:
        for _ in range(count):
            self.ask(1)
            self.is_looked_at()

    @rule()
    def is_looked_at(self) -> None:
        """As `Keeper` and `Ahead` do."""
        for who in self.of(State.SCHEDULED):
            let_down = any(attempt.result is Result.UNSERVED for attempt in who.callback.attempts)
            self.take(who, cm.Due(ahead=not let_down and not self.rate().over(self.limit)))
        rate, ready = self.rate(), [who for who in self.of(State.QUEUED) if who.callback.ahead]
        waiting = sum(not who.callback.ahead for who in self.of(State.QUEUED)) + rate.on_hold
        office = Office(self.free(), self.busy, 180.0, waiting, rate.at_risk - rate.on_hold)
        wanted = plan(office, rate, len(ready), self.limit, 6.0)
        assert wanted.ahead + wanted.agent_first <= len(ready)
        if rate.over(self.limit):
            assert (wanted.ahead, wanted.agent_first, wanted.why) == (0, len(ready), "limit")
        if office.free > office.waiting + office.calling and ready:
            assert wanted.ahead + wanted.agent_first > 0, "an agent sits idle beside somebody who wants to be called"
        for who in ready[: wanted.ahead]:
            self.take(who, cm.Place())
        for who in ready[wanted.ahead : wanted.ahead + wanted.agent_first]:
            self.take(who, cm.AgentFirst())

    @precondition(lambda self: self.of(State.DIALLING, State.RINGING))
    @rule(data=st.data(), result=st.sampled_from([Result.NO_ANSWER, Result.MACHINE, Result.BUSY, Result.INTERRUPTED]))
    def the_network_ends_it(self, data: st.DataObject, result: Result) -> None:
        who = data.draw(st.sampled_from(self.of(State.DIALLING, State.RINGING)))
        who.has_agent = False
        self.take(who, cm.Ended(result))

    @precondition(lambda self: self.of(State.DIALLING, State.RINGING))
    @rule(data=st.data())
    def answers(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.of(State.DIALLING, State.RINGING)))
        self.take(who, cm.Answered() if who.callback.attempts[-1].ahead else cm.Talks())
        who.has_agent = False if who.callback.attempts[-1].ahead else who.has_agent

    @rule()
    def all_answer_and_nobody_comes(self) -> None:
        for who in self.of(State.DIALLING, State.RINGING):
            if who.callback.attempts[-1].ahead:
                self.take(who, cm.Answered())
                self.take(who, cm.Ended(Result.UNSERVED))

    @rule(count=st.integers(1, 40))
    def others_are_reached(self, count: int) -> None:
        """A good day: so many were called by agents who had them, and talked."""
        self.ask(count)
        for who in self.customers[-count:]:
            for input in (cm.Due(), cm.Accepted("us_bob"), cm.Place(), cm.Talks(), cm.Ended(Result.REACHED)):
                self.take(who, input)

    @precondition(lambda self: self.free() > 0)
    @rule()
    def an_agent_takes_the_next(self) -> None:
        held = [
            who for who in self.of(State.DIALLING, State.RINGING) if who.callback.attempts[-1].answered_at is not None
        ]
        first = [who for who in self.of(State.QUEUED) if not who.callback.ahead]
        if held:
            self.take(held[0], cm.Talks("us_ada"))
        elif first:
            self.take(first[0], cm.Accepted("us_ada"))
            self.take(first[0], cm.Place())
            first[0].has_agent = True

    @precondition(lambda self: self.of(State.TALKING))
    @rule(data=st.data())
    def hangs_up(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.of(State.TALKING)))
        who.has_agent = False
        self.take(who, cm.Ended(Result.REACHED))

    @rule(busy=st.integers(0, AGENTS))
    def agents_have_other_work(self, busy: int) -> None:
        self.busy = busy

    @rule(by=st.sampled_from([1_000, 120_000, 20 * 60_000, 6 * 3_600_000, WINDOW_MS - 60_000]))
    def time_passes(self, by: int) -> None:
        """No call that is ahead of an agent lasts for longer than `SPAN_MS` without one."""
        for who in self.of(State.DIALLING, State.RINGING):
            attempt = who.callback.attempts[-1]
            if attempt.ahead and attempt.at + SPAN_MS <= self.now + by:
                self.take(who, cm.Ended(Result.NO_ANSWER))
                self.at_most_one_above_the_limit()
        self.now += by

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def one_live_call_for_each_customer(self) -> None:
        for who in self.customers:
            open_ = [attempt for attempt in who.callback.attempts if attempt.result is None]
            assert len(open_) == (who.callback.state in ON_THE_LINE)

    @invariant()
    def at_most_one_above_the_limit(self) -> None:
        """Each time that somebody is let down, and even if all who are called now were."""
        rate = self.rate()
        came = [attempt for who in self.customers for attempt in who.callback.attempts if attempt.ended_at == self.now]
        if any(attempt.result is Result.UNSERVED for attempt in came):
            assert rate.abandoned <= self.limit * rate.answered + 1 + 1e-6

    def teardown(self) -> None:
        """Agents have time, and nobody ever answers again: every callback ends."""
        if not hasattr(self, "customers"):
            return
        self.busy = 0
        for _ in range(400):
            for who in self.of(*ON_THE_LINE):
                who.has_agent = False
                talks = who.callback.state is State.TALKING
                self.take(who, cm.Ended(Result.REACHED if talks else Result.NO_ANSWER))
            if not [who for who in self.customers if who.callback.state not in ENDED]:
                return
            self.now += 60 * 60_000
            self.is_looked_at()
            for _ in range(AGENTS):
                if self.free() > 0:
                    self.an_agent_takes_the_next()
        raise AssertionError([who.callback for who in self.customers if who.callback.state not in ENDED])


TestAnyOffice = AnyOffice.TestCase


@given(st.integers(0, 60), st.integers(1, 600), st.integers(0, 60))
def test_so_many_agents_are_free_all_but_certainly(busy: int, handle_s: int, within_s: int) -> None:
    found = soon_free(Office(2, busy, handle_s), within_s) - 2
    chance = 1 - exp(-within_s / handle_s)

    def fewer_than(count: int) -> float:
        return sum(comb(busy, n) * chance**n * (1 - chance) ** (busy - n) for n in range(count))

    assert 0 <= found <= busy
    assert fewer_than(found) <= RISK + 1e-6
    if found < busy:
        assert fewer_than(found + 1) > RISK - 1e-6, "and not one less than are"


def test_who_talks_is_counted_only_among_many() -> None:
    assert soon_free(Office(0, 1, 180), 6) == 0
    assert soon_free(Office(0, 10, 180), 6) == 0
    assert soon_free(Office(0, 100, 180), 6) == 1
    assert 280 < soon_free(Office(0, 10_000, 180), 6) < 326, "a little less than the 328 that are expected"
    assert soon_free(Office(3, 0, 180), 6) == 3


@pytest.mark.parametrize(
    ("rate", "room"),
    [
        (Rate(), 1),  # nothing is known: one after the other
        (Rate(at_risk=1), 0),
        (Rate(100, 0, 100), 4),
        (Rate(100, 2, 100), 2),
        (Rate(100, 3, 100), 0),  # at the limit
        (Rate(1000, 3, 1000, 10), 18),
        (Rate(1000, 3, 50, 0), 0),  # most of them are forgotten before it is known what becomes of a new one
    ],
)
def test_how_many_may_be_risked_at_three_in_a_hundred(rate: Rate, room: int) -> None:
    assert rate.room(0.03) == room


def test_what_is_planned() -> None:
    known = Rate(1000, 0, 1000)
    assert plan(Office(3, 0, 180), known, 5, 0.03, 6).ahead == 3
    assert plan(Office(3, 0, 180, waiting=2), known, 5, 0.03, 6).ahead == 1
    assert plan(Office(3, 0, 180, calling=3), known, 5, 0.03, 6).ahead == 0
    # The limit lets only one be called so; the other agents are asked as ever.
    new = plan(Office(3, 0, 180), Rate(), 5, 0.03, 6)
    assert (new.ahead, new.agent_first, new.why) == (1, 2, "")
    over = plan(Office(3, 0, 180), Rate(10, 1, 10), 5, 0.03, 6)
    assert (over.ahead, over.agent_first, over.why) == (0, 5, "limit")
    assert plan(Office(0, 0, 180), Rate(), 5, 0.03, 6) == plan(Office(0, 3, 180), Rate(), 5, 0.03, 6)


def test_in_which_time_customers_answer() -> None:
    assert answers_within_s([]) == answers_within_s([60.0] * 9) == 6.0
    assert answers_within_s([float(n) for n in range(20)]) == 5.0
