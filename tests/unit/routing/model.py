"""What the routing engine has to know, said a second time: slowly, by looking at everything, and without an index.

The model takes the same inputs as the engine and keeps the same facts, but it makes no offers of its own: `Judge` asks
it what was allowed.
"""

from dataclasses import dataclass, field
from typing import assert_never

from msgspec.structs import replace

from routing import inputs as i
from routing.engine import REJECTED_MS
from routing.overflow import REPEAT_MS
from routing.specs import DEFAULT_CHANNELS, AgentSpec, AgentState, OverflowReason, QueueSpec, Strategy

Key = tuple[int, int, int]


@dataclass
class ModelOffer:
    agent: str
    fence: int
    deadline: int
    epoch: int
    made: bool = False
    rescinded: bool = False
    told_at: int | None = None


@dataclass
class ModelContact:
    facts: i.Enqueued
    serial: int
    fence: int
    listed: bool = False
    answered: int = 0
    step: int = 0
    announced: int = 0
    next_facts: i.Enqueued | None = None
    offer: ModelOffer | None = None
    excluded: dict[str, int] = field(default_factory=dict)
    kept_for: str | None = None
    kept_until: int = 0
    directed: bool = False
    full: bool = False
    """It found its queue full and was not offered to anybody since."""
    unserved_since: int | None = None
    told: dict[OverflowReason, int] = field(default_factory=dict)
    """When it was told last to leave its queue, by reason."""


@dataclass
class ModelWork:
    channel: str
    queue: str
    cost: int
    stage: str
    until: int = 0


@dataclass
class ModelAgent:
    spec: AgentSpec
    ordinal: int
    state: AgentState = AgentState.OFFLINE
    epoch: int = -1
    at: int = -1
    removed: bool = False
    idle_since: int = 0
    handled_today: int = 0
    turns: dict[str, int] = field(default_factory=dict)
    contacts: dict[str, ModelWork] = field(default_factory=dict)

    @property
    def load(self) -> int:
        return sum(work.cost for work in self.contacts.values())

    @property
    def spare(self) -> tuple[int, int, int]:
        return (sum(work.stage == "offered" for work in self.contacts.values()), self.idle_since, self.ordinal)


class Model:
    """The facts and the brute-force rules over them."""

    def __init__(self) -> None:
        self.now = 0
        self.queues: dict[str, QueueSpec] = {}
        self.agents: dict[str, ModelAgent] = {}
        self.contacts: dict[str, ModelContact] = {}
        self.serial = self.ordinal = 0
        self.not_responding: dict[str, int] = {}
        """Agents marked by the engine and not yet heard of: the epoch it was for."""
        self.closed_since: dict[str, int] = {}

    # --- rules ----------------------------------------------------------------------------------------------------

    def skills(self, contact: ModelContact) -> dict[str, int]:
        queue = self.queues[contact.facts.queue]
        asked = dict(queue.skills)
        for step in queue.relax:
            if self.now - contact.facts.enqueued_at >= step.after_ms:
                asked = dict(step.skills)
        for skill, level in contact.facts.requirements.items():
            asked[skill] = max(asked.get(skill, 0), level)
        return asked

    def key(self, contact: ModelContact) -> Key:
        facts, queue = contact.facts, self.queues[contact.facts.queue]
        score = facts.enqueued_at - (facts.priority + queue.priority) * queue.quantum_ms
        return (score, facts.enqueued_at, contact.serial)

    def matches(self, contact: ModelContact, agent: ModelAgent) -> bool:
        spec, facts = agent.spec, contact.facts
        if spec.maxima.get(facts.channel) == 0 or (spec.queues is not None and facts.queue not in spec.queues):
            return False
        return all(spec.skills.get(skill, 0) >= level for skill, level in self.skills(contact).items())

    def cost(self, agent: ModelAgent, channel: str, queue: str) -> int:
        if channel in agent.spec.costs:
            return agent.spec.costs[channel]
        if queue in self.queues and channel in self.queues[queue].costs:
            return self.queues[queue].costs[channel]
        return DEFAULT_CHANNELS[channel].cost

    def has_room(self, agent: ModelAgent, channel: str, queue: str) -> bool:
        rules = DEFAULT_CHANNELS[channel]
        held = [work.channel for work in agent.contacts.values()]
        most = agent.spec.maxima.get(channel, rules.maximum)
        if most is not None and held.count(channel) >= most:
            return False
        if rules.takes_line and any(DEFAULT_CHANNELS[other].takes_line for other in held):
            return False
        interrupts = rules.interrupts if agent.spec.interrupts is None else agent.spec.interrupts.get(channel, ())
        load = sum(work.cost for work in agent.contacts.values() if work.channel not in interrupts)
        return load + self.cost(agent, channel, queue) <= agent.spec.capacity

    def can(self, contact: ModelContact, agent: ModelAgent) -> bool:
        """Whether the contact, which waits, may be offered to the agent now."""
        if agent.state is not AgentState.AVAILABLE or agent.removed:
            return False
        if any(work.stage == "wrapping" for work in agent.contacts.values()):
            return False
        if contact.excluded.get(agent.spec.id, 0) > self.now or contact.facts.contact in agent.contacts:
            return False
        if contact.kept_for is not None and contact.kept_for != agent.spec.id:
            return False
        if not contact.directed and not self.matches(contact, agent):
            return False
        return self.has_room(agent, contact.facts.channel, contact.facts.queue)

    def waiting(self) -> list[ModelContact]:
        return [contact for contact in self.contacts.values() if contact.listed and contact.offer is None]

    def rank(self, agent: ModelAgent, contact: ModelContact) -> tuple[float, ...]:
        """The agent's place in the order of the contact's queue, least first."""
        match self.queues[contact.facts.queue].strategy:
            case Strategy.LONGEST_IDLE:
                return (bool(agent.contacts), *agent.spare)
            case Strategy.LEAST_LOADED:
                return (agent.load / agent.spec.capacity, *agent.spare)
            case Strategy.ROUND_ROBIN:
                return (agent.turns.get(contact.facts.queue, 0), agent.ordinal)
            case Strategy.MOST_SKILLED:
                levels = sum(agent.spec.skills.get(skill, 0) for skill in self.skills(contact))
                return (-levels, *agent.spare)
            case Strategy.LEAST_SKILLED:
                return (sum(agent.spec.skills.values()), *agent.spare)
            case Strategy.FIXED_ORDER:
                return (agent.spec.order, *agent.spare)
            case Strategy.FEWEST_TODAY:
                return (agent.handled_today + agent.spare[0], *agent.spare)
            case Strategy.RANDOM:
                return ()
            case other:
                assert_never(other)

    # --- overflow -------------------------------------------------------------------------------------------------

    def served(self, contact: ModelContact) -> bool:
        """Whether anybody available could serve the contact if he had nothing else to do."""
        for agent in self.agents.values():
            wanted = (contact.directed and contact.kept_for == agent.spec.id) or self.matches(contact, agent)
            here = agent.state is AgentState.AVAILABLE and not agent.removed
            idle = ModelAgent(agent.spec, 0)
            if here and wanted and self.has_room(idle, contact.facts.channel, contact.facts.queue):
                return True
        return False

    def length(self, queue: str) -> int:
        return sum(contact.listed and contact.facts.queue == queue for contact in self.contacts.values())

    def should_leave_at(self, contact: ModelContact, reason: OverflowReason) -> int | None:
        """From when on the reason holds for a contact that waits, or None; what was told counts from then."""
        if not contact.listed:
            return 0 if reason is OverflowReason.NO_QUEUE else None
        facts, spec = contact.facts, self.queues[contact.facts.queue]
        entered = facts.enqueued_at if facts.entered_at is None else facts.entered_at
        delay = spec.overflow.get(reason)
        if reason is OverflowReason.QUEUE_FULL:
            return 0 if contact.full else None
        if delay is None:
            return None
        if reason is OverflowReason.WAIT:
            return entered + delay
        if reason is OverflowReason.CLOSED:
            return max(entered, self.closed_since[spec.id]) + delay if spec.closed else None
        if reason is OverflowReason.UNSTAFFED:
            return None if contact.unserved_since is None else contact.unserved_since + delay
        return None

    def overflows(self) -> list[tuple[str, str, OverflowReason]]:
        """Who has to be told now to leave its queue, and why: once, and again until it left or the reason is gone."""
        found = []
        for id, contact in self.contacts.items():
            if contact.offer is not None:
                contact.full, contact.unserved_since = False, None
                contact.told.pop(OverflowReason.UNSTAFFED, None)
                continue
            watched = contact.listed and OverflowReason.UNSTAFFED in self.queues[contact.facts.queue].overflow
            if not watched or self.served(contact):
                contact.unserved_since = None
                contact.told.pop(OverflowReason.UNSTAFFED, None)
            elif contact.unserved_since is None:
                contact.unserved_since = self.now
            for reason in OverflowReason:
                due = self.should_leave_at(contact, reason)
                if due is None or due > self.now or self.now - contact.told.get(reason, -REPEAT_MS) < REPEAT_MS:
                    continue
                if reason is OverflowReason.QUEUE_FULL:
                    most = self.queues[contact.facts.queue].max_length
                    contact.full = most is not None and self.length(contact.facts.queue) > most
                    if not contact.full:
                        continue
                contact.told[reason] = self.now
                found.append((id, contact.facts.queue, reason))
        return found

    def _change_rules(self, before: QueueSpec | None, spec: QueueSpec) -> None:
        """A rule that changed is told anew."""
        if not spec.closed:
            self.closed_since.pop(spec.id, None)
        else:
            self.closed_since.setdefault(spec.id, self.now)
        for reason in OverflowReason:
            alike = before is not None and before.overflow.get(reason) == spec.overflow.get(reason)
            if reason is OverflowReason.CLOSED:
                alike = alike and before is not None and before.closed == spec.closed
            for contact in self.contacts.values():
                if contact.facts.queue == spec.id and not alike:
                    contact.told.pop(reason, None)

    # --- facts ----------------------------------------------------------------------------------------------------

    def apply(self, input: i.Input) -> None:
        match input:
            case i.QueueChanged():
                before = self.queues.get(input.queue.id)
                self.queues[input.queue.id] = input.queue
                self._change_rules(before, input.queue)
                oldest_first = sorted(self.contacts.values(), key=lambda each: (each.facts.enqueued_at, each.serial))
                for contact in oldest_first:
                    if before is None and contact.facts.queue == input.queue.id and contact.offer is None:
                        self._list(contact)
            case i.QueueRemoved():
                existed = self.queues.pop(input.queue, None) is not None
                self.closed_since.pop(input.queue, None)
                for contact in self.contacts.values():
                    if existed and contact.facts.queue == input.queue:
                        contact.listed, contact.kept_for, contact.directed = False, None, False
                        contact.told.clear()
            case i.AgentChanged():
                agent = self.agents.get(input.agent.id)
                if agent is None:
                    agent = self._new_agent(input.agent)
                agent.spec, agent.removed = input.agent, False
            case i.AgentRemoved():
                if (agent := self.agents.get(input.agent)) is not None:
                    agent.removed, agent.state = True, AgentState.OFFLINE
                    self.not_responding.pop(input.agent, None)
                    self._bury(agent)
            case i.PresenceChanged():
                agent = self.agents.get(input.agent)
                if agent is not None and not agent.removed and (input.epoch, input.at) > (agent.epoch, agent.at):
                    if input.state is AgentState.AVAILABLE and agent.state is not AgentState.AVAILABLE:
                        agent.idle_since = max(agent.idle_since, min(input.at, self.now))
                    agent.state, agent.epoch, agent.at = input.state, input.epoch, input.at
                    self.not_responding.pop(input.agent, None)
            case i.Enqueued():
                self._enqueue(input)
            case i.Dequeued():
                if (gone := self.contacts.get(input.contact)) is not None:
                    self._end_offer(gone)
                    del self.contacts[input.contact]
            case i.OfferMade():
                self._adopt(input)
            case i.OfferAccepted():
                if (live := self._live(input)) is not None and live.offer is not None:
                    agent = self.agents[live.offer.agent]
                    agent.contacts[live.facts.contact].stage = "held"
                    agent.idle_since = self.now
                    agent.handled_today += 1
                    del self.contacts[input.contact]
            case i.OfferDeclined() | i.OfferMissed():
                self._refuse(input)
            case i.OfferRescinded() | i.OfferRejected():
                live = self._live(input)
                rejected = isinstance(input, i.OfferRejected)
                if live is not None and live.offer is not None and not (rejected and live.offer.made):
                    if rejected:
                        self._exclude(live, input.agent, self.now + REJECTED_MS, refused=False)
                    else:
                        live.answered = input.fence
                    self._put_back(live)
            case i.Assigned():
                agent = self.agents.get(input.agent)
                had = agent.contacts.get(input.contact) if agent is not None else None
                if agent is not None and (had is None or (had.stage == "held" and had.channel != input.channel)):
                    agent.contacts.pop(input.contact, None)
                    cost = self.cost(agent, input.channel, input.queue)
                    agent.contacts[input.contact] = ModelWork(input.channel, input.queue, cost, "held")
                    agent.idle_since = max(agent.idle_since, min(input.since, self.now))
            case i.Released():
                self._finish(input.agent, input.contact, "held")
            case i.WrapUpEnded():
                self._finish(input.agent, input.contact, "held", "wrapping")
            case i.WrapUpStarted():
                agent = self.agents.get(input.agent)
                work = agent.contacts.get(input.contact) if agent else None
                if work is not None and work.stage != "offered":
                    self._wrap_up(work, input.until)
            case i.HandledToday():
                for agent in self.agents.values():
                    agent.handled_today = input.counts.get(agent.spec.id, 0)
            case i.Tick():
                pass
            case _:
                assert_never(input)

    def _new_agent(self, spec: AgentSpec) -> ModelAgent:
        self.ordinal += 1
        agent = self.agents[spec.id] = ModelAgent(spec, self.ordinal)
        return agent

    def _enqueue(self, facts: i.Enqueued) -> None:
        contact = self.contacts.get(facts.contact)
        if contact is None:
            self.serial += 1
            contact = self.contacts[facts.contact] = ModelContact(facts, self.serial, facts.last_fence)
            contact.announced = facts.relaxed_step
            self._list(contact, entered=not facts.let_in)
        elif place(contact.next_facts or contact.facts) != place(facts):
            if contact.offer is not None and facts.last_fence < contact.offer.fence:
                contact.next_facts = facts
            else:
                self._end_offer(contact)
                self._relist(contact, facts)
        contact.fence = max(contact.fence, facts.last_fence)
        for agent, until in facts.excluded.items():
            if until > self.now:
                self._exclude(contact, agent, until, refused=True)

    def _list(self, contact: ModelContact, *, entered: bool = True) -> None:
        facts = contact.facts
        contact.listed = facts.queue in self.queues
        contact.kept_for, contact.directed = None, False
        contact.full, contact.unserved_since = False, None
        contact.told.clear()
        if not contact.listed:
            return
        most = self.queues[facts.queue].max_length
        contact.full = entered and most is not None and self.length(facts.queue) > most
        if facts.only_agent is not None and facts.only_until is not None:
            contact.kept_for, contact.kept_until, contact.directed = facts.only_agent, facts.only_until, True
        elif facts.preferred_agent is not None:
            wait_ms = facts.preferred_wait_ms
            wait_ms = self.queues[facts.queue].sticky_wait_ms if wait_ms is None else wait_ms
            contact.kept_for, contact.kept_until = facts.preferred_agent, facts.enqueued_at + wait_ms
        if contact.kept_for is not None and contact.excluded.get(contact.kept_for, 0) > self.now:
            contact.kept_for, contact.directed = None, False

    def _relist(self, contact: ModelContact, facts: i.Enqueued) -> None:
        moved = facts.queue != contact.facts.queue or not contact.listed
        entered = (moved and not facts.let_in) or contact.full
        if facts.queue != contact.facts.queue:
            contact.announced = facts.relaxed_step
        contact.facts, contact.next_facts = facts, None
        self._list(contact, entered=entered)

    def _exclude(self, contact: ModelContact, agent: str, until: int, *, refused: bool) -> None:
        if until > self.now:
            contact.excluded[agent] = max(until, contact.excluded.get(agent, 0))
        if refused and contact.kept_for == agent:
            contact.kept_for, contact.directed = None, False

    def _live(
        self, input: i.OfferAccepted | i.OfferDeclined | i.OfferMissed | i.OfferRescinded | i.OfferRejected
    ) -> ModelContact | None:
        contact = self.contacts.get(input.contact)
        if contact is None or contact.offer is None:
            return None
        return contact if (contact.offer.agent, contact.offer.fence) == (input.agent, input.fence) else None

    def _refuse(self, input: i.OfferDeclined | i.OfferMissed) -> None:
        contact = self._live(input)
        if contact is None or contact.offer is None:
            return
        epoch, agent = contact.offer.epoch, self.agents[input.agent]
        until = input.until
        if until is None:
            retry_ms = self.queues[contact.facts.queue].retry_exclude_ms if contact.listed else REJECTED_MS
            until = self.now + retry_ms
        self._exclude(contact, input.agent, until, refused=True)
        contact.answered = input.fence
        self._put_back(contact)
        if isinstance(input, i.OfferMissed) and agent.state is AgentState.AVAILABLE and agent.epoch == epoch:
            agent.state = AgentState.NOT_RESPONDING
            self.not_responding[input.agent] = epoch

    def _end_offer(self, contact: ModelContact) -> None:
        if contact.offer is not None:
            agent = self.agents[contact.offer.agent]
            del agent.contacts[contact.facts.contact]
            contact.offer = None
            self._bury(agent)

    def _put_back(self, contact: ModelContact) -> None:
        self._end_offer(contact)
        if contact.next_facts is not None:
            self._relist(contact, contact.next_facts)
        elif not contact.listed:
            self._list(contact)

    def _adopt(self, input: i.OfferMade) -> None:
        contact = self.contacts.get(input.contact)
        if contact is None or input.fence <= contact.answered:
            return
        agent = self.agents.get(input.agent)
        if agent is not None and input.contact in agent.contacts and agent.contacts[input.contact].stage != "offered":
            return
        contact.answered = input.fence - 1
        if contact.offer is not None and (contact.offer.agent, contact.offer.fence) == (input.agent, input.fence):
            contact.offer.made, contact.offer.deadline = True, input.deadline
            return
        self._end_offer(contact)
        agent = self.agents.get(input.agent)
        if agent is None:
            agent = self._new_agent(AgentSpec(input.agent))
            agent.removed = True
        self.offer(contact, agent, ModelOffer(input.agent, input.fence, input.deadline, input.epoch, made=True))

    def offer(self, contact: ModelContact, agent: ModelAgent, offer: ModelOffer) -> None:
        facts = contact.facts
        cost = self.cost(agent, facts.channel, facts.queue if contact.listed else "")
        agent.contacts[facts.contact] = ModelWork(facts.channel, facts.queue, cost, "offered")
        contact.offer = offer
        contact.fence = max(contact.fence, offer.fence)

    def _wrap_up(self, work: ModelWork, until: int | None) -> None:
        if until is None and work.stage == "wrapping":
            return
        wrap_up_ms = self.queues[work.queue].wrap_up_ms if work.queue in self.queues else 0
        work.stage, work.until = "wrapping", self.now + wrap_up_ms if until is None else until

    def _finish(self, id: str, contact: str, *stages: str) -> None:
        agent = self.agents.get(id)
        if agent is not None and contact in agent.contacts and agent.contacts[contact].stage in stages:
            del agent.contacts[contact]
            agent.idle_since = self.now
            self._bury(agent)

    def _bury(self, agent: ModelAgent) -> None:
        if agent.removed and not agent.contacts:
            del self.agents[agent.spec.id]

    def fall(self) -> None:
        """A waiting contact that is kept for somebody who will not take it now is kept for nobody any more."""
        for contact in self.waiting():
            if contact.kept_for is None:
                continue
            agent = self.agents.get(contact.kept_for)
            stays = agent is not None and not agent.removed and contact.kept_until > self.now
            if stays and agent is not None:
                heard, state = agent.epoch >= 0, agent.state
                if contact.directed:
                    stays = not heard or state is not AgentState.OFFLINE
                else:
                    stays = (not heard or state is AgentState.AVAILABLE) and self.matches(contact, agent)
            if not stays:
                contact.kept_for, contact.directed = None, False


def place(facts: i.Enqueued) -> i.Enqueued:
    return replace(facts, last_fence=0, relaxed_step=0, excluded={}, let_in=False)
