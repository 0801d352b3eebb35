"""The small steps of a call's machine (`call.py`), and what follows from its state after each of its inputs."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_state import CallState
from channels.voice.call_values import AGENT, CUSTOMER, SAID, Sound, Stage, Way
from channels.voice.screening import Screening
from channels.voice.standing import agent_hears, customer_hears
from hub import events as e


class CallSteps(CallState):
    """What `Call` is built on."""

    def _do(self, *outputs: v.Output) -> None:
        self._out += outputs

    def _customer_up(self) -> None:
        if not self._up[CUSTOMER]:
            self._up[CUSTOMER] = self._was_up[CUSTOMER] = True
            self._timers.pop("customer", None)
            self._do(v.Note(e.CallAnswered(CUSTOMER)))

    def _screen_by(self, input: v.Screen) -> None:
        announce = input.announce or input.wait_ms > 0
        self.screening = Screening(announce=announce, machine=input.machine, confirm=input.confirm)
        ahead = input.wait_ms > 0 and self.way is Way.CALLBACK and self.agent is None
        if ahead and self.stage is Stage.SETUP and not self.page.waits:
            self._wait_ms, self._greeted = input.wait_ms, True
            self._call_customer()

    def _enter(self) -> None:
        """He is somebody whom an agent shall serve."""
        if self.ahead and not self._asked_in:
            self._asked_in = True
            self._timers["unserved"] = self._now + self._wait_ms
            self._do(v.Await())

    def _pick_up(self) -> None:
        """The calling telephone is answered."""
        self._answered = True
        self._do(v.Answer())
        self._customer_up()

    def _leave(self, sound: Sound, by: str, cause: str, status: int | None = None) -> None:
        """There is no contact (any more), only somebody who has to be told so."""
        self.stage = Stage.LEAVING
        self._timers = {"said": self._now + self.limits.said_ms}
        self._left = (by, cause, None if self._answered else status)
        self._say(sound)

    def _call_customer(self) -> None:
        del self._timers["setup"]
        self.stage = Stage.DIALLING
        self._timers["dialling"] = self._now + self.limits.ring_ms
        self._do(v.Place())

    def _leave_agent(self) -> None:
        """The agent's part is over, whatever became of it."""
        if self.agent is not None and self.window:
            self._do(v.DropLeg(AGENT))
        self.agent, self.window = None, ""
        self.held = self.connected = False
        self._up[AGENT] = self._was_up[AGENT] = False
        self._asked_to_connect = False
        self._lost = 0
        self._hears.pop(AGENT, None)
        for name in ("agent", "window"):
            self._timers.pop(name, None)

    def _say(self, what: Sound) -> None:
        self._said = what
        self._token += 1
        self._timers["said"] = self._now + self.limits.said_ms
        self._hears.pop(CUSTOMER, None)

    def _be_quiet(self) -> None:
        self._said = None
        self._timers.pop("said", None)

    def _settle(self) -> None:
        if self.stage is Stage.OVER:
            return
        if self.stage is Stage.WAITING and self._up[CUSTOMER] and not self._greeted:
            self._greeted = True
            self._say(Sound.GREETING)
        both = self.stage is Stage.SERVED and self._up[AGENT] and self._up[CUSTOMER]
        if both and self.agent is not None and not self.connected and not self._asked_to_connect:
            self._asked_to_connect = True
            self._do(v.Connect(self.agent))
        if both:
            self._timers.pop("unserved", None)
            self._late = False
            self._talks_since = self._now if self._talks_since is None else self._talks_since
            self._do(*self.tape.talking())
        now = self._standing()
        for party, sound in ((CUSTOMER, customer_hears(now)), (AGENT, agent_hears(now))):
            if sound is not None and self._hears.get(party) is not sound:
                self._hears[party] = sound
                self._do(v.Hears(party, sound, self._token if sound in SAID else 0))
