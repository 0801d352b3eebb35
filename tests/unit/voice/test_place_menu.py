"""A caller who waits keeps his place by his keys, to be called back: what he hears, and what becomes of his line."""

from __future__ import annotations

import pytest

from channels.voice import call_values as v
from channels.voice.announce import number
from channels.voice.call_values import CUSTOMER, Sound, Stage
from channels.voice.place_menu import PlaceMenu, Step
from hub import commands as c
from hub.model import Phase
from tests.unit.voice.story import LIMITS, Line

OWN = "+49301234567"


def waiting(own: str = OWN) -> Line:
    line = Line()
    line.give(v.MayKeep(own), v.Ready())
    return line


def press(line: Line, keys: str) -> None:
    for key in keys:
        line.give(v.Pressed(key))


def test_his_number_is_read_back_and_his_place_kept_for_it() -> None:
    line = waiting()
    press(line, "1")
    assert line.heard(CUSTOMER) == [Sound.GREETING, Sound.NUMBER]
    assert line.call.menu.number == OWN
    press(line, "1")
    assert line.did(v.KeepPlace) == [v.KeepPlace(OWN)]
    assert line.heard(CUSTOMER)[-1] is Sound.SILENCE
    press(line, "1")
    assert len(line.did(v.KeepPlace)) == 1, "whoever presses twice asks once"
    line.give(v.ContactIs(Phase.CLOSED, None, "system", "channel_changed"))
    assert (line.call.stage, line.heard(CUSTOMER)[-1]) == (Stage.LEAVING, Sound.KEPT)
    line.give(v.Played(line.says().token))
    assert line.did(v.HangUp) == [v.HangUp("channel_changed")]


def test_another_number_is_typed_and_read_back() -> None:
    line = waiting()
    press(line, "12")
    assert line.heard(CUSTOMER)[-1] is Sound.TYPE_NUMBER
    press(line, "03")
    assert line.heard(CUSTOMER)[-1] is Sound.SILENCE, "he is not talked to while he types"
    press(line, "0123#")
    assert (line.heard(CUSTOMER)[-1], line.call.menu.number) == (Sound.NUMBER, "030123")
    press(line, "1")
    assert line.did(v.KeepPlace) == [v.KeepPlace("030123")]
    line.give(v.NotKept(number=True))
    assert line.heard(CUSTOMER)[-1] is Sound.NOT_THAT_NUMBER
    press(line, "456#1")
    assert line.did(v.KeepPlace)[1:] == [v.KeepPlace("456")]
    line.give(v.NotKept(number=False))
    assert line.heard(CUSTOMER)[-1] is Sound.NOT_KEPT
    line.give(v.Played(line.says().token))
    assert (line.heard(CUSTOMER)[-1], line.call.stage) == (Sound.MUSIC, Stage.WAITING)
    press(line, "1")
    assert line.heard(CUSTOMER)[-1] is Sound.MUSIC, "it is not offered again"


def test_who_withholds_his_number_types_one() -> None:
    line = waiting("")
    press(line, "1")
    assert line.heard(CUSTOMER)[-1] is Sound.TYPE_NUMBER
    press(line, "#*")
    assert line.heard(CUSTOMER)[-1] is Sound.MUSIC


@pytest.mark.parametrize("keys", ["1*", "12*", "1205*"])
def test_star_leads_back_to_the_line(keys: str) -> None:
    line = waiting()
    press(line, keys)
    assert (line.heard(CUSTOMER)[-1], line.call.menu.step) == (Sound.MUSIC, Step.OFFERED)
    line.offer_and_accept()
    assert line.did(v.KeepPlace) == []


def test_who_presses_nothing_more_goes_on_waiting() -> None:
    line = waiting()
    press(line, "1")
    line.give(v.Played(line.says().token))
    assert line.heard(CUSTOMER)[-1] is Sound.SILENCE
    line.wait(LIMITS.key_ms)
    assert (line.heard(CUSTOMER)[-1], line.call.menu.step) == (Sound.MUSIC, Step.OFFERED)
    line.wait(LIMITS.place_every_ms)
    assert line.heard(CUSTOMER)[-1] is Sound.PLACE


def test_an_agent_who_accepts_goes_before_the_menu() -> None:
    line = waiting()
    press(line, "1")
    line.offer_and_accept()
    assert line.heard(CUSTOMER)[-1] is Sound.RINGING
    press(line, "1")
    assert (line.did(v.KeepPlace), line.call.digits) == ([], 2)


def test_what_is_not_offered_is_not_there() -> None:
    line = Line()
    line.give(v.Ready())
    press(line, "11")
    assert (line.heard(CUSTOMER), line.did(v.KeepPlace)) == ([Sound.GREETING], [])


def test_a_contact_that_another_closes_is_told_so() -> None:
    line = waiting()
    line.change(c.End("system", "overflow", 0))
    assert line.heard(CUSTOMER)[-1] is Sound.BUSY


def test_a_number_ends_somewhere() -> None:
    menu = PlaceMenu()
    menu.offer("")
    for key in "1" + "9" * 50 + "#":
        menu.pressed(key)
    assert len(menu.number) == 20


def test_a_number_is_read_digit_by_digit() -> None:
    assert number("+4930") == ["keep-number", "plus", "n-4", "n-9", "n-3", "n-0", "keep-choose"]
