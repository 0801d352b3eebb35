"""Consent as the customer gives it: the session's machine, case by case and in whatever order things come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.cobrowse import session as s
from channels.cobrowse.codes import GOOD_MS, MOST, MOST_WRONG, Codes
from channels.cobrowse.session import Capability, Ending, Limits, Pages, Pause, Session, Stage, decide, evolve
from hub.errors import Forbidden, HubError, NotFound, Refused, Unavailable

LIMITS = Limits()
ASK = s.Ask("s1", "co1", "demo", "agent", "visitor", frozenset({Capability.VIEW, Capability.POINT}))


def after(*commands: s.Command, start: Session | None = None, now: int = 1_000) -> Session:
    session = start or Session()
    for command in commands:
        for event in decide(session, command, now, LIMITS):
            session = evolve(session, event)
    return session


def answer(*capabilities: Capability) -> s.Answer:
    return s.Answer("visitor", frozenset(capabilities))


SHARED = after(ASK, answer(Capability.VIEW, Capability.POINT))


def test_nothing_is_seen_before_the_customer_has_allowed_it() -> None:
    asked = after(ASK)
    assert asked.stage is Stage.ASKED
    assert not any(asked.may(capability) for capability in Capability)
    assert SHARED.may(Capability.VIEW) and SHARED.may(Capability.POINT) and not SHARED.may(Capability.TYPE)


@pytest.mark.parametrize("allowed", [(), (Capability.POINT,)])
def test_without_seeing_there_is_no_sharing(allowed: tuple[Capability, ...]) -> None:
    assert after(ASK, answer(*allowed)).ending is Ending.REFUSED


def test_only_what_was_asked_can_be_allowed() -> None:
    with pytest.raises(Refused):
        decide(after(ASK), answer(Capability.VIEW, Capability.CLICK), 1_000, LIMITS)
    with pytest.raises(Refused):
        decide(SHARED, answer(Capability.CLICK), 1_000, LIMITS)


def test_more_is_asked_for_and_answered_on_its_own() -> None:
    more = after(
        s.Ask("", "", "", "agent", None, frozenset({Capability.VIEW, Capability.TYPE, Capability.CLICK})), start=SHARED
    )
    assert (
        more.asked == {Capability.TYPE, Capability.CLICK}
        and not more.may(Capability.TYPE)
        and more.may(Capability.VIEW)
    )
    assert after(answer(Capability.TYPE), start=more).granted == {Capability.VIEW, Capability.POINT, Capability.TYPE}
    refused = after(answer(), start=more)
    assert refused.granted == SHARED.granted and refused.stage is Stage.SHARED and not refused.asked
    late = after(s.Tick(), start=more, now=1_000 + LIMITS.answer_ms)
    assert late.granted == SHARED.granted and late.stage is Stage.SHARED


def test_what_is_taken_back_is_gone() -> None:
    assert after(s.Revoke("visitor", frozenset({Capability.POINT})), start=SHARED).granted == {Capability.VIEW}
    assert after(s.Revoke("visitor", frozenset({Capability.VIEW})), start=SHARED).ending is Ending.STOPPED


def test_pauses_end_when_no_reason_is_left() -> None:
    paused = after(s.Hold("visitor", True), s.Page("visitor", False), s.Away(), start=SHARED)
    assert paused.stage is Stage.PAUSED and paused.pauses == {Pause.CUSTOMER, Pause.PAGE, Pause.AWAY}
    assert not paused.may(Capability.VIEW)
    assert after(s.Page("visitor", True), start=paused).pauses == {Pause.CUSTOMER}
    assert after(s.Page("visitor", True), s.Hold("visitor", False), start=paused).may(Capability.VIEW)


@pytest.mark.parametrize(
    ("start", "at", "ending"),
    [
        (after(ASK), 1_000 + LIMITS.answer_ms, Ending.UNANSWERED),
        (SHARED, 1_000 + LIMITS.share_ms, Ending.EXPIRED),
        (after(s.Away(), start=SHARED), 1_000 + LIMITS.away_ms, Ending.LOST),
        (after(s.Hold("visitor", True), start=SHARED), 1_000 + LIMITS.pause_ms, Ending.EXPIRED),
    ],
)
def test_nothing_lasts_for_ever(start: Session, at: int, ending: Ending) -> None:
    assert s.deadline(start, LIMITS) == at
    assert after(s.Tick(), start=start, now=at - 1) == start
    assert after(s.Tick(), start=start, now=at).ending is ending


def test_an_answer_after_its_time_is_none() -> None:
    assert after(answer(Capability.VIEW), start=after(ASK), now=1_000 + LIMITS.answer_ms).ending is Ending.UNANSWERED


def test_the_next_agent_sees_and_asks_for_the_rest() -> None:
    taken = after(s.Transfer("other"), start=SHARED)
    assert taken.agent == "other" and taken.granted == {Capability.VIEW}
    with pytest.raises(Forbidden):
        decide(taken, s.Stop("agent"), 1_000, LIMITS)
    assert after(s.Transfer("other"), start=after(ASK)).ending is Ending.LEFT


def test_a_customer_on_the_phone_joins_by_a_code() -> None:
    asked = after(s.Ask("s1", "co1", "demo", "agent", None, frozenset({Capability.VIEW})))
    assert s.deadline(asked, LIMITS) == 1_000 + LIMITS.code_ms
    with pytest.raises(Forbidden):
        decide(asked, answer(Capability.VIEW), 1_000, LIMITS)
    again = after(s.Ask("s2", "co1", "demo", "agent", None, frozenset({Capability.POINT})), start=asked)
    assert again.id == "s1" and again.asked == {Capability.VIEW, Capability.POINT}, "another code, the same sharing"
    with pytest.raises(Refused):
        decide(asked, s.Enter("visitor", "shop"), 1_000 + LIMITS.code_ms, LIMITS)
    joined = after(s.Enter("visitor", "shop"), start=asked)
    assert joined.site == "shop", "whose pages are kept to itself is the page's site to say"
    assert after(s.Ask("s2", "co1", "demo", "agent", None, frozenset()), start=joined) == joined
    assert joined.stage is Stage.ASKED and not joined.may(Capability.VIEW)
    with pytest.raises(Refused):
        decide(joined, s.Enter("thief", "shop"), 1_000, LIMITS)
    assert after(answer(Capability.VIEW), start=joined).may(Capability.VIEW)


def test_a_customer_may_offer_it_himself() -> None:
    offered = after(s.Offer("s1", "co1", "demo", "agent", "visitor", frozenset()))
    assert offered.granted == {Capability.VIEW} and offered.stage is Stage.SHARED


COMMANDS = st.one_of(
    st.builds(
        s.Ask,
        *(st.just("s1"), st.just("co1"), st.just("demo"), st.sampled_from(["agent", "other"])),
        st.sampled_from(["visitor", None]),
        st.frozensets(st.sampled_from(Capability)),
    ),
    st.builds(s.Enter, st.sampled_from(["visitor", "thief"]), st.just("demo")),
    st.builds(s.Answer, st.sampled_from(["visitor", "thief"]), st.frozensets(st.sampled_from(Capability))),
    st.builds(s.Revoke, st.sampled_from(["visitor", "thief"]), st.frozensets(st.sampled_from(Capability))),
    st.builds(s.Hold, st.sampled_from(["visitor", "thief"]), st.booleans()),
    st.builds(s.Page, st.sampled_from(["visitor", "thief"]), st.booleans()),
    st.builds(s.Stop, st.sampled_from(["visitor", "agent", "other", "thief"])),
    st.builds(s.Transfer, st.sampled_from(["agent", "other"])),
    st.builds(s.Over, st.sampled_from([Ending.CONTACT, Ending.SITE])),
    st.builds(s.Watch, st.sampled_from(["agent", "other", "lead"])),
    st.builds(s.Unwatch, st.sampled_from(["agent", "other", "lead"])),
    st.just(s.Away()),
    st.just(s.Tick()),
)


@given(st.lists(st.tuples(COMMANDS, st.integers(0, 700_000)), max_size=40))
def test_whatever_comes_the_customer_decides(steps: list[tuple[s.Command, int]]) -> None:
    session, now, events = Session(), 0, []
    asked_since: frozenset[Capability] = frozenset()  # all that was ever asked
    for command, pause in steps:
        now += pause
        before = session
        try:
            told = decide(session, command, now, LIMITS)
        except HubError:
            continue
        for event in told:
            events.append(event)
            session = evolve(session, event)
            if isinstance(event, s.Asked):
                asked_since |= event.capabilities
        assert session.granted <= asked_since
        gained = session.granted - before.granted
        assert not gained or (isinstance(command, s.Answer) and command.visitor == before.visitor)
        if before.visitor is not None:
            assert session.visitor == before.visitor
        if before.stage is Stage.ENDED:
            assert session == before
        assert (session.stage in s.LIVE) == bool(session.granted)
        assert session.stage in s.LIVE or not session.watchers
        assert session.watchers - before.watchers <= ({command.by} if isinstance(command, s.Watch) else set())
        assert (session.stage is Stage.PAUSED) == bool(session.pauses)
        # Whatever is under way has an end, and after its time there is nothing more to say.
        if session.stage in (Stage.ASKED, *s.LIVE):
            due = s.deadline(session, LIMITS)
            assert due is not None
            late = session
            for event in itertools.chain.from_iterable(decide(late, s.Tick(), due, LIMITS) for _ in range(1)):
                late = evolve(late, event)
            assert late != session
        assert (session.ending is not None) == (session.stage is Stage.ENDED)
    folded = Session()
    for event in events:
        folded = evolve(folded, event)
    assert folded == session


@pytest.mark.parametrize(
    ("off", "url", "shared"),
    [
        ((), "https://shop.example/a?b#c", True),
        (("/account*",), "https://shop.example/account/cards?x=1", False),
        (("/account*",), "https://shop.example/tea", True),
        (("/pay",), "https://shop.example/PAY/", False),
        (("/pay",), "https://shop.example/pay/later", True),
        (("*/pay/*",), "https://shop.example/de/pay/now", False),
        (("/*secret*",), "https://shop.example/a/secret", False),
        (("https://bank.example/*",), "https://bank.example/x", False),
        (("https://bank.example/*",), "https://shop.example/x", True),
        (("*",), "https://shop.example/", False),
        (("/a*a",), "https://shop.example/a", True),
        ((), "file:///etc/passwd", False),
        ((), "", False),
    ],
)
def test_pages_that_are_not_shared(off: tuple[str, ...], url: str, shared: bool) -> None:
    assert Pages(True, off).shared(url) is shared
    assert not Pages(False, off).shared(url)


def test_a_code_is_good_once_for_its_site_and_time() -> None:
    codes, draws = Codes(), iter([42, 42, 43, 44])
    first = codes.issue("s1", "demo", 0, lambda: next(draws))
    second = codes.issue("s2", "demo", 0, lambda: next(draws))
    assert (first, second) == ("000042", "000043")
    for site, now in [("other", 1), ("demo", GOOD_MS)]:
        with pytest.raises(NotFound):
            codes.redeem(first, site, now)
    assert codes.redeem("000 042", "demo", 1) == "s1"
    with pytest.raises(NotFound):
        codes.redeem(first, "demo", 1)
    codes.issue("s2", "demo", 0, lambda: next(draws))
    with pytest.raises(NotFound):
        codes.redeem(second, "demo", 1)
    assert codes.redeem("000044", "demo", 1) == "s2"


def test_a_code_of_no_site_is_good_at_any() -> None:
    codes = Codes()
    assert codes.redeem(codes.issue("c1", "", 0, lambda: 7), "shop", 1) == "c1"


def test_a_code_bears_so_many_wrong_guesses_at_its_site() -> None:
    codes, draws = Codes(), itertools.count()
    shop, other, anywhere = (codes.issue(f"c-{site}", site, 0, lambda: next(draws)) for site in ("shop", "other", ""))
    for _ in range(MOST_WRONG - 1):
        codes.guessed("shop")
    assert codes.of("c-shop", 1) == shop
    codes.guessed("shop")
    assert codes.of("c-shop", 1) is None and codes.of("c-", 1) is None
    for guess in (shop, anywhere):
        with pytest.raises(NotFound):
            codes.redeem(guess, "shop", 1)
    assert codes.redeem(other, "other", 1) == "c-other"


def test_a_code_of_another_node_is_good_here_unless_it_is_ours_as_well() -> None:
    codes = Codes()
    codes.learn("000001", "c1", "shop", GOOD_MS)
    codes.learn("000002", "c1", "shop", GOOD_MS)
    assert (codes.of("c1", 1), codes.of("c1", GOOD_MS)) == ("000002", None)
    assert codes.redeem("000002", "shop", 1) == "c1"
    codes.issue("c2", "shop", 0, lambda: 3)
    codes.learn("000003", "c3", "shop", GOOD_MS)
    assert codes.of("c2", 1) is codes.of("c3", 1) is None, "whose it is, nobody knows"


def test_there_are_few_codes_at_a_time() -> None:
    codes, number = Codes(), itertools.count()
    for n in range(MOST):
        codes.issue(f"s{n}", "demo", 0, lambda: next(number))
    with pytest.raises(Unavailable):
        codes.issue("more", "demo", 1, lambda: next(number))
    codes.issue("later", "demo", GOOD_MS, lambda: next(number))
