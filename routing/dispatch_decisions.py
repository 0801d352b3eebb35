"""The engine's decisions on their way into the log: so many at a time, the others wait for their turn, in order.

A herd of agents who sign in beside a long queue is paired with it in a second or two; to write the offers takes the
store many times that. So the engine, which has to know at once what the log says, does not wait for them, and they
must not grow old in waiting: an offer's time begins when it is appended, one that the engine takes back before its turn
is never made, and the answers that free agents and contacts go before new offers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import structlog

from hub import commands as c
from hub.errors import HubError, Unavailable
from hub.model import Millis
from hub.ports import Fence
from hub.service import Hub
from routing import inputs as i
from routing.dispatch_overflow import leave_queue
from routing.engine import Engine

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 256  # decisions that are being appended: a herd must not fill the store's queue
PAUSE_S = 0.5  # before a decision that the store could not take is tried again
LATE_MS = 1_000  # an offer that waited longer than this for its turn runs from then on, as long as it was to run


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision: by which engine, by what right, and when."""

    decision: i.Decision
    engine: Engine
    fence: Fence | None
    at: Millis


class Decisions:
    """`rejected` is told of each offer that the log will not hold."""

    def __init__(self, hub: Hub, rejected: Callable[[i.Offer, Engine], None]) -> None:
        self._hub = hub
        self._rejected = rejected
        self._answers: dict[i.Decision, Decided] = {}
        self._offers: dict[str, Decided] = {}
        self._work: set[asyncio.Task[None]] = set()
        self.offering = True

    @property
    def busy(self) -> bool:
        return bool(self._work or self._answers or self._offers)

    def add(self, decided: Decided) -> None:
        """Begins it, or has it wait. One that waits already waits on where it stands."""
        decision = decided.decision
        if isinstance(decision, i.Offer):
            # Of two offers of a contact, the engine has given up the first.
            self._offers.pop(decision.contact, None)
            self._offers[decision.contact] = decided
        elif isinstance(decision, i.ExpireOffer | i.Rescind) and (offer := self._waiting_offer(decision)):
            if isinstance(decision, i.Rescind):
                del self._offers[decision.contact]
                self._rejected(offer, decided.engine)
        else:
            self._answers.setdefault(decision, decided)
        self._pump()

    def _waiting_offer(self, decision: i.ExpireOffer | i.Rescind) -> i.Offer | None:
        """The offer that it speaks of, while that waits for its turn."""
        decided = self._offers.get(decision.contact)
        offer = decided.decision if decided else None
        same = isinstance(offer, i.Offer) and (offer.agent, offer.fence) == (decision.agent, decision.fence)
        return offer if same and isinstance(offer, i.Offer) else None

    def drop(self) -> None:
        """What waits is done with: another engine decides."""
        self._answers.clear()
        self._offers.clear()

    async def stop(self) -> None:
        """Finishes what is being appended."""
        self.drop()
        while self._work:
            await asyncio.wait(self._work, timeout=2)

    def _pump(self) -> None:
        while len(self._work) < MOST_AT_ONCE and (waiting := self._answers or self._offers):
            decided = waiting.pop(next(iter(waiting)))  # type: ignore[arg-type]  # a key of the same dictionary
            task = asyncio.create_task(self._perform(decided))
            self._work.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        self._pump()

    async def _perform(self, decided: Decided) -> None:
        decision = decided.decision
        try:
            await self._decide(decided)
            return
        except Unavailable:
            # The engine gives a decision again that the log has not answered; an offer it must be told about.
            if isinstance(decision, i.Offer):
                await asyncio.sleep(PAUSE_S)
        except HubError as error:
            log.debug("dispatcher.refused", decision=type(decision).__name__, reason=error.code)
        except Exception:
            log.exception("dispatcher.failed", decision=type(decision).__name__)
            if isinstance(decision, i.Offer):
                await asyncio.sleep(PAUSE_S)
        if isinstance(decision, i.Offer):
            self._rejected(decision, decided.engine)

    async def _decide(self, decided: Decided) -> None:
        hub, decision = self._hub, decided.decision
        do = partial(hub.contacts.do, fence=decided.fence)
        match decision:
            case i.Offer():
                if not self.offering:
                    return
                late = hub.clock.now() - decided.at
                deadline = decision.deadline + (late if late > LATE_MS else 0)
                offer = c.MakeOffer(decision.agent, decision.fence, deadline, decision.epoch, decision.auto_accept)
                await do(decision.contact, offer, actor="system")
                if decision.auto_accept:
                    await do(decision.contact, c.Accept(decision.agent, decision.fence), actor=decision.agent)
            case i.ExpireOffer():
                row = await hub.contacts.get(decision.contact)
                miss = c.Miss(decision.agent, decision.fence, hub.retry_ms(row.contact.queue))
                await do(decision.contact, miss, actor="system")
            case i.Rescind():
                rescind = c.Rescind(decision.agent, decision.fence, str(decision.reason))
                await do(decision.contact, rescind, actor="system")
            case i.MarkNotResponding():
                await hub.presence.not_responding(decision.agent, decision.epoch)
            case i.EndWrapUp():
                await do(decision.contact, c.Finish("system", None, "timeout"), actor="system")
            case i.SkillsRelaxed():
                await do(decision.contact, c.Relax(decision.step), actor="system")
            case i.Overflow():
                await leave_queue(hub, decision.contact, decision.queue, decision.reason, decided.fence)
            case _:
                assert_never(decision)
