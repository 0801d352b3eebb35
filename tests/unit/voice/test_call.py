"""The call machine: stories of calls with a real contact beside them."""

from __future__ import annotations

import pytest

from channels.voice import call_values as v
from channels.voice.call_values import AGENT, CUSTOMER, Sound, Stage, Way
from hub import commands as c
from hub import events as e
from hub.model import Phase
from tests.unit.voice.story import LIMITS, NOW, Line, queued, talking


def test_a_caller_hears_greeting_place_and_music() -> None:
    line = queued()
    assert line.done[0] == v.Answer()
    assert line.heard(CUSTOMER) == [Sound.GREETING]
    line.give(v.Played(line.says().token))
    line.give(v.Played(line.says().token))
    assert line.heard(CUSTOMER) == [Sound.GREETING, Sound.PLACE, Sound.MUSIC]
    line.wait(LIMITS.place_every_ms)
    assert line.heard(CUSTOMER)[-1] is Sound.PLACE
    # What was said before it does not end it.
    line.give(v.Played(line.says().token - 1))
    assert line.heard(CUSTOMER)[-1] is Sound.PLACE


def test_an_agent_accepts_and_both_talk() -> None:
    line = queued()
    line.offer_and_accept()
    assert line.heard(CUSTOMER)[-1] is Sound.RINGING
    assert (line.call.agent_state, line.call.customer_state) == ("connecting", "ringing")
    line.join()
    assert (line.heard(CUSTOMER)[-1], line.heard(AGENT)[-1]) == (Sound.OTHER, Sound.OTHER)
    assert (line.contact.phase, line.contact.connected_at) == (Phase.ACTIVE, NOW)
    assert (line.call.agent_state, line.call.customer_state) == ("active", "active")
    assert line.timeline() == ["call.answered", "call.answered"]


def test_hold_gives_music_and_silence_and_resume_takes_them_back() -> None:
    line = talking()
    line.change(c.Hold("us_1"))
    assert (line.heard(CUSTOMER)[-1], line.heard(AGENT)[-1]) == (Sound.MUSIC, Sound.SILENCE)
    assert (line.call.agent_state, line.call.customer_state) == ("held", "held")
    line.change(c.Resume("us_1"))
    assert (line.heard(CUSTOMER)[-1], line.heard(AGENT)[-1]) == (Sound.OTHER, Sound.OTHER)


def test_a_caller_who_leaves_the_queue_has_abandoned() -> None:
    line = queued()
    line.give(v.CustomerLeft("bye"))
    assert (line.contact.phase, line.contact.abandoned) == (Phase.CLOSED, True)
    assert line.done[-1] == v.Close(CUSTOMER, "bye")
    assert line.did(v.HangUp) == []


def test_either_side_hangs_up() -> None:
    line = talking()
    line.give(v.CustomerLeft("bye"))
    assert (line.contact.phase, line.contact.ended_by, line.did(v.HangUp)) == (Phase.WRAPPING, CUSTOMER, [])
    line = talking()
    line.change(c.End("us_1", "closed", 60_000))
    assert line.did(v.HangUp) == [v.HangUp("closed")]
    assert line.did(v.Close) == [v.Close("us_1", "closed")]
    assert line.did(v.End) == []


def test_a_call_says_how_long_the_two_could_talk() -> None:
    line = talking()
    line.wait(30_000)
    line.change(c.Hold("us_1"))
    line.wait(10_000)
    line.give(v.CustomerLeft("bye"))
    assert line.did(v.Close) == [v.Close(CUSTOMER, "bye", None, 40_000)]
    line = queued()
    line.wait(5_000)
    line.give(v.CustomerLeft("bye"))
    assert line.did(v.Close) == [v.Close(CUSTOMER, "bye", None, 0)]


def test_a_reload_keeps_the_call_for_ten_seconds() -> None:
    line = talking()
    line.give(v.LegLost(AGENT, "closed"))
    assert (line.heard(CUSTOMER)[-1], line.call.agent_state) == (Sound.MUSIC, "reconnecting")
    line.wait(LIMITS.rejoin_ms - 1)
    line.join()
    assert (line.heard(CUSTOMER)[-1], line.heard(AGENT)[-1]) == (Sound.OTHER, Sound.OTHER)
    assert line.contact.phase is Phase.ACTIVE
    assert line.did(v.Lose) == []
    line.wait(60_000)
    assert line.contact.phase is Phase.ACTIVE


def test_who_does_not_come_back_loses_the_call_to_the_queue() -> None:
    line = talking()
    line.give(v.WindowClosed("w1"))
    assert line.heard(CUSTOMER)[-1] is Sound.OTHER, "his line to the hub is not the one he talks on"
    line.give(v.LegLost(AGENT, "closed"))
    line.wait(LIMITS.rejoin_ms)
    assert line.did(v.Lose) == [v.Lose("us_1", "agent_lost", False)]
    assert (line.contact.phase, line.contact.agent) == (Phase.QUEUED, None)
    assert (line.call.stage, line.heard(CUSTOMER)[-1]) == (Stage.WAITING, Sound.MUSIC)
    assert v.DropLeg(AGENT) in line.done
    line.offer_and_accept("us_2")
    line.join("us_2", "w2")
    assert (line.contact.phase, line.heard(CUSTOMER)[-1]) == (Phase.ACTIVE, Sound.OTHER)


def test_a_window_that_comes_back_in_time_changes_nothing() -> None:
    line = talking()
    line.give(v.WindowClosed("w1"))
    line.wait(5_000)
    line.give(v.WindowOpened("w1"))
    line.wait(60_000)
    assert line.contact.phase is Phase.ACTIVE
    line.give(v.WindowClosed("another"))
    line.wait(60_000)
    assert line.contact.phase is Phase.ACTIVE


def test_who_accepts_without_audio_is_not_waited_for() -> None:
    line = queued()
    line.offer_and_accept()
    line.wait(LIMITS.connect_ms)
    assert line.did(v.Lose) == [v.Lose("us_1", "no_media", True)]
    assert line.contact.phase is Phase.QUEUED


def test_a_transfer_lets_the_first_agent_go() -> None:
    line = talking()
    line.change(c.Transfer("us_1", "billing", {}))
    assert (line.call.stage, line.heard(CUSTOMER)[-1]) == (Stage.WAITING, Sound.MUSIC)
    assert v.DropLeg(AGENT) in line.done
    # A late sign of life of his browser means nothing any more.
    line.give(v.LegUp(AGENT), v.LegLost(AGENT, "closed"), v.LegMade(AGENT, "us_1", "w1"))
    assert line.heard(CUSTOMER)[-1] is Sound.MUSIC
    line.offer_and_accept("us_2")
    line.join("us_2", "w2")
    assert line.heard(CUSTOMER)[-1] is Sound.OTHER


def test_a_dead_worker_ends_the_call_and_frees_the_agent() -> None:
    line = talking()
    line.give(v.WorkerDied())
    assert line.did(v.HangUp) == [v.HangUp("interrupted")]
    assert (line.contact.phase, line.done[-1]) == (Phase.WRAPPING, v.Close("system", "interrupted"))


def test_a_silent_telephone_is_hung_up_unless_it_holds() -> None:
    line = talking()
    line.give(v.CustomerHolds(True), v.LegQuiet(CUSTOMER))
    assert not line.call.over
    line.give(v.CustomerHolds(False), v.LegQuiet(CUSTOMER))
    assert line.did(v.HangUp) == [v.HangUp("silent")]


def test_a_call_from_the_page_comes_back_or_ends() -> None:
    line = talking(Way.WEB)
    line.give(v.LegLost(CUSTOMER, "closed"), v.LegMade(CUSTOMER), v.LegUp(CUSTOMER))
    assert (line.heard(CUSTOMER)[-1], line.call.customer_state) == (Sound.OTHER, "active")
    line.give(v.LegQuiet(CUSTOMER))
    assert line.heard(AGENT)[-1] is Sound.SILENCE
    line.wait(LIMITS.rejoin_ms)
    assert (line.contact.phase, line.contact.ended_by) == (Phase.WRAPPING, CUSTOMER)
    assert line.did(v.HangUp) == [], "there is no telephone"


def test_a_caller_who_gives_up_early_is_not_answered() -> None:
    line = Line()
    line.give(v.CustomerLeft("cancelled"))
    assert line.done == [v.Tell(), v.Close(CUSTOMER, "cancelled")]
    assert line.give(v.Ready()) == []


@pytest.mark.parametrize(("input", "status"), [(v.NotReady(503, "no_media"), 503), (v.Tick(), 503)])
def test_what_cannot_be_set_up_is_refused(input: v.Input, status: int) -> None:
    line = Line()
    line.now += LIMITS.setup_ms
    line.give(input)
    assert line.did(v.Refuse) == [v.Refuse(status)]
    assert line.call.over


def test_who_is_not_served_is_told_so_and_hung_up() -> None:
    line = Line()
    line.give(v.TurnedAway(Sound.CLOSED, "queue_closed"))
    assert (line.done[0], line.heard(CUSTOMER)) == (v.Answer(), [Sound.CLOSED])
    line.give(v.Played(line.says().token))
    assert line.did(v.HangUp) == [v.HangUp("queue_closed")]
    assert (line.did(v.End), line.done[-1]) == ([], v.Close("system", "queue_closed"))

    # Before his call is answered, where his network has it so: it is refused then.
    line = Line()
    line.give(v.TurnedAway(Sound.BUSY, "queue_full", 486, early=True))
    assert (line.done[0], line.heard(CUSTOMER), line.timeline()) == (v.Early(), [Sound.BUSY], [])
    line.give(v.Played(line.says().token))
    assert (line.did(v.Refuse), line.did(v.HangUp)) == ([v.Refuse(486)], [])
    assert line.done[-1] == v.Close("system", "queue_full", 486)

    line = queued()
    line.change(c.End("system", "overflow", 0))
    assert line.heard(CUSTOMER)[-1] is Sound.BUSY
    line.wait(LIMITS.said_ms)
    assert line.did(v.HangUp) == [v.HangUp("closed")]
    line = queued()
    line.change(c.End("system", "overflow", 0))
    line.give(v.CustomerLeft("bye"))
    assert (line.did(v.HangUp), line.did(v.End)) == ([], [])


def test_who_waited_too_long_or_lost_everybody_is_told_so() -> None:
    line = queued()
    line.wait(LIMITS.wait_ms)
    assert (line.heard(CUSTOMER)[-1], line.contact.phase) == (Sound.BUSY, Phase.CLOSED)
    line.give(v.Played(line.says().token))
    assert line.did(v.HangUp) == [v.HangUp("waited_too_long")]

    line = talking()
    line.carry_out = lambda output: None  # type: ignore[method-assign]  # the log does not follow
    line.give(v.LegLost(AGENT, "closed"))
    line.wait(LIMITS.rejoin_ms * 4)
    assert (line.did(v.End), line.heard(CUSTOMER)[-1]) == ([v.End("system", "agent_lost")], Sound.SORRY)
    line.give(v.Played(line.says().token))
    assert (line.did(v.HangUp), line.call.over) == ([v.HangUp("agent_lost")], True)


def test_an_agent_dials() -> None:
    line = Line(Way.DIAL)
    assert line.call.agent == "us_1"
    line.join()
    assert line.did(v.Place) == [v.Place()]
    assert (line.call.agent_state, line.heard(AGENT)) == ("ringing", [Sound.SILENCE])
    line.give(v.CustomerRings())
    assert line.heard(AGENT)[-1] is Sound.RINGING
    line.give(v.CustomerAnswered())
    assert (line.heard(CUSTOMER), line.heard(AGENT)[-1]) == ([Sound.OTHER], Sound.OTHER)
    assert line.contact.phase is Phase.ACTIVE
    assert line.timeline() == ["call.answered", "call.ringing", "call.answered"]


def test_a_dialled_number_that_is_busy_or_silent() -> None:
    line = Line(Way.DIAL)
    line.join()
    line.give(v.CustomerLeft("busy", "network", 486))
    assert (line.contact.phase, line.done[-1]) == (Phase.WRAPPING, v.Close("network", "busy", 486))
    assert (line.did(v.Refuse), line.did(v.HangUp)) == ([], [])
    line = Line(Way.DIAL)
    line.join()
    line.wait(LIMITS.ring_ms)
    assert line.did(v.Refuse) == [v.Refuse(408)]
    line = Line(Way.DIAL)
    line.wait(LIMITS.connect_ms)
    assert line.contact.phase is Phase.WRAPPING
    assert line.did(v.Place) == []


def test_recording_begins_by_itself_and_is_paused() -> None:
    line = talking(record=True)
    assert line.did(v.Record) == [v.Record("on", "rc_1")]
    line.give(v.RecordAsked("paused", "us_1"), v.RecordAsked("paused", "us_1"), v.RecordAsked("on", "us_1"))
    assert [output.state for output in line.did(v.Record)] == ["on", "paused", "on"]
    assert line.call.recording == "on"


def test_what_does_not_run_is_not_paused_and_what_was_asked_early_begins_when_both_talk() -> None:
    line = talking()
    line.give(v.RecordAsked("paused", "us_1"))
    assert (line.did(v.Record), line.call.recording) == ([], "off")
    line = queued()
    line.offer_and_accept()
    line.give(v.RecordAsked("on", "us_1"))
    assert line.did(v.Record) == []
    line.join()
    assert line.did(v.Record) == [v.Record("on", "rc_1")]
    assert line.did(v.Note)[-1].event == e.CallRecording("rc_1", "on", "us_1")


def test_a_recording_that_cannot_be_begun_is_off_and_the_next_try_is_another() -> None:
    line = talking(record=True)
    line.give(v.RecordFailed("rc_1"))
    assert (line.call.recording, line.did(v.Record)) == ("off", [v.Record("on", "rc_1")])
    line.give(v.RecordAsked("on", "us_1"))
    assert line.did(v.Record)[-1] == v.Record("on", "rc_1-2")
    line.give(v.RecordFailed("rc_1"))  # late word of the first
    assert line.call.recording == "on"


def test_each_queue_has_its_own_rule() -> None:
    line = talking()
    line.give(v.RecordRule(record=False, allowed=False), v.RecordAsked("on", "us_1"))
    assert line.did(v.Record) == []
    line.give(v.RecordRule(record=True, allowed=True))
    assert line.did(v.Record) == [v.Record("on", "rc_1")]
    line.give(v.RecordRule(record=False, allowed=True))
    assert line.call.recording == "on"
    line.give(v.RecordAsked("paused", "us_1"), v.RecordRule(record=False, allowed=False))
    assert line.did(v.Record)[-1] == v.Record("off", "rc_1")
    line.give(v.RecordRule(record=False, allowed=True), v.RecordAsked("on", "us_1"))
    assert line.did(v.Record)[-1] == v.Record("on", "rc_1-2")
