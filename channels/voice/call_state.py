"""What is known of one call: the state of its machine (`call.py`), and what is shown of it."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_values import AGENT, CUSTOMER, OUTGOING, Limits, Sound, Stage, Way
from channels.voice.guiding import Guide
from channels.voice.page_ring import PAGE, At, PageRing
from channels.voice.place_menu import PlaceMenu
from channels.voice.screening import Screening
from channels.voice.standing import Standing, agent_state, customer_state
from channels.voice.tape import Tape
from hub.model import Millis

LIMITS = Limits()


class CallState:
    """`contact` is the id of contact and call. `record`: whether recording begins by itself when the two can talk;
    `recording` is the first one's id."""

    def __init__(
        self,
        contact: str,
        way: Way,
        now: Millis,
        limits: Limits = LIMITS,
        *,
        record: bool = False,
        recording: str = "rc_1",
    ) -> None:
        self.contact = contact
        self.way = way
        self.limits = limits
        self.stage = Stage.SETUP
        self.agent: str | None = None
        self.window = ""  # the agent's window that has the audio
        self.held = False
        self.connected = False  # by the log
        self.digits = 0
        self.since = now  # when the shown state began
        self.tape = Tape(recording, record=record)
        self.menu = PlaceMenu()
        self.screening = Screening()
        self.guide = Guide()
        self.page = PageRing()
        self._answered = False  # the customer's telephone is connected
        self._up = {CUSTOMER: False, AGENT: False}
        self._was_up = {CUSTOMER: False, AGENT: False}
        self._talks_since: Millis | None = None
        self._ringing = False
        self._early = False
        self._customer_holds = False
        self._left: tuple[str, str, int | None] = ("system", "", None)
        self._greeted = False
        self._said: Sound | None = None
        self._token = 0
        self._lost = 0
        self._asked_to_connect = False
        self._wait_ms: Millis = 0  # for an agent, of who was called ahead of one
        self._asked_in = False
        self._entered = False  # by the log his contact waits for one, or has one
        self._sure_at = now + limits.longest_ms  # until then what is heard tells who answered
        self._late = False  # he has waited for that long
        self._hears: dict[str, Sound] = {}
        self._timers: dict[str, Millis] = {"setup": now + limits.setup_ms, "longest": now + limits.longest_ms}
        if way in OUTGOING:
            self._timers["setup"] = now + limits.connect_ms
        self._out: list[v.Output] = []
        self._now = now

    # --- asked from outside ----------------------------------------------------------------------------------------

    @property
    def deadline(self) -> Millis | None:
        """When a Tick is wanted; None when the call is over."""
        return min(self._timers.values(), default=None)

    @property
    def ahead(self) -> bool:
        """Whether the customer is called before an agent has the contact."""
        return self._wait_ms > 0

    @property
    def over(self) -> bool:
        return self.stage is Stage.OVER

    @property
    def by_web(self) -> bool:
        """Whether the customer is on the line by his browser."""
        return self.way is Way.WEB or self.page.at is At.TALKS

    @property
    def by_phone(self) -> bool:
        """Whether his side is a telephone."""
        return self.way is not Way.WEB and self.page.at not in PAGE

    @property
    def rings_until(self) -> Millis | None:
        """When his page will have rung long enough; None while it does not ring."""
        return self._timers.get("dialling") if self.page.at is At.RINGS else None

    def up(self, party: str) -> bool:
        return self._up[party]

    @property
    def recording(self) -> str:
        """off, on or paused."""
        return self.tape.state

    @property
    def agent_state(self) -> str:
        return agent_state(self._standing())

    @property
    def customer_state(self) -> str:
        return customer_state(self._standing())

    def _standing(self) -> Standing:
        up, was = self._up, self._was_up
        return Standing(
            *(self.stage, up[CUSTOMER], up[AGENT], was[AGENT], self.agent is not None, self.connected, self.held),
            *(self._said, self.menu.busy, self._ringing, self._early, self.page.at),
        )
