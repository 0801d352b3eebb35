"""The small steps of a call's machine (`call.py`), and what follows from its state after each of its inputs."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_state import CallState
from channels.voice.call_values import AGENT, CUSTOMER, SAID, Sound, Stage
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
            self._talks_since = self._now if self._talks_since is None else self._talks_since
            self._do(*self.tape.talking())
        now = self._standing()
        for party, sound in ((CUSTOMER, customer_hears(now)), (AGENT, agent_hears(now))):
            if sound is not None and self._hears.get(party) is not sound:
                self._hears[party] = sound
                self._do(v.Hears(party, sound, self._token if sound in SAID else 0))
