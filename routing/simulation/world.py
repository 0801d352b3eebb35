"""The event loop of the simulated time: contacts come, wait, give up, are served; agents come, answer, wrap up, go.

Whom a contact is offered to, and when an offer ends, is the engine's decision; here is only what the log, the customers
and the agents would do about it. Times are ms; equal times happen in the order in which they were arranged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from heapq import heappop, heappush
from typing import Any, assert_never

from routing import inputs as i
from routing.engine import Engine
from routing.simulation.chances import Chance
from routing.simulation.demand import Arrival
from routing.simulation.tally import Key, Tally
from routing.specs import AgentSpec, AgentState, OverflowReason, QueueSpec

PROGRESS_EVERY = 4096
LONGEST_END_MS = 48 * 3_600_000
"""So long (or ten times as long as the time that counts, if that is more) may last what is left at its end: whoever
nobody ever answers, though there are agents who are offered him again and again, is left waiting then."""
BACK_MS = 60_000


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with his presence over the time: (from when, what). `decline` and `miss` are the shares of offers that
    he declines or lets pass; after a missed one he is back `back_ms` later."""

    spec: AgentSpec
    presence: tuple[tuple[int, AgentState], ...]
    decline: float = 0.0
    miss: float = 0.0
    back_ms: int = BACK_MS


class Phase(Enum):
    WAITING = "waiting"
    OFFERED = "offered"
    SERVED = "served"
    WRAPPING = "wrapping"
    GONE = "gone"


@dataclass(slots=True, eq=False)
class _Call:
    id: str
    arrival: Arrival
    key: Key
    queue: str
    leg: int = 0
    phase: Phase = Phase.WAITING
    agent: str = ""
    fence: int = 0


@dataclass(slots=True, eq=False)
class _Desk:
    """An agent at work; `state` is what he would be but for a missed offer."""

    agent: Agent
    state: AgentState = AgentState.OFFLINE
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Office:
    """Queues as they are from a time on (in order of time), what their overflow rules do, and the agents.

    A contact that should leave its queue for a reason that has no rule goes on waiting; the rule names the queue that
    it moves to, or None: it goes away. Who wrote is never sent away.
    """

    queues: Sequence[tuple[int, QueueSpec]]
    agents: Sequence[Agent]
    overflow: Mapping[tuple[str, OverflowReason], str | None] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """Runs `arrivals` past the office until everything has come to its end, and counts in `tally`."""

    engine: Engine
    office: Office
    arrivals: Iterator[Arrival]
    tally: Tally
    chance: Chance
    _heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = field(default_factory=list)
    _serial: int = 0
    _now: int = 0
    _calls: dict[str, _Call] = field(default_factory=dict)
    _desks: dict[str, _Desk] = field(default_factory=dict)

    def run(self, progress: Callable[[int], None]) -> None:
        """`progress` is told the simulated time now and then."""
        for at, queue in self.office.queues:
            self._arrange(at, self._feed, i.QueueChanged(queue))
        for agent in self.office.agents:
            self.engine.handle(i.AgentChanged(agent.spec), 0)
            desk = self._desks[agent.spec.id] = _Desk(agent)
            for at, state in agent.presence:
                self._arrange(at, self._presence, desk, state)
        self._expect()
        heap, deadline, count = self._heap, self.engine.next_deadline, 0
        end = self.tally.grid.end
        last = end + max(LONGEST_END_MS, 10 * end)
        while heap and self._now < last:
            due = deadline()
            if due is not None and due <= heap[0][0]:
                self._now = max(self._now, due)
                self._feed(i.Tick())
            else:
                self._now, _, happen, what = heappop(heap)
                happen(*what)
            count += 1
            if count % PROGRESS_EVERY == 0:
                progress(self._now)
            if not heap:
                self._last_deadlines(last)
        self.tally.close()

    def _last_deadlines(self, last: int) -> None:
        """Nothing is arranged any more: what the engine still wants to do may arrange something."""
        while not self._heap and self._calls and self._now < last and (due := self.engine.next_deadline()) is not None:
            self._now = max(self._now, due)
            self._feed(i.Tick())

    def _arrange(self, at: int, happen: Callable[..., None], *what: Any) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, happen, what))

    # --- customers --------------------------------------------------------------------------------------------

    def _expect(self) -> None:
        arrival = next(self.arrivals, None)
        if arrival is not None:
            self._arrange(arrival.at, self._arrive, arrival)

    def _arrive(self, arrival: Arrival) -> None:
        queue = arrival.legs[0].queue
        call = _Call(f"c{self._serial}", arrival, (queue, arrival.channel), queue)
        self._calls[call.id] = call
        self.tally.waiting.change(self._now, 1)
        self._enter(call, arrival.preferred)
        self.tally.offered(call.key, arrival.at, call.phase is Phase.WAITING)
        if arrival.patience_ms is not None and call.phase in (Phase.WAITING, Phase.OFFERED):
            self._arrange(self._now + arrival.patience_ms, self._give_up, call)
        self._expect()

    def _enter(self, call: _Call, preferred: str | None = None) -> None:
        call.phase = Phase.WAITING
        arrival, leg = call.arrival, call.arrival.legs[call.leg]
        self._feed(
            i.Enqueued(
                call.id,
                arrival.channel,
                call.queue,
                arrival.at,
                leg.requirements,
                arrival.priority,
                call.fence,
                preferred_agent=preferred,
                entered_at=self._now,
            )
        )

    def _give_up(self, call: _Call) -> None:
        if call.leg == 0 and call.phase in (Phase.WAITING, Phase.OFFERED):
            self.tally.abandoned(call.key, call.arrival.at)
            self._leave(call, abandoned=True)

    def _leave(self, call: _Call, *, abandoned: bool) -> None:
        self.tally.waiting.change(self._now, -1)
        call.phase = Phase.GONE
        del self._calls[call.id]
        self._feed(i.Dequeued(call.id, abandoned))

    # --- agents -----------------------------------------------------------------------------------------------

    def _presence(self, desk: _Desk, state: AgentState) -> None:
        desk.state = state
        self.tally.present(desk.agent.spec.id, state is AgentState.AVAILABLE, self._now)
        self._show(desk, state)

    def _show(self, desk: _Desk, state: AgentState) -> None:
        desk.epoch += 1
        self._feed(i.PresenceChanged(desk.agent.spec.id, state, desk.epoch, self._now))

    def _back(self, desk: _Desk, epoch: int) -> None:
        if desk.epoch == epoch:
            self._show(desk, desk.state)

    def _offered(self, offer: i.Offer) -> list[i.Decision]:
        call, desk = self._calls.get(offer.contact), self._desks[offer.agent]
        if call is None or call.phase is not Phase.WAITING:
            return []
        call.phase, call.agent, call.fence = Phase.OFFERED, offer.agent, offer.fence
        agent = desk.agent
        if not offer.auto_accept and (agent.miss or agent.decline):
            drawn = self.chance.random()
            if drawn < agent.miss:
                return []
            if drawn < agent.miss + agent.decline:
                self.tally.declined += 1
                call.phase = Phase.WAITING
                return self._handle(i.OfferDeclined(offer.contact, offer.agent, offer.fence))
        delay = call.arrival.legs[call.leg].answer_ms
        if offer.auto_accept or delay == 0:
            return self._accept(call)
        self._arrange(self._now + delay, self._answer, call, offer.fence)
        return []

    def _answer(self, call: _Call, fence: int) -> None:
        if call.phase is Phase.OFFERED and call.fence == fence:
            self._carry_out(self._accept(call))

    def _accept(self, call: _Call) -> list[i.Decision]:
        call.phase = Phase.SERVED
        self.tally.waiting.change(self._now, -1)
        if call.leg == 0:
            self.tally.answered(call.key, call.arrival.at, self._now)
        self.tally.begin(call.agent, call.key, self._now)
        self._arrange(self._now + call.arrival.legs[call.leg].handle_ms, self._finish, call)
        return self._handle(i.OfferAccepted(call.id, call.agent, call.fence))

    def _finish(self, call: _Call) -> None:
        legs = call.arrival.legs
        if call.leg + 1 < len(legs):
            self.tally.end(call.agent, call.key, self._now)
            self.tally.waiting.change(self._now, 1)
            self._feed(i.Released(call.id, call.agent))
            call.leg += 1
            call.queue = legs[call.leg].queue
            self._enter(call)
        elif legs[call.leg].wrap_up_ms:
            call.phase = Phase.WRAPPING
            self._arrange(self._now + legs[call.leg].wrap_up_ms, self._wrapped, call)
            self._feed(i.WrapUpStarted(call.id, call.agent))
        else:
            self._close(call, i.Released(call.id, call.agent))

    def _wrapped(self, call: _Call) -> None:
        if call.phase is Phase.WRAPPING:
            self._close(call, i.WrapUpEnded(call.id, call.agent))

    def _close(self, call: _Call, said: i.Input) -> None:
        call.phase = Phase.GONE
        del self._calls[call.id]
        self.tally.end(call.agent, call.key, self._now)
        self._feed(said)

    # --- the engine -------------------------------------------------------------------------------------------

    def _handle(self, input: i.Input) -> list[i.Decision]:
        return self.engine.handle(input, self._now)

    def _feed(self, input: i.Input) -> None:
        decisions = self.engine.handle(input, self._now)
        if decisions:
            self._carry_out(decisions)

    def _carry_out(self, decisions: list[i.Decision]) -> None:
        """What the hub would append to the log, and the log's answer to the engine, at once."""
        waiting = deque(decisions)
        while waiting:
            waiting.extend(self._follow(waiting.popleft()))

    def _follow(self, decision: i.Decision) -> list[i.Decision]:
        match decision:
            case i.Offer():
                return self._offered(decision)
            case i.ExpireOffer():
                if self._take_back(decision):
                    self.tally.missed += 1
                    return self._handle(i.OfferMissed(decision.contact, decision.agent, decision.fence))
            case i.Rescind():
                if self._take_back(decision):
                    return self._handle(i.OfferRescinded(decision.contact, decision.agent, decision.fence))
            case i.MarkNotResponding():
                desk = self._desks[decision.agent]
                if desk.epoch == decision.epoch:
                    self._show(desk, AgentState.NOT_RESPONDING)
                    self._arrange(self._now + desk.agent.back_ms, self._back, desk, desk.epoch)
            case i.EndWrapUp():
                if (call := self._calls.get(decision.contact)) is not None:
                    self._wrapped(call)
            case i.Overflow():
                self._overflow(decision)
            case i.SkillsRelaxed():
                pass
            case _:
                assert_never(decision)
        return []

    def _overflow(self, decision: i.Overflow) -> None:
        call, rules = self._calls.get(decision.contact), self.office.overflow
        rule = (decision.queue, decision.reason)
        if call is None or call.phase is not Phase.WAITING or call.queue != decision.queue or rule not in rules:
            return
        target = rules[rule]
        if target is not None:
            call.queue = target
            self._enter(call)
        elif call.arrival.channel != "email":
            if call.leg == 0:
                self.tally.overflowed(call.key, call.arrival.at)
            self._leave(call, abandoned=False)

    def _take_back(self, decision: i.ExpireOffer | i.Rescind) -> bool:
        """Whether that offer still ran; of several decisions about one offer the first one counts."""
        call = self._calls.get(decision.contact)
        if call is None or call.phase is not Phase.OFFERED or call.fence != decision.fence:
            return False
        call.phase = Phase.WAITING
        return True
