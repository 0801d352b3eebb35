"""Sees to it that an engine does what it has to.

`step` feeds the engine and the model, checks each decision against what was allowed at that moment, and then, once the
engine is quiet, checks that nothing was left undone and that every figure and every index equals a recount. The
numbers in the comments are those of the invariants in the routing notes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from routing import inputs as i
from routing.engine import REPEAT_MS, Engine
from routing.specs import DEFAULT_CHANNELS, AgentState, QueueSpec, Strategy
from tests.unit.routing.indexes import check_indexes
from tests.unit.routing.model import Model, ModelAgent, ModelContact, ModelOffer


class Judge(Model):
    """A model, an engine, and whether they agree."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.engine = Engine(seed=seed)
        self.turn = 0

    def step(self, input: i.Input, now: int) -> list[i.Decision]:
        """Feed both, judge the decisions and the state after them, and return the decisions."""
        self.now = max(self.now, now)
        self.apply(input)
        self.fall()
        decisions = self.engine.handle(input, now)
        for decision in decisions:
            self.judge(decision)
        self._check_told(decisions)
        self._check_overflow(decisions)
        self._check_quiet()
        self._check_figures()
        check_indexes(self.engine)
        return decisions

    def judge(self, decision: i.Decision) -> None:
        match decision:
            case i.Offer():
                self._judge_offer(decision)
            case i.ExpireOffer():
                offer = self._offer_of(decision.contact, decision.agent, decision.fence)
                assert self.now >= offer.deadline and not offer.rescinded
                offer.told_at = self.now
            case i.Rescind():
                offer = self._offer_of(decision.contact, decision.agent, decision.fence)
                agent = self.agents[decision.agent]
                gone = agent.removed or agent.state is not AgentState.AVAILABLE or agent.epoch != offer.epoch
                if decision.reason is i.RescindReason.NO_ROOM:
                    facts = self.contacts[decision.contact].facts
                    agent = self._beside(agent, decision.contact)
                    gone = not self.has_room(agent, facts.channel, facts.queue)
                assert gone or offer.rescinded
                offer.rescinded, offer.told_at = True, self.now
            case i.MarkNotResponding():
                assert self.not_responding[decision.agent] == decision.epoch == self.agents[decision.agent].epoch
            case i.EndWrapUp():
                work = self.agents[decision.agent].contacts[decision.contact]
                assert work.stage == "wrapping" and work.until <= self.now
            case i.SkillsRelaxed():
                contact = self.contacts[decision.contact]
                assert decision.step > contact.announced
                contact.announced = decision.step
            case i.Overflow():
                pass
            case _:
                assert_never(decision)

    def _beside(self, agent: ModelAgent, contact: str) -> ModelAgent:
        """The agent without this contact, and without what is being taken back from him."""
        others = {
            id: work
            for id, work in agent.contacts.items()
            if id != contact and not (work.stage == "offered" and self._is_rescinded(id))
        }
        return replace(agent, contacts=others)

    def _is_rescinded(self, contact: str) -> bool:
        offer = self.contacts[contact].offer
        return offer is not None and offer.rescinded

    def _offer_of(self, contact: str, agent: str, fence: int) -> ModelOffer:
        offer = self.contacts[contact].offer
        assert offer is not None and (offer.agent, offer.fence) == (agent, fence)
        return offer

    def _judge_offer(self, offer: i.Offer) -> None:
        contact, agent = self.contacts[offer.contact], self.agents[offer.agent]
        assert contact.listed and contact.offer is None, "one phase"
        assert self.can(contact, agent), "eligible now"
        assert offer.fence > contact.fence, "fences increase"
        queue, channel = self.queues[contact.facts.queue], contact.facts.channel
        assert offer.deadline == self.now + queue.offer_ms.get(channel, DEFAULT_CHANNELS[channel].offer_ms)
        assert offer.epoch == agent.epoch
        assert offer.auto_accept == (channel in agent.spec.auto_accept)
        better = [other for other in self.waiting() if self.key(other) < self.key(contact) and self.can(other, agent)]
        assert not better, "the least score among all the agent may serve"
        if contact.kept_for is None:
            able = [other for other in self.agents.values() if self.can(contact, other)]
            preferred = contact.facts.preferred_agent
            if preferred in {other.spec.id for other in able}:
                assert offer.agent == preferred, "the preferred agent first"
            elif queue.strategy is not Strategy.RANDOM:
                first = min(able, key=lambda other: self.rank(other, contact))
                assert first is agent, f"the first by {queue.strategy}"
        self.turn += 1
        agent.turns[contact.facts.queue] = self.turn
        self.offer(contact, agent, ModelOffer(offer.agent, offer.fence, offer.deadline, offer.epoch))

    def _check_told(self, decisions: list[i.Decision]) -> None:
        """Whatever is overdue was told lately."""
        for contact in self.contacts.values():
            offer = contact.offer
            if offer is not None and (offer.deadline <= self.now or offer.rescinded):
                assert offer.told_at is not None and self.now - offer.told_at < REPEAT_MS
            if contact.listed:
                relax = self.queues[contact.facts.queue].relax
                contact.step = sum(self.now - contact.facts.enqueued_at >= step.after_ms for step in relax)
                assert contact.step <= contact.announced
        for agent in self.agents.values():
            for id, work in agent.contacts.items():
                if work.stage != "offered":
                    continue
                offer = self.contacts[id].offer
                assert offer is not None
                heard = agent.epoch >= 0 or agent.removed
                if heard and (agent.state is not AgentState.AVAILABLE or agent.epoch != offer.epoch):
                    assert offer.rescinded

    def _check_overflow(self, decisions: list[i.Decision]) -> None:
        """Exactly those are told to leave for whom a reason holds, once everything is offered that can be."""
        told = [(d.contact, d.queue, d.reason) for d in decisions if isinstance(d, i.Overflow)]
        assert not told or all(isinstance(decision, i.Overflow) for decision in decisions[-len(told) :])
        due = self.overflows()
        assert sorted(told) == sorted(due), f"told {told}, but due are {due}"

    def _check_quiet(self) -> None:
        """Work conservation: nobody waits beside an agent with room for him."""
        for contact in self.waiting():
            for agent in self.agents.values():
                assert not self.can(contact, agent), f"{contact.facts.contact} waits beside {agent.spec.id}"

    def _check_figures(self) -> None:
        due = self.engine.next_deadline()
        assert due is None or due > self.now
        for id, agent in self.agents.items():
            view = self.engine.agent(id)
            assert view is not None
            assert (view.state, view.epoch, view.load) == (agent.state, agent.epoch, agent.load)
            for stage, shown in (("offered", view.offered), ("held", view.holding), ("wrapping", view.wrapping)):
                assert set(shown) == {c for c, work in agent.contacts.items() if work.stage == stage}
        for id, spec in self.queues.items():
            self._check_counters(id, spec)
        for id, contact in self.contacts.items():
            self._check_answers(id, contact)

    def _check_counters(self, id: str, spec: QueueSpec) -> None:
        counters = self.engine.counters(id)
        assert counters is not None
        listed = [contact for contact in self.contacts.values() if contact.listed and contact.facts.queue == id]
        assert counters.waiting == sum(contact.offer is None for contact in listed)
        assert counters.offered == sum(contact.offer is not None for contact in listed)
        assert counters.oldest == min((contact.facts.enqueued_at for contact in listed), default=None)
        staff = [agent for agent in self.agents.values() if agent.state is AgentState.AVAILABLE]
        staff = [agent for agent in staff if agent.spec.queues is None or id in agent.spec.queues]
        staff = [agent for agent in staff if _has(agent.spec.skills, spec.skills)]
        assert counters.staffed == len(staff)
        assert counters.idle == sum(not agent.contacts for agent in staff)

    def _check_answers(self, id: str, contact: ModelContact) -> None:
        position, wait_s = self.engine.position(id), self.engine.wait_estimate(id)
        told = {row.agent: row for row in self.engine.explain(id)}
        assert all(row.eligible == (not row.reasons) for row in told.values())
        if not contact.listed and contact.offer is None:
            assert position is None and wait_s is None
        elif contact.offer is not None:
            assert position == 1 and wait_s == 0.0
        else:
            kind = (contact.facts.queue, contact.facts.channel, self.skills(contact))
            ahead = 0
            for other in self.waiting():
                alike = (other.facts.queue, other.facts.channel, self.skills(other)) == kind
                lane = other.kept_for == contact.kept_for if contact.directed else other.kept_for is None
                ahead += alike and lane and self.key(other) < self.key(contact)
            assert position == ahead + 1
            assert wait_s is None or wait_s > 0
        if contact.listed and contact.offer is None:
            eligible = {agent for agent, row in told.items() if row.eligible}
            assert eligible == {id for id, agent in self.agents.items() if self.can(contact, agent)}


def _has(have: Mapping[str, int], asked: Mapping[str, int]) -> bool:
    return all(have.get(skill, 0) >= level for skill, level in asked.items())
