"""A called customer is told why he is called and may refuse; a machine that answers is left, or left a message."""

from __future__ import annotations

import pytest

from channels.voice import call_values as v
from channels.voice.call_values import AGENT, CUSTOMER, Sound, Stage, Way
from hub.model import Phase
from tests.unit.voice.story import LIMITS, Line


def answered(*, announce: bool = False, machine: str = "connect") -> Line:
    """The agent's audio is there, the customer's phone was called and is picked up."""
    line = Line(Way.CALLBACK)
    line.give(v.Screen(announce, machine))
    line.join()
    assert line.did(v.Place) == [v.Place()]
    line.give(v.CustomerRings(), v.CustomerAnswered())
    return line


def test_without_either_both_talk_at_once() -> None:
    line = answered()
    assert (line.call.stage, line.heard(CUSTOMER), line.contact.phase) == (Stage.SERVED, [Sound.OTHER], Phase.ACTIVE)
    line.give(v.Pressed("9"))
    assert line.did(v.NeverCall) == []


def test_he_hears_why_he_is_called_before_he_is_put_through() -> None:
    line = answered(announce=True)
    assert (line.heard(CUSTOMER)[-1], line.heard(AGENT)[-1]) == (Sound.ANNOUNCEMENT, Sound.OTHER)
    assert (line.contact.phase, line.call.agent_state) == (Phase.CONNECTING, "ringing")
    line.give(v.Pressed("5"), v.Played(line.says().token))
    assert (line.heard(CUSTOMER)[-1], line.contact.phase) == (Sound.OTHER, Phase.ACTIVE)
    line.give(v.Pressed("9"))
    assert line.did(v.NeverCall) == [], "in the talk it is a key as any other"


def test_nine_ends_this_call_and_all_further_ones() -> None:
    line = answered(announce=True)
    line.give(v.Pressed("9"))
    assert line.did(v.NeverCall) == [v.NeverCall()]
    assert (line.heard(CUSTOMER)[-1], line.call.stage) == (Sound.NEVER, Stage.LEAVING)
    assert line.contact.phase in (Phase.WRAPPING, Phase.CLOSED)
    line.give(v.Pressed("9"), v.Played(line.says().token))
    assert line.did(v.Close) == [v.Close(CUSTOMER, "never_call")]
    assert len(line.did(v.NeverCall)) == 1


def test_an_announcement_that_never_ends_is_taken_as_said() -> None:
    line = answered(announce=True)
    line.wait(LIMITS.said_ms)
    assert line.contact.phase is Phase.ACTIVE


def test_a_person_is_put_through_and_a_machine_is_not() -> None:
    line = answered(machine="hang_up")
    assert (line.did(v.Listen), line.heard(CUSTOMER)) == ([v.Listen()], [Sound.SILENCE])
    line.give(v.Heard("human"))
    assert line.contact.phase is Phase.ACTIVE
    line = answered(machine="hang_up")
    line.give(v.Heard("machine"))
    assert line.did(v.Close) == [v.Close("system", "machine")]
    assert line.did(v.Connect) == []


def test_a_machine_gets_its_message_when_it_is_ready() -> None:
    line = answered(machine="message", announce=True)
    line.give(v.Heard("machine"))
    assert line.heard(CUSTOMER) == [Sound.SILENCE]
    line.give(v.Heard("clear"))
    assert line.heard(CUSTOMER)[-1] is Sound.MESSAGE
    line.give(v.Played(line.says().token))
    assert line.did(v.Close) == [v.Close("system", "machine")]


@pytest.mark.parametrize(("machine", "announce"), [("hang_up", False), ("message", True)])
def test_who_is_not_made_out_is_taken_for_a_person(machine: str, announce: bool) -> None:
    line = answered(machine=machine, announce=announce)
    line.wait(LIMITS.listen_ms)
    assert line.heard(CUSTOMER)[-1] is (Sound.ANNOUNCEMENT if announce else Sound.OTHER)


def test_a_machine_that_never_comes_to_its_end_is_spoken_to() -> None:
    line = answered(machine="message")
    line.give(v.Heard("machine"))
    line.wait(LIMITS.machine_ms)
    assert line.heard(CUSTOMER)[-1] is Sound.MESSAGE


def test_who_hangs_up_while_he_is_told_has_not_talked() -> None:
    line = answered(announce=True)
    line.give(v.CustomerLeft("bye"))
    assert line.did(v.Close) == [v.Close(CUSTOMER, "bye")]


def asked() -> Line:
    """He answered, and is asked whether he wanted to be called."""
    line = Line(Way.CALLBACK)
    line.give(v.Screen(False, "connect", confirm=True))
    line.join()
    line.give(v.CustomerRings(), v.CustomerAnswered())
    assert (line.heard(CUSTOMER), line.contact.phase) == ([Sound.CONFIRM], Phase.CONNECTING)
    return line


def test_who_says_that_he_asked_for_it_is_put_through() -> None:
    line = asked()
    line.give(v.Pressed("1"))
    assert (line.call.stage, line.heard(CUSTOMER)[-1], line.contact.phase) == (Stage.SERVED, Sound.OTHER, Phase.ACTIVE)


def test_who_says_nothing_is_not_put_through() -> None:
    line = asked()
    line.give(v.Pressed("5"), v.Played(line.says().token))
    assert (line.call.stage, line.heard(CUSTOMER)[-1]) == (Stage.SCREENED, Sound.SILENCE)
    line.wait(LIMITS.confirm_ms)
    assert line.did(v.Close) == [v.Close("system", "not_confirmed")]
    assert Sound.OTHER not in line.heard(CUSTOMER)
    line = asked()
    line.give(v.Pressed("9"))
    assert line.did(v.NeverCall) == [v.NeverCall()]


def test_who_is_called_ahead_of_an_agent_waits_for_one_once_he_said_so() -> None:
    line = Line(Way.CALLBACK, ahead_ms=15_000)
    line.give(v.Screen(False, "connect", 15_000, confirm=True), v.CustomerRings(), v.CustomerAnswered())
    assert (line.did(v.Await), line.contact.phase) == ([], Phase.CLOSED)
    line.give(v.Pressed("1"))
    assert (line.did(v.Await), line.contact.phase, line.call.stage) == ([v.Await()], Phase.QUEUED, Stage.WAITING)
    line.wait(15_000)
    assert line.contact.abandoned
