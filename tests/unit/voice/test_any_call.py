"""Any calls, with any inputs in any order, which the clock must end."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from channels.voice import call_values as v
from channels.voice.call_values import AGENT, CUSTOMER, Sound, Stage, Way
from channels.voice.page_ring import At
from hub import commands as c
from hub.flows.walk import Walk
from hub.model import Phase
from tests.unit.flows.test_walk import NOW, ORDERS, World
from tests.unit.voice.story import LIMITS, Line

parties = st.sampled_from([CUSTOMER, AGENT])
people = st.sampled_from(["us_1", "us_2"])
windows = st.sampled_from(["w1", "w2"])
any_input: st.SearchStrategy[v.Input] = st.one_of(
    st.just(v.Ready()),
    st.just(v.NotReady(503, "no_media")),
    st.builds(v.TurnedAway, st.just(Sound.CLOSED), st.just("queue_closed"), st.just(480), st.booleans()),
    st.builds(v.CustomerRings, st.booleans()),
    st.just(v.CustomerAnswered()),
    st.just(v.CustomerLeft("bye")),
    st.builds(v.CustomerHolds, st.booleans()),
    st.builds(v.LegMade, parties, people, windows),
    st.builds(v.LegUp, parties),
    st.builds(v.LegLost, parties, st.just("closed")),
    st.builds(v.LegQuiet, parties),
    st.builds(v.Pressed, st.sampled_from("11259*#")),
    st.builds(v.Screen, st.booleans(), st.sampled_from(["connect", "hang_up", "message"])),
    st.just(v.PageRings()),
    st.builds(v.PageTaken, windows),
    st.just(v.PageMissed()),
    st.builds(v.Screen, st.booleans(), st.sampled_from(["connect", "hang_up"]), st.sampled_from([2_000, 15_000])),
    st.just(v.Withdrawn()),
    st.builds(v.Heard, st.sampled_from(["human", "machine", "clear"])),
    st.builds(lambda: v.Guided(Walk.through({"main": ORDERS}, "main", World(), NOW))),
    st.builds(v.Found, st.sampled_from(["found", "missing", "failed"]), st.just({"state": "shipped"})),
    st.just(v.NotLetIn(Sound.CLOSED, "queue_closed")),
    st.builds(v.MayKeep, st.sampled_from(["", "+49301234567"])),
    st.builds(v.NotKept, st.booleans()),
    st.builds(v.Played, st.integers(0, 5)),
    st.builds(v.WindowClosed, windows),
    st.builds(v.WindowOpened, windows),
    st.builds(v.RecordAsked, st.sampled_from(["on", "paused"]), people),
    st.builds(v.RecordRule, st.booleans(), st.booleans()),
    st.builds(v.RecordFailed, st.sampled_from(["rc_1", "rc_1-2"])),
    st.just(v.Tick()),
)


class AnyCall(RuleBasedStateMachine):
    """Any inputs in any order beside a contact that lives its own life; at the end only the clock goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.left = self.begun = False

    @rule(way=st.sampled_from(Way), record=st.booleans(), page=st.none() | st.booleans(), ahead=st.booleans())
    def begin_anew(self, way: Way, record: bool, page: bool | None, ahead: bool) -> None:
        self.run_out()
        self.line = Line(way, record=record, ahead_ms=15_000 if ahead and way is Way.CALLBACK else 0)
        if page is not None:
            self.line.give(v.RingPage(phone=page))
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

    @rule(command=st.sampled_from(["hold", "resume", "transfer", "end", "send_away", "call_back"]))
    def handle_it(self, command: str) -> None:
        agent = self.line.contact.agent or "us_1"
        commands: dict[str, c.ContactCommand] = {
            "hold": c.Hold(agent),
            "resume": c.Resume(agent),
            "transfer": c.Transfer(agent, "billing", {}),
            "end": c.End(agent, "closed", 60_000),
            "send_away": c.End("system", "overflow", 0),
            "call_back": c.End("system", "callback", 0),
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
    def his_page_and_his_telephone_never_ring_at_once(self) -> None:
        page, asked = self.line.call.page, len(self.line.did(v.Place))
        if page.waits:
            assert asked <= 1
        if page.at is At.TALKS:
            assert asked == 1, "who answered at his page is not called at his telephone"
        if page.at is At.MISSED:
            assert page.phone and asked == 2

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
    def a_recording_begins_once_and_only_what_runs_is_paused_or_ended(self) -> None:
        states: dict[str, str] = {}
        for output in self.line.did(v.Record):
            before = states.get(output.recording)
            assert output.state in {None: ["on"], "on": ["paused", "off"], "paused": ["on", "off"], "off": []}[before]
            states[output.recording] = output.state

    @invariant()
    def the_contact_and_the_call_agree(self) -> None:
        call, contact = self.line.call, self.line.contact
        self.begun |= call.stage in (Stage.GUIDED, Stage.WAITING, Stage.SERVED)
        if call.stage is Stage.SERVED:
            assert call.agent == contact.agent
        before = call.ahead and not self.line.did(v.Await)  # his contact waits for nobody yet
        if contact.phase in (Phase.WRAPPING, Phase.CLOSED) and not before:
            assert call.over or call.stage is Stage.LEAVING

    @invariant()
    def a_place_is_kept_only_for_a_number(self) -> None:
        for kept in self.line.did(v.KeepPlace):
            assert kept.number == "+49301234567" or set(kept.number) <= set("1259")

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
