"""One call as a pure machine: what a back-to-back user agent decides between customer, agent and the contact's log.

`Call.handle(input, now)` takes what happened and answers what is to be done; `deadline` says when it wants a `Tick`.
What each party hears is computed from the state after every step and told only where it changed, so that no path
through the states can leave a party with a wrong sound. The contact is told by its present state, not by its events:
a step that was missed or came twice changes nothing. Every state but OVER has a deadline, so the clock alone ends any
call.

The call is held together by two legs and the contact:

| stage    | left when                                                 | on its deadline                          |
|----------|-----------------------------------------------------------|------------------------------------------|
| setup    | leg and contact are made; outgoing: the agent's audio      | the caller is refused                    |
| guided   | the flow led him to a queue, and the log says so, or ended | its walk's; then: told that it failed    |
| dialling | the customer answers or not, at his page (`page_ring.py`) | given up as not answered; at his page    |
|          | or his telephone                                          | first: his telephone is called           |
| waiting  | the log says that an agent accepted, or that it ended     | ended: waited too long                   |
| screened | he has heard why he is called (`screening.py`)            | taken as heard                           |
| served   | the log says so: back to the queue, or ended              | agent without audio: back to the queue   |
| leaving  | he has been told that nobody serves him                   | ended                                    |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from channels.voice import call_values as v
from channels.voice.call_steps import CallSteps
from channels.voice.call_values import AGENT, CUSTOMER, OUTGOING, SAID, Sound, Stage, Way
from channels.voice.page_ring import PageRing
from channels.voice.place_menu import Step
from channels.voice.screening import Screening
from channels.voice.screening import Step as Screened
from hub import events as e
from hub.flows.walk import Walk, Wish
from hub.machine import SERVED
from hub.model import WAITING, Millis, Phase

LOSE_TRIES = 3
KEPT = frozenset({"channel_changed", "callback"})
"""Why a contact ended for its call, when the customer is called back."""


class Call(CallSteps):
    """The machine; what is known of the call stands in `call_state.py`."""

    # --- steps ------------------------------------------------------------------------------------------------------

    def handle(self, input: v.Input, now: Millis) -> list[v.Output]:
        """Takes in what happened at `now` and returns what is to be done, in order. Nothing after `Close`."""
        if self.stage is Stage.OVER:
            return []
        self._now = max(now, self._now)
        shown = (self.agent_state, self.customer_state, self.agent, self.window, self.recording)
        self._take(input)
        self._expire()
        self._settle()
        if shown[:4] != (self.agent_state, self.customer_state, self.agent, self.window):
            self.since = self._now
        out, self._out = self._out, []
        if shown != (self.agent_state, self.customer_state, self.agent, self.window, self.recording):
            # Before Close, which is the last one.
            out.insert(len(out) - 1 if self.over else len(out), v.Tell())
        return out

    def _take(self, input: v.Input) -> None:
        match input:
            case v.Ready():
                self._ready()
            case v.NotReady():
                if self.stage is Stage.SETUP and self.way not in OUTGOING:
                    self._finish("system", input.cause, input.status, contact=False)
            case v.TurnedAway():
                if self.stage is Stage.SETUP and self.way is Way.TRUNK:
                    if input.early:
                        self._up[CUSTOMER] = True
                        self._do(v.Early())
                    else:
                        self._pick_up()
                    self._leave(input.sound, "system", input.cause, input.status)
            case v.CustomerRings():
                if self.stage is Stage.DIALLING and not self.page.waits:
                    if not self._ringing:
                        self._do(v.Note(e.CallRinging()))
                    self._ringing, self._early = True, self._early or input.early
            case v.CustomerAnswered():
                self._customer_answered()
            case v.CustomerLeft():
                self._answered = False
                self._finish(input.by, input.cause, input.status, signalled=True)
            case v.CustomerHolds():
                self._customer_holds = input.on
            case v.LegMade():
                self._leg_made(input)
            case v.LegUp():
                self._leg_up(input.party)
            case v.LegLost():
                self._leg_cut(input.party, input.reason)
            case v.LegQuiet():
                self._leg_quiet(input.party)
            case v.Pressed():
                self.digits += 1
                self._pressed(input.digit)
            case v.RingPage():
                if self.stage is Stage.SETUP and self.way is Way.CALLBACK:
                    self.page = PageRing(wanted=True, phone=input.phone, ring_ms=input.ring_ms)
            case v.PageRings() | v.PageTaken() | v.PageMissed():
                self._at_page(input)
            case v.Screen():
                self._screen_by(input)
            case v.Withdrawn():
                if self.stage is not Stage.LEAVING:
                    self._finish("system", "withdrawn")
            case v.Heard() if self._now <= self._sure_at:
                self._screen(lambda: self.screening.heard(input.what))
            case v.Heard():
                pass  # by now it may be our own words, or his answer to them
            case v.Guided():
                if self.stage is Stage.SETUP and self.way is Way.TRUNK:
                    self.guide.walk = input.walk
            case v.Found():
                self._guide(lambda walk: walk.answered(input.outcome, input.values, self._now))
            case v.NotLetIn():
                if self.stage is Stage.GUIDED:
                    self._send_away(input.sound, input.cause)
            case v.MayKeep():
                self.menu.offer(input.number)
            case v.NotKept():
                if self.stage is Stage.WAITING and self.menu.step is Step.ASKING:
                    self._say(self.menu.refused(number=input.number))
                    self._timers["menu"] = self._now + self.limits.said_ms
            case v.Played():
                if self._said is not None and input.token == self._token:
                    self._said_all()
            case v.WindowClosed():
                if input.window == self.window and self.stage is Stage.SERVED:
                    self._timers["window"] = self._now + self.limits.rejoin_ms
            case v.WindowOpened():
                if input.window == self.window:
                    self._timers.pop("window", None)
            case v.ContactIs():
                self._contact_is(input)
            case v.RecordAsked() | v.RecordRule() | v.RecordFailed():
                self._do(*self.tape.take(input))
            case v.WorkerDied():
                self._finish("system", "interrupted")
            case v.Tick():
                pass
            case _:
                assert_never(input)

    # --- the customer -----------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        if self.stage is not Stage.SETUP or self.way in OUTGOING:
            return
        if self.guide.walk is None:
            self._wait()
        if self.way is Way.TRUNK:
            self._pick_up()
            self._begin_flow()
        elif not self._up[CUSTOMER]:
            self._timers["customer"] = self._now + self.limits.connect_ms

    def _send_away(self, sound: Sound, cause: str) -> None:
        """Nobody can serve him: the contact ends, and he is told so if he can hear it."""
        if not self._up[CUSTOMER] or self.stage is Stage.LEAVING:
            self._finish("system", cause)
            return
        self._do(v.End("system", cause))
        self._leave_agent()
        self._leave(sound, "system", cause)

    def _customer_answered(self) -> None:
        if self.stage is not Stage.DIALLING or self.page.waits:
            return
        self._timers.pop("dialling", None)
        self._answered = True
        self.stage = Stage.SCREENED
        self._customer_up()
        self._screened()
        if not self._up[AGENT] and not self.ahead:
            self._timers["agent"] = self._now + self.limits.rejoin_ms

    def _begin_flow(self) -> None:
        if self.guide.walk is not None:
            self.stage = Stage.GUIDED
            del self._timers["setup"]
            self._guide(lambda walk: walk.begin(self._now))

    def _guide(self, happens: Callable[[Walk], list[Wish]]) -> None:
        """His flow is told what happens."""
        if self.stage is not Stage.GUIDED or self.guide.walk is None:
            return
        was_over = self.guide.over
        for step in self.guide.does(happens(self.guide.walk)):
            if isinstance(step, Sound):
                self._say(step) if step in SAID else self._be_quiet()
            else:
                self._do(step)
        if self.guide.hangs_up:
            self._finish("system", "flow_ended")
        elif self.guide.deadline is not None:
            self._timers["flow"] = self.guide.deadline
        elif not was_over:
            self._timers["flow"] = self._now + self.limits.setup_ms

    def _at_page(self, input: v.PageRings | v.PageTaken | v.PageMissed) -> None:
        if self.stage is not Stage.DIALLING:
            return
        match input:
            case v.PageRings() if self.page.rings():
                self._ringing = True
                self._timers["dialling"] = self._now + self.page.ring_ms
                self._do(v.Note(e.CallRinging()))
            case v.PageTaken(by) if self.page.take(by):
                self._timers["dialling"] = self._now + self.limits.take_ms
            case v.PageMissed() if self.page.waits and self.page.phone:
                # Only now, when nobody can answer there any more, his telephone is called.
                self.page.missed()
                self._ringing = False
                self._timers["dialling"] = self._now + self.limits.ring_ms
                self._do(v.DropLeg(CUSTOMER), v.Place())
            case v.PageMissed() if self.page.waits:
                self._finish("system", "no_answer", 408)

    def _screen(self, happens: Callable[[], None]) -> None:
        before = self.screening.step
        if self.stage is Stage.SCREENED:
            happens()
            if self.screening.step is not before:
                self._screened()

    def _screened(self) -> None:
        """He, or what answered, is at another step."""
        self._be_quiet()
        self._timers.pop("screen", None)
        match self.screening.step:
            case Screened.LISTENING:
                self._timers["screen"] = self._now + (self.limits.told_ms if self.ahead else self.limits.listen_ms)
                self._do(v.Listen())
            case Screened.ANNOUNCING:
                self._say(Sound.ANNOUNCEMENT)
                self._sure_at = self._now + self.limits.late_ms
                self._enter()
            case Screened.CONFIRMING:
                self._say(Sound.CONFIRM)
                self._sure_at = self._now + self.limits.late_ms
            case Screened.UNCONFIRMED:
                self._finish("system", "not_confirmed")
            case Screened.MACHINE:
                self._timers["screen"] = self._now + self.limits.machine_ms
            case Screened.MESSAGE:
                self._say(Sound.MESSAGE)
            case Screened.THROUGH if self.ahead and self.agent is None:
                self._enter()
                self._wait()
            case Screened.THROUGH:
                self.stage = Stage.SERVED
                if not self._up[AGENT] and "agent" not in self._timers:
                    self._timers["agent"] = self._now + self.limits.connect_ms
            case Screened.OVER:
                self._finish("system", "machine")
            case Screened.REFUSED:
                self._do(v.NeverCall(), v.End(CUSTOMER, "never_call"))
                self._leave_agent()
                self._leave(Sound.NEVER, CUSTOMER, "never_call")

    # --- legs -------------------------------------------------------------------------------------------------------

    def _leg_made(self, input: v.LegMade) -> None:
        """A new leg begins in silence and has its time to come up; what a former one heard says nothing of it."""
        if input.party == AGENT:
            if self.agent is None and self.way is Way.DIAL and self.stage is Stage.SETUP:
                self.agent = input.agent
            if input.agent != self.agent:
                return
            self.window = input.window
            self._timers.pop("window", None)
            if self.stage is Stage.SERVED:
                self._timers["agent"] = self._now + self.limits.connect_ms
        elif self.by_web and self.stage is not Stage.SETUP:
            self._timers["customer"] = self._now + self.limits.connect_ms
        self._up[input.party] = False
        self._hears.pop(input.party, None)

    def _leg_up(self, party: str) -> None:
        if party == CUSTOMER:
            if self.by_web:
                self._customer_up()
            elif self.stage is Stage.DIALLING and self.page.came():
                self.screening = Screening()  # a person pressed a button
                self._customer_answered()
        elif self.agent is not None and not self._up[AGENT]:
            self._up[AGENT] = self._was_up[AGENT] = True
            self._lost = 0
            self._timers.pop("agent", None)
            self._do(v.Note(e.CallAnswered(AGENT, self.agent)))
            if self.way in OUTGOING and self.stage is Stage.SETUP:
                self._call_customer()

    def _leg_cut(self, party: str, reason: str) -> None:
        if not self._up[party] or (party == CUSTOMER and not self.by_web):
            return  # a telephone is there as long as its signalling says so
        self._up[party] = False
        self._timers[party] = self._now + self.limits.rejoin_ms
        self._do(v.Note(e.CallCut(party, reason)))

    def _leg_quiet(self, party: str) -> None:
        if party == CUSTOMER and not self.by_web:
            if self._answered and not self._customer_holds:
                self._finish("network", "silent")
        else:
            self._leg_cut(party, "silent")

    # --- the contact ------------------------------------------------------------------------------------------------

    def _contact_is(self, input: v.ContactIs) -> None:
        self._entered = self._entered or input.phase in SERVED | {Phase.QUEUED, Phase.OFFERED}
        if self.stage is Stage.LEAVING or (self.ahead and not self._entered):
            return
        if input.phase in (Phase.WRAPPING, Phase.CLOSED):
            if self.stage is Stage.WAITING and input.by == "system" and self._up[CUSTOMER]:
                self._leave(Sound.KEPT if input.reason in KEPT else Sound.BUSY, input.by, input.reason)
            else:
                self._finish(input.by, input.reason, contact=False)
        elif self.stage is Stage.SETUP and self.way not in OUTGOING:
            return  # `Ready` has to come first; the shell tells the state after it
        elif self.stage is Stage.GUIDED and input.phase in (Phase.QUEUED, Phase.OFFERED):
            self._wait()
        elif input.phase in SERVED:
            if self.stage is Stage.GUIDED:
                self._wait()
            self._served(input)
        elif self.ahead and self.stage is Stage.SCREENED:
            self._leave_agent()
        elif self.stage in (Stage.SERVED, Stage.SCREENED):
            self._leave_agent()
            self._wait()
            if self._late:
                self._send_away(Sound.KEPT, "no_agent")
        elif self.way in OUTGOING and self.stage is not Stage.WAITING and input.phase in WAITING:
            # Whoever dialled has the contact no more, and the customer was not even reached. One who asked for it
            # goes on waiting for another agent.
            self._finish("system", "moved", contact=self.way is Way.DIAL)

    def _served(self, input: v.ContactIs) -> None:
        if input.agent != self.agent:
            self._leave_agent()
            self.agent = input.agent
        if self.stage is Stage.WAITING:
            self.stage = Stage.SERVED
            self._timers.pop("wait", None)
            self._timers.pop("place", None)
            self._timers.pop("menu", None)
            self.menu.leave()
            self._be_quiet()
        if self.stage is Stage.SERVED and not self._up[AGENT] and "agent" not in self._timers:
            self._timers["agent"] = self._now + self.limits.connect_ms
        self.held = input.phase is Phase.HELD
        self.connected = input.phase in (Phase.ACTIVE, Phase.HELD)

    def _wait(self) -> None:
        self.stage = Stage.WAITING
        for name in ("setup", "screen", "flow"):
            self._timers.pop(name, None)
        self._timers["wait"] = self._now + self.limits.wait_ms
        if self._greeted:
            self._timers["place"] = self._now + self.limits.place_every_ms

    def _pressed(self, key: str) -> None:
        self._screen(lambda: self.screening.pressed(key))
        self._guide(lambda walk: walk.key(key, self._now))
        if self.stage is not Stage.WAITING or not self._up[CUSTOMER]:
            return
        before = self.menu.step
        said = self.menu.pressed(key)
        if said is not None:
            self._say(said)
        elif self.menu.busy or before is not self.menu.step:
            self._be_quiet()
        if self.menu.step is Step.ASKING and before is not Step.ASKING:
            self._do(v.KeepPlace(self.menu.number))
        if self.menu.busy:
            self._timers["menu"] = self._now + (self.limits.key_ms if said is None else self.limits.said_ms)

    # --- what is said -----------------------------------------------------------------------------------------------

    def _said_all(self) -> None:
        after = self._said
        self._be_quiet()
        self._screen(self.screening.said)
        if after is Sound.FLOW:
            self._guide(lambda walk: walk.spoken(self._now))
        if after is Sound.CONFIRM and self.stage is Stage.SCREENED:
            self._timers["screen"] = self._now + self.limits.confirm_ms
        if self.stage is Stage.LEAVING:
            self._finish(*self._left, contact=False)
        if self.stage is Stage.WAITING:
            if after is Sound.GREETING and self.guide.keeps_place and self.menu.offered:
                self._pressed("1")
            elif after is Sound.GREETING:
                self._say(Sound.PLACE)
            else:
                self._timers["place"] = self._now + self.limits.place_every_ms
                if self.menu.busy:
                    self._timers["menu"] = self._now + self.limits.key_ms

    # --- time -------------------------------------------------------------------------------------------------------

    def _expire(self) -> None:
        for name in sorted(name for name, at in self._timers.items() if at <= self._now):
            if self.stage is Stage.OVER or name not in self._timers:
                continue
            del self._timers[name]
            match name:
                case "setup" if self.way is Way.CALLBACK and self.agent is not None:
                    self._do(v.Lose(self.agent, "no_media", absent=True))
                    self._finish("system", "setup_failed", contact=False)
                case "setup":
                    self._finish("system", "setup_failed", 503)
                case "dialling" if self.page.waits:
                    self._at_page(v.PageMissed())
                case "dialling":
                    self._finish("system", "no_answer", 408)
                case "customer":
                    self._finish(CUSTOMER, "lost")
                case "wait":
                    self._send_away(Sound.BUSY, "waited_too_long")
                case "longest":
                    self._finish("system", "too_long")
                case "agent":
                    self._lose(absent=not self._was_up[AGENT])
                case "window":
                    self._lose(absent=False)
                case "said":
                    self._said_all()
                case "place" if self.menu.busy:
                    self._timers["place"] = self._now + self.limits.place_every_ms
                case "place":
                    self._say(Sound.PLACE)
                case "menu":
                    self.menu.leave()
                case "flow" if not self.guide.over:
                    self._guide(lambda walk: walk.late(self._now))
                case "flow":
                    self._send_away(Sound.SORRY, "setup_failed")
                case "screen":
                    self._screen(self.screening.waited)
                case "unserved" if self.agent is not None:
                    self._late = True  # should that agent not come, nobody else is waited for
                case "unserved":
                    self._send_away(Sound.KEPT, "no_agent")

    def _lose(self, *, absent: bool) -> None:
        """His time to come (back) is over: the contact goes back to its queue; should the log not follow, it ends."""
        self._lost += 1
        if self.agent is None or self.stage is not Stage.SERVED or self._lost > LOSE_TRIES:
            self._send_away(Sound.SORRY, "agent_lost")
            return
        if self._up[AGENT]:
            self._up[AGENT] = False
            self._do(v.Note(e.CallCut(AGENT, "window_closed")))
        self._timers.pop("window", None)
        self._timers["agent"] = self._now + self.limits.rejoin_ms
        self._do(v.Lose(self.agent, "no_media" if absent else "agent_lost", absent))

    def _finish(
        self, by: str, cause: str, status: int | None = None, *, contact: bool = True, signalled: bool = False
    ) -> None:
        """`contact`: it has to be ended too; `signalled`: the customer's telephone knows already."""
        if self.by_phone and not signalled:
            if self._answered:
                self._do(v.HangUp(cause))
            elif self.way is Way.TRUNK or self.stage is Stage.DIALLING:
                self._do(v.Refuse(status or 480))
        there = self._asked_in if self.ahead else self.stage is not Stage.SETUP or self.way in OUTGOING
        if contact and there and self.stage is not Stage.LEAVING:
            self._do(v.End(by, cause))
        self.stage = Stage.OVER
        self._timers.clear()
        self._up = {CUSTOMER: False, AGENT: False}
        talked = 0 if self._talks_since is None else self._now - self._talks_since
        self._do(v.Close(by, cause, status, talked))
