"""A customer's page is rung before his telephone: answered, refused, missed; and never both at once."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_values import AGENT, CUSTOMER, Sound, Stage, Way
from hub.model import Phase
from tests.unit.voice.story import LIMITS, Line

RING_MS = v.RingPage(True).ring_ms


def ringing(*, phone: bool = True) -> Line:
    """The agent's audio is there, and the customer's page rings."""
    line = Line(Way.CALLBACK)
    line.give(v.Screen(True, "hang_up"), v.RingPage(phone=phone))
    line.join()
    assert line.did(v.Place) == [v.Place()]
    line.give(v.PageRings())
    return line


def test_the_page_rings_and_the_agent_hears_it() -> None:
    line = ringing()
    call = line.call
    assert (call.customer_state, call.agent_state, line.heard(AGENT)[-1]) == ("incoming", "ringing", Sound.RINGING)
    assert call.rings_until == line.now + RING_MS
    assert line.timeline().count("call.ringing") == 1
    line.give(v.PageRings())
    assert line.timeline().count("call.ringing") == 1


def test_who_answers_at_his_page_talks_at_once() -> None:
    line = ringing()
    line.give(v.PageTaken("tab1"))
    assert (line.call.customer_state, line.call.rings_until) == ("ringing", None)
    line.wait(RING_MS - 1)  # the browser asks for the microphone
    line.give(v.LegMade(CUSTOMER), v.LegUp(CUSTOMER))
    assert (line.call.stage, line.contact.phase) == (Stage.SERVED, Phase.ACTIVE)
    assert line.heard(CUSTOMER) == [Sound.OTHER], "nobody is told what he knows, nor taken for a machine"
    assert (line.call.customer_state, line.call.by_web) == ("active", True)
    line.wait(LIMITS.ring_ms + RING_MS)
    assert line.did(v.Place) == [v.Place()]
    assert not line.call.over


def test_a_talk_at_the_page_goes_on_in_a_new_leg_and_ends_when_none_comes() -> None:
    line = ringing()
    line.give(v.PageTaken("tab1"), v.LegMade(CUSTOMER), v.LegUp(CUSTOMER), v.LegLost(CUSTOMER, "closed"))
    line.give(v.LegMade(CUSTOMER), v.LegUp(CUSTOMER))
    assert line.heard(CUSTOMER)[-1] is Sound.OTHER
    line.give(v.LegLost(CUSTOMER, "closed"))
    line.wait(LIMITS.rejoin_ms)
    assert line.did(v.Close)[0].cause == "lost"
    assert (line.did(v.HangUp), line.did(v.Refuse)) == ([], [])


def test_only_one_window_answers() -> None:
    line = ringing()
    line.give(v.PageTaken("tab1"), v.PageTaken("tab2"))
    assert line.call.page.by == "tab1"


def test_nobody_answers_at_the_page_so_the_phone_is_called_afterwards() -> None:
    line = ringing()
    line.wait(RING_MS)
    assert line.did(v.Place) == [v.Place(), v.Place()]
    assert (line.call.customer_state, line.call.rings_until) == ("ended", None)
    assert line.done.index(v.DropLeg(CUSTOMER)) < len(line.done) - 1 - line.done[::-1].index(v.Place())
    # What comes from the page now is too late.
    line.give(v.PageTaken("tab1"), v.LegMade(CUSTOMER), v.LegUp(CUSTOMER))
    assert line.call.stage is Stage.DIALLING
    line.give(v.CustomerRings(), v.CustomerAnswered(), v.Heard("human"), v.Played(1))
    assert (line.call.stage, line.contact.phase, line.call.by_web) == (Stage.SERVED, Phase.ACTIVE, False)
    assert line.call.customer_state == "ended", "his page has nothing to do with it any more"


def test_an_answer_whose_audio_never_comes_is_none() -> None:
    line = ringing()
    line.give(v.PageTaken("tab1"))
    line.wait(LIMITS.take_ms)
    assert len(line.did(v.Place)) == 2


def test_without_a_telephone_it_is_no_answer() -> None:
    line = ringing(phone=False)
    line.wait(RING_MS)
    (closed,) = line.did(v.Close)
    assert (closed.by, closed.cause, closed.status) == ("system", "no_answer", 408)
    assert line.did(v.Place) == [v.Place()]
    assert line.contact.phase is Phase.WRAPPING


def test_not_now_is_no_for_his_telephone_too() -> None:
    line = ringing()
    line.give(v.CustomerLeft("rejected"))
    (closed,) = line.did(v.Close)
    assert (closed.by, closed.cause) == (CUSTOMER, "rejected")
    assert line.did(v.Place) == [v.Place()]


def test_a_page_that_is_gone_is_passed_over() -> None:
    line = Line(Way.CALLBACK)
    line.give(v.RingPage(phone=True))
    line.join()
    line.give(v.PageMissed())
    assert line.did(v.Place) == [v.Place(), v.Place()]
    assert "call.ringing" not in line.timeline()


def test_who_answers_on_his_page_confirms_nothing_and_at_the_telephone_he_does() -> None:
    def rings() -> Line:
        line = Line(Way.CALLBACK)
        line.give(v.Screen(False, "connect", confirm=True), v.RingPage(phone=True))
        line.join()
        line.give(v.PageRings())
        return line

    there = rings()
    there.give(v.PageTaken("tab1"), v.LegUp(CUSTOMER))
    assert there.call.stage is Stage.SERVED
    called = rings()
    called.give(v.PageMissed(), v.CustomerAnswered())
    assert (called.call.stage, called.heard(CUSTOMER)[-1]) == (Stage.SCREENED, Sound.CONFIRM)
    called.give(v.Pressed("1"))
    assert called.call.stage is Stage.SERVED


def test_whose_page_rings_is_not_called_ahead_of_an_agent() -> None:
    line = Line(Way.CALLBACK)
    line.give(v.RingPage(phone=True), v.Screen(False, "connect", 15_000))
    assert (line.call.stage, line.call.ahead, line.did(v.Place)) == (Stage.SETUP, False, [])
