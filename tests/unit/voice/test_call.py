"""The call machine: stories of calls with a real contact beside them, and any calls, which the clock must end."""

from __future__ import annotations

from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from channels.voice import call_values as v
from channels.voice.call import Call
from channels.voice.call_values import AGENT, CUSTOMER, Limits, Sound, Stage, Way
from hub import commands as c
from hub import events as e
from hub.errors import Refused
from hub.machine import apply, decide
from hub.model import Channel, Contact, Phase

NOW = 1_700_000_000_000
LIMITS = Limits(wait_ms=300_000, longest_ms=600_000)
O = TypeVar("O", bound=v.Output)  # noqa: E741


class Line:
    """A call with its contact: what the call wants of the contact is done by the contact's own machine."""

    def __init__(self, way: Way = Way.TRUNK, *, record: bool = False, dialled_by: str = "us_1") -> None:
        self.now = NOW
        self.contact = self.after(Contact("ct_1"), c.Create(Channel.VOICE, "demo", "cu_1", media=True))
        if way is Way.DIAL:
            self.contact = self.after(self.contact, c.Dial(dialled_by, "support"))
        else:
            self.contact = self.after(self.contact, c.Enqueue("support", {}))
        self.call = Call("ct_1", way, self.now, LIMITS, record=record)
        self.done: list[v.Output] = []
        if way is Way.DIAL:
            self.tell()

    def after(self, contact: Contact, command: c.ContactCommand) -> Contact:
        return apply(contact, decide(contact, command, self.now), self.now)

    def give(self, *inputs: v.Input) -> list[v.Output]:
        """What the inputs led to, the contact's answers included."""
        before = len(self.done)
        for input in inputs:
            for output in self.call.handle(input, self.now):
                self.done.append(output)
                self.carry_out(output)
        return self.done[before:]

    def carry_out(self, output: v.Output) -> None:
        match output:
            case v.Connect(agent):
                self.change(c.Connect(agent))
            case v.End(by, reason):
                self.change(c.End(by, reason, 60_000))
            case v.Lose(agent, reason):
                self.change(c.LoseAgent(agent, reason))
            case v.Note(event):
                self.change(c.NoteCall(event))

    def change(self, command: c.ContactCommand) -> None:
        try:
            self.contact = self.after(self.contact, command)
        except Refused:
            return
        self.tell()

    def tell(self) -> None:
        contact = self.contact
        self.give(v.ContactIs(contact.phase, contact.agent, contact.ended_by or "", "closed"))

    def offer_and_accept(self, agent: str = "us_1") -> None:
        self.change(c.MakeOffer(agent, self.contact.last_fence + 1, self.now + 20_000, 1))
        self.change(c.Accept(agent, self.contact.last_fence))

    def join(self, agent: str = "us_1", window: str = "w1") -> None:
        self.give(v.LegMade(AGENT, agent, window), v.LegUp(AGENT))

    def wait(self, ms: int) -> None:
        """As the shell's clock does it: a Tick at each deadline on the way."""
        until = self.now + ms
        while self.call.deadline is not None and self.call.deadline <= until:
            self.now = max(self.now, self.call.deadline)
            self.give(v.Tick())
        self.now = until

    def did(self, kind: type[O]) -> list[O]:
        return [output for output in self.done if isinstance(output, kind)]

    def heard(self, party: str) -> list[Sound]:
        return [output.sound for output in self.did(v.Hears) if output.party == party]

    def says(self) -> v.Hears:
        return [output for output in self.did(v.Hears) if output.token][-1]

    def timeline(self) -> list[str]:
        return [e.type_of(output.event) for output in self.did(v.Note)]


def queued(way: Way = Way.TRUNK, *, record: bool = False) -> Line:
    line = Line(way, record=record)
    line.give(v.Ready())
    if way is Way.WEB:
        line.give(v.LegUp(CUSTOMER))
    return line


def talking(way: Way = Way.TRUNK, *, record: bool = False) -> Line:
    line = queued(way, record=record)
    line.offer_and_accept()
    line.join()
    assert line.contact.phase is Phase.ACTIVE
    return line


# --- stories ----------------------------------------------------------------------------------------------------------


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

    line = queued()
    line.change(c.End("system", "overflow", 0))
    assert line.heard(CUSTOMER)[-1] is Sound.BUSY
    line.wait(LIMITS.said_ms)
    assert line.did(v.HangUp) == [v.HangUp("closed")]
    line = queued()
    line.change(c.End("system", "overflow", 0))
    line.give(v.CustomerLeft("bye"))
    assert (line.did(v.HangUp), line.did(v.End)) == ([], [])


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
    assert line.did(v.Record) == [v.Record("on")]
    line.give(v.RecordAsked("paused", "us_1"), v.RecordAsked("paused", "us_1"), v.RecordAsked("on", "us_1"))
    assert [output.state for output in line.did(v.Record)] == ["on", "paused", "on"]
    assert line.call.recording == "on"
    line = talking()
    line.give(v.RecordAsked("paused", "us_1"))
    assert line.did(v.Record) == []


# --- any call -------------------------------------------------------------------------------------------------------

parties = st.sampled_from([CUSTOMER, AGENT])
people = st.sampled_from(["us_1", "us_2"])
windows = st.sampled_from(["w1", "w2"])
any_input: st.SearchStrategy[v.Input] = st.one_of(
    st.just(v.Ready()),
    st.just(v.NotReady(503, "no_media")),
    st.just(v.TurnedAway(Sound.CLOSED, "queue_closed")),
    st.builds(v.CustomerRings, st.booleans()),
    st.just(v.CustomerAnswered()),
    st.just(v.CustomerLeft("bye")),
    st.builds(v.CustomerHolds, st.booleans()),
    st.builds(v.LegMade, parties, people, windows),
    st.builds(v.LegUp, parties),
    st.builds(v.LegLost, parties, st.just("closed")),
    st.builds(v.LegQuiet, parties),
    st.just(v.Pressed("5")),
    st.builds(v.Played, st.integers(0, 5)),
    st.builds(v.WindowClosed, windows),
    st.builds(v.WindowOpened, windows),
    st.builds(v.RecordAsked, st.sampled_from(["on", "paused"]), people),
    st.just(v.Tick()),
)


class AnyCall(RuleBasedStateMachine):
    """Any inputs in any order beside a contact that lives its own life; at the end only the clock goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.left = self.begun = False

    @rule(way=st.sampled_from(Way), record=st.booleans())
    def begin_anew(self, way: Way, record: bool) -> None:
        self.run_out()
        self.line = Line(way, record=record)
        self.left = self.begun = False

    @rule(input=any_input)
    def anything(self, input: v.Input) -> None:
        self.left |= isinstance(input, v.CustomerLeft) and not self.line.call.over
        self.line.give(input)

    @rule()
    def lead_on(self) -> None:
        line = self.line
        line.give(v.Ready())
        if line.call.way is Way.WEB:
            line.give(v.LegUp(CUSTOMER))
        if line.contact.phase is Phase.QUEUED:
            line.offer_and_accept()
        if line.contact.agent is not None:
            line.join(line.contact.agent)
        line.give(v.CustomerAnswered())

    @rule(agent=people)
    def work(self, agent: str) -> None:
        if self.line.contact.phase is Phase.QUEUED:
            self.line.offer_and_accept(agent)

    @rule(command=st.sampled_from(["hold", "resume", "transfer", "end", "send_away"]))
    def handle_it(self, command: str) -> None:
        agent = self.line.contact.agent or "us_1"
        commands: dict[str, c.ContactCommand] = {
            "hold": c.Hold(agent),
            "resume": c.Resume(agent),
            "transfer": c.Transfer(agent, "billing", {}),
            "end": c.End(agent, "closed", 60_000),
            "send_away": c.End("system", "overflow", 0),
        }
        self.line.change(commands[command])

    @rule(ms=st.integers(0, 30_000))
    def wait(self, ms: int) -> None:
        self.line.wait(ms)

    @invariant()
    def it_has_a_deadline_or_is_over(self) -> None:
        call = self.line.call
        assert (call.deadline is None) == call.over == bool(self.line.did(v.Close))

    @invariant()
    def the_last_word_is_the_last(self) -> None:
        closed = self.line.did(v.Close)
        assert len(closed) <= 1
        if closed:
            assert isinstance(self.line.done[-1], v.Close)

    @invariant()
    def its_telephone_is_told_once_how_it_ends(self) -> None:
        told = [*self.line.did(v.Refuse), *self.line.did(v.HangUp)]
        if self.line.call.way is Way.WEB or self.left or not self.line.call.over:
            assert told == []
        elif self.line.call.way is Way.TRUNK:
            assert len(told) == 1
            answered = bool(self.line.did(v.Answer))
            assert isinstance(told[0], v.HangUp if answered else v.Refuse)

    @invariant()
    def nobody_hears_whom_he_should_not(self) -> None:
        line, call = self.line, self.line.call
        last = {party: (line.heard(party) or [Sound.SILENCE])[-1] for party in (CUSTOMER, AGENT)}
        if call.over:
            return
        if last[CUSTOMER] is Sound.OTHER and call.up(CUSTOMER):
            assert call.up(AGENT) and not call.held and call.agent == line.contact.agent
        if last[AGENT] is Sound.OTHER and call.up(AGENT):
            assert not call.held

    @invariant()
    def the_contact_and_the_call_agree(self) -> None:
        call, contact = self.line.call, self.line.contact
        self.begun |= call.stage in (Stage.WAITING, Stage.SERVED)
        if call.stage is Stage.SERVED:
            assert call.agent == contact.agent
        if contact.phase in (Phase.WRAPPING, Phase.CLOSED):
            assert call.over or call.stage is Stage.LEAVING

    def run_out(self) -> None:
        """The clock alone ends it, and the contact with it."""
        line = self.line
        line.wait(LIMITS.longest_ms + 60_000)
        assert line.call.over
        assert line.call.deadline is None
        if self.begun or line.call.way is Way.DIAL:
            assert line.contact.phase in (Phase.WRAPPING, Phase.CLOSED)

    def teardown(self) -> None:
        self.run_out()


TestAnyCall = AnyCall.TestCase
