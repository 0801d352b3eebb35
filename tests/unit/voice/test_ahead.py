"""Customers who are called ahead of an agent: who answers hears why, waits for one, and not for long."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_values import CUSTOMER, Sound, Stage, Way
from hub.model import Phase
from tests.unit.voice.story import LIMITS, Line

WAIT_MS = 15_000


def called(machine: str = "connect") -> Line:
    line = Line(Way.CALLBACK, ahead_ms=WAIT_MS)
    line.give(v.Screen(False, machine, WAIT_MS))
    assert (line.call.stage, line.did(v.Place)) == (Stage.DIALLING, [v.Place()]), "no agent is waited for"
    assert line.contact.phase is Phase.CLOSED
    line.give(v.CustomerRings())
    return line


def answered() -> Line:
    line = called()
    line.give(v.CustomerAnswered())
    assert (line.heard(CUSTOMER), line.contact.phase) == ([Sound.ANNOUNCEMENT], Phase.QUEUED)
    return line


def test_who_answers_hears_why_and_gets_the_next_agent() -> None:
    line = answered()
    line.give(v.Played(line.says().token))
    assert (line.call.stage, line.heard(CUSTOMER)[-1]) == (Stage.WAITING, Sound.MUSIC)
    line.offer_and_accept()
    line.join()
    assert (line.contact.phase, line.heard(CUSTOMER)[-1]) == (Phase.ACTIVE, Sound.OTHER)
    line.wait(WAIT_MS * 2)
    assert line.contact.phase is Phase.ACTIVE, "who talks waits no more"


def test_an_agent_who_is_quick_waits_until_it_was_said() -> None:
    line = answered()
    line.offer_and_accept()
    line.join()
    assert (line.call.stage, line.contact.phase) == (Stage.SCREENED, Phase.CONNECTING)
    line.give(v.Played(line.says().token))
    assert (line.call.stage, line.contact.phase) == (Stage.SERVED, Phase.ACTIVE)


def test_whom_nobody_serves_in_time_is_told_that_he_is_called_back() -> None:
    line = answered()
    line.give(v.Played(line.says().token))
    line.wait(WAIT_MS)
    assert (line.contact.abandoned, line.contact.ended_by) == (True, "system")
    assert (line.call.stage, line.heard(CUSTOMER)[-1]) == (Stage.LEAVING, Sound.KEPT)
    line.give(v.Played(line.says().token))
    assert line.did(v.Close) == [v.Close("system", "no_agent")]
    assert line.did(v.HangUp) != []


def test_an_agent_who_took_him_and_does_not_come_is_the_last() -> None:
    line = answered()
    line.give(v.Played(line.says().token))
    line.offer_and_accept()
    line.wait(WAIT_MS)
    assert line.call.stage is Stage.SERVED, "somebody has him"
    line.wait(LIMITS.connect_ms)
    assert line.contact.abandoned
    assert line.heard(CUSTOMER)[-1] is Sound.KEPT


def test_who_hangs_up_while_he_waits_leaves_nobody_in_the_queue() -> None:
    line = answered()
    line.give(v.CustomerLeft("bye"))
    assert (line.contact.phase, line.contact.ended_by) == (Phase.CLOSED, CUSTOMER)
    (closed,) = line.did(v.Close)
    assert (closed.by, closed.cause) == (CUSTOMER, "bye")


def test_who_does_not_answer_never_was_in_the_queue() -> None:
    line = called()
    line.wait(LIMITS.ring_ms)
    assert (line.contact.phase, line.did(v.End), line.did(v.Await)) == (Phase.CLOSED, [], [])
    assert line.did(v.Close) == [v.Close("system", "no_answer", 408)]


def test_a_machine_is_found_out_within_two_seconds_or_taken_for_a_person() -> None:
    line = called("hang_up")
    line.give(v.CustomerAnswered(), v.Heard("machine"))
    assert (line.did(v.Close), line.did(v.Await)) == ([v.Close("system", "machine")], [])
    line = called("hang_up")
    line.give(v.CustomerAnswered())
    assert line.heard(CUSTOMER) == [Sound.SILENCE]
    line.wait(2_000)
    assert line.heard(CUSTOMER)[-1] is Sound.ANNOUNCEMENT, "nobody listens into silence for longer"
    line.wait(LIMITS.late_ms)
    line.give(v.Heard("machine"))
    assert (line.did(v.Close), line.contact.phase) == ([v.Close("system", "machine")], Phase.CLOSED)


def test_who_answers_our_words_is_no_machine() -> None:
    line = called("hang_up")
    line.give(v.CustomerAnswered())
    line.wait(2_000 + LIMITS.late_ms + 1)
    line.give(v.Heard("machine"))
    assert (line.did(v.Close), line.contact.phase) == ([], Phase.QUEUED)


def test_it_is_taken_back_until_he_is_told_that_it_ends() -> None:
    line = called()
    line.give(v.Withdrawn())
    assert line.did(v.Close) == [v.Close("system", "withdrawn")]
    line = answered()
    line.give(v.Pressed("9"), v.Withdrawn())
    assert (line.call.stage, line.heard(CUSTOMER)[-1]) == (Stage.LEAVING, Sound.NEVER)
