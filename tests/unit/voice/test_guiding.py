"""Callers who go through a flow before they come to a queue."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_values import CUSTOMER, Sound, Stage
from hub import commands as c
from hub.flows import walk as w
from hub.flows.flow import Flow
from hub.model import Phase
from tests.unit.flows.test_walk import NOW, ORDERS, World
from tests.unit.voice.story import LIMITS, Line


def guided(flow: Flow = ORDERS, world: World | None = None) -> Line:
    line = Line(queue=None)
    line.give(v.Guided(w.Walk.through({"main": flow}, "main", world or World(), NOW)), v.Ready())
    assert line.call.stage is Stage.GUIDED and line.did(v.Answer)
    return line


def press(line: Line, keys: str) -> None:
    for key in keys:
        line.give(v.Pressed(key))


def entered(line: Line) -> None:
    """As the shell does it: the contact comes to the queue."""
    (enter,) = line.did(v.Enter)
    queue = "support" if enter.queue is None else enter.queue.queue
    line.change(c.Guide("main", "en", {"order": "1234"}))
    line.change(c.Enqueue(queue, {}))


def test_a_caller_is_asked_answered_and_comes_to_the_queue() -> None:
    line = guided()
    assert line.heard(CUSTOMER) == [Sound.FLOW]
    press(line, "11234#9876")
    (look_up,) = line.did(v.LookUp)
    assert look_up.fetch.body == {"pin": "9876"}
    assert line.heard(CUSTOMER)[-1] is Sound.SILENCE
    line.give(v.Found("found", {"state": "shipped"}))
    assert line.call.guide.speech is not None and line.call.guide.speech.values == {"state": "shipped"}
    line.give(v.Played(line.says().token))
    assert line.did(v.Enter) == [v.Enter(w.Enqueue("sales", {}, 5))]
    entered(line)
    assert (line.call.stage, line.contact.queue) == (Stage.WAITING, "sales")
    assert line.contact.fields == {"order": "1234"}
    assert line.heard(CUSTOMER)[-1] is Sound.GREETING
    line.offer_and_accept()
    line.join()
    assert line.contact.phase is Phase.ACTIVE


def test_what_is_said_is_listened_out_and_keys_that_are_not_pressed_are_waited_for() -> None:
    line = guided()
    line.give(v.Played(line.says().token))
    assert line.heard(CUSTOMER)[-1] is Sound.SILENCE
    line.wait(5_000)
    assert line.heard(CUSTOMER)[-1] is Sound.FLOW, "asked again"


def test_a_flow_that_hangs_up_does_so_once_it_was_said() -> None:
    line = guided(world=World(open=False))
    press(line, "1")
    assert line.did(v.Close) == []
    line.give(v.Played(line.says().token))
    assert line.call.over and line.did(v.HangUp) == [v.HangUp("flow_ended")]
    assert line.contact.phase is Phase.CLOSED


def test_a_flow_that_goes_wrong_leads_to_the_queue_of_the_number() -> None:
    line = guided(Flow("Broken", "a", {}))
    assert line.did(v.Enter) == [v.Enter(None)]
    entered(line)
    assert line.call.stage is Stage.WAITING


def test_a_queue_that_takes_nobody_is_told_and_one_that_never_comes_too() -> None:
    for told in (True, False):
        line = guided()
        press(line, "77")
        if told:
            line.give(v.NotLetIn(Sound.CLOSED, "queue_closed"))
        else:
            press(line, "1" * 50)
            line.wait(LIMITS.setup_ms)
        assert line.call.stage is Stage.LEAVING
        assert line.heard(CUSTOMER)[-1] is (Sound.CLOSED if told else Sound.SORRY)
        line.give(v.Played(line.says().token))
        assert line.call.over and line.contact.phase is Phase.CLOSED


def test_who_hangs_up_in_a_flow_ends_his_contact() -> None:
    line = guided()
    line.give(v.CustomerLeft("bye"))
    assert line.call.over and line.contact.phase is Phase.CLOSED


def test_a_flow_that_leads_to_a_callback_reads_the_number_back() -> None:
    line = guided(world=World(queue__sales__waiting="9"))
    press(line, "11234#9876")
    line.give(v.Found("found", {}))
    line.give(v.Played(line.says().token))
    line.give(v.MayKeep("+4930123456"))
    entered(line)
    assert line.heard(CUSTOMER)[-1] is Sound.GREETING
    line.give(v.Played(line.says().token))
    assert line.heard(CUSTOMER)[-1] is Sound.NUMBER
    press(line, "1")
    assert line.did(v.KeepPlace) == [v.KeepPlace("+4930123456")]


def test_an_agent_may_have_accepted_before_the_call_hears_of_its_queue() -> None:
    line = guided()
    press(line, "77")
    line.give(v.ContactIs(Phase.CONNECTING, "us_1"))
    assert line.call.stage is Stage.SERVED
