"""The engine under any sequence of inputs: it has to agree with a model that looks at everything.

The machine plays the hub and its log: it answers decisions late, in any order or twice, lets agents come, go and log in
again in the middle of an offer, moves contacts, edits queues, turns the clock back, and rebuilds the engine from what
the log would hold.
"""

import dataclasses

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from routing import inputs as i
from routing.specs import AgentState, OverflowReason, QueueSpec
from tests.unit.routing.inputs import AGENTS, AGES, CHANNELS, QUEUES, agent_specs, overflow_rules, queue_specs, wishes
from tests.unit.routing.judge import Judge
from tests.unit.routing.model import ModelContact, ModelOffer

START = 1_800_000_000_000
KEPT = ("nobody", "preferred", "only")


class Hub(RuleBasedStateMachine):
    """The hub's side of the conversation."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = Judge(seed=7)
        self.now = START
        self.undone: list[i.Decision] = []
        self.last: i.Input = i.Tick()
        self.contacts = 0

    def feed(self, input: i.Input) -> list[i.Decision]:
        self.last = input
        decisions = self.judge.step(input, self.now)
        self.undone += [d for d in decisions if not isinstance(d, i.Offer | i.SkillsRelaxed)]
        return decisions

    @initialize(data=st.data())
    def open(self, data: st.DataObject) -> None:
        for id in QUEUES:
            self.feed(i.QueueChanged(data.draw(queue_specs(id))))
        for id in AGENTS[:3]:
            self.feed(i.AgentChanged(data.draw(agent_specs(id))))
            self.now += data.draw(st.integers(0, 2))
            self.feed(i.PresenceChanged(id, AgentState.AVAILABLE, 1, self.now))

    # --- contacts ---------------------------------------------------------------------------------------------------

    @rule(channel=st.sampled_from(CHANNELS), queue=st.sampled_from(QUEUES[:2]), age=st.integers(0, 3))
    def walk_in(self, channel: str, queue: str, age: int) -> None:
        self.contacts += 1
        self.feed(i.Enqueued(f"c{self.contacts}", channel, queue, self.now - age))

    @rule(data=st.data(), count=st.integers(2, 5), channel=st.sampled_from(CHANNELS))
    def rush(self, data: st.DataObject, count: int, channel: str) -> None:
        for _ in range(count):
            self.walk_in(channel, data.draw(st.sampled_from(QUEUES[:2])), data.draw(st.integers(0, 1)))

    @rule(data=st.data(), channel=st.sampled_from(CHANNELS), age=st.sampled_from(AGES), kept=st.sampled_from(KEPT))
    def arrive(self, data: st.DataObject, channel: str, age: int, kept: str) -> None:
        self.contacts += 1
        self.feed(self.facts(data, f"c{self.contacts}", channel, self.now - age, kept))

    @precondition(lambda self: self.judge.contacts)
    @rule(data=st.data(), kept=st.sampled_from(KEPT))
    def move(self, data: st.DataObject, kept: str) -> None:
        """To another queue or channel, with the age it has; the hub knows of no offer, of this one, or of more."""
        contact = self.contact(data)
        fence = data.draw(st.sampled_from((0, contact.fence, contact.fence + 2)))
        channel = data.draw(st.sampled_from(CHANNELS))
        facts = self.facts(data, contact.facts.contact, channel, contact.facts.enqueued_at, kept)
        self.feed(replace(facts, last_fence=fence))

    def facts(self, data: st.DataObject, id: str, channel: str, enqueued_at: int, kept: str) -> i.Enqueued:
        agent = data.draw(st.sampled_from(AGENTS)) if kept != "nobody" else None
        return i.Enqueued(
            id,
            channel,
            data.draw(st.sampled_from((*QUEUES[:2], *QUEUES))),
            enqueued_at,
            data.draw(wishes),
            data.draw(st.integers(0, 2)),
            preferred_agent=agent if kept == "preferred" else None,
            preferred_wait_ms=data.draw(st.none() | st.sampled_from((0, 30_000, 200_000))) if agent else None,
            only_agent=agent if kept == "only" else None,
            only_until=self.now + data.draw(st.sampled_from((1, 40_000))) if kept == "only" else None,
            let_in=data.draw(st.booleans()),
            entered_at=data.draw(st.sampled_from((None, self.now, max(enqueued_at, self.now - 15_000)))),
            excluded={data.draw(st.sampled_from(AGENTS)): self.now + 15_000} if data.draw(st.booleans()) else {},
        )

    @precondition(lambda self: self.judge.contacts)
    @rule(data=st.data(), abandoned=st.booleans())
    def leave(self, data: st.DataObject, abandoned: bool) -> None:
        self.feed(i.Dequeued(self.contact(data).facts.contact, abandoned))

    def contact(self, data: st.DataObject) -> ModelContact:
        return self.judge.contacts[data.draw(st.sampled_from(sorted(self.judge.contacts)))]

    # --- offers -----------------------------------------------------------------------------------------------------

    def offers(self) -> list[tuple[str, ModelOffer]]:
        return [(id, contact.offer) for id, contact in self.judge.contacts.items() if contact.offer is not None]

    @precondition(lambda self: self.offers())
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        self.answer(data, i.OfferAccepted)

    @precondition(lambda self: self.offers())
    @rule(data=st.data(), how=st.sampled_from((i.OfferMissed, i.OfferDeclined, i.OfferRescinded, i.OfferRejected)))
    def answer(self, data: st.DataObject, how: type[i.OfferAccepted | i.OfferMissed]) -> None:
        id, offer = data.draw(st.sampled_from(self.offers()))
        self.feed(how(id, offer.agent, offer.fence))

    @precondition(lambda self: self.offers())
    @rule(
        data=st.data(), how=st.sampled_from((i.OfferAccepted, i.OfferMissed, i.OfferRescinded)), by=st.integers(-2, 2)
    )
    def answer_of_another(
        self, data: st.DataObject, how: type[i.OfferAccepted | i.OfferMissed | i.OfferRescinded], by: int
    ) -> None:
        """Another fence, or the right one from an agent who was not offered the contact."""
        id, offer = data.draw(st.sampled_from(self.offers()))
        if by == 0:
            others = [agent for agent in AGENTS if agent != offer.agent]
            assert self.feed(how(id, data.draw(st.sampled_from(others)), offer.fence)) == []
        else:
            assert self.feed(how(id, offer.agent, offer.fence + by)) == []

    @precondition(lambda self: self.judge.contacts)
    @rule(data=st.data(), agent=st.sampled_from((*AGENTS, "gone")), by=st.integers(-1, 1), epoch=st.integers(1, 3))
    def log_holds_offer(self, data: st.DataObject, agent: str, by: int, epoch: int) -> None:
        """The engine's own offer, confirmed; or one that the dispatcher thought had failed; or an old one again."""
        contact = self.contact(data)
        if contact.offer is not None and by == 0:
            self.feed(i.OfferMade(contact.facts.contact, contact.offer.agent, contact.offer.fence, self.now, epoch))
        else:
            fence = max(1, contact.fence + by)
            self.feed(i.OfferMade(contact.facts.contact, agent, fence, self.now + 9_000, epoch))

    @precondition(lambda self: self.undone)
    @rule(data=st.data())
    def carry_out(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.undone) - 1))
        self.carry(self.undone.pop(at))

    def carry(self, decision: i.Decision) -> None:
        """The log's answer, if the log would still take the decision."""
        match decision:
            case i.ExpireOffer():
                self.feed(i.OfferMissed(decision.contact, decision.agent, decision.fence, until=self.now + 60_000))
            case i.Rescind():
                self.feed(i.OfferRescinded(decision.contact, decision.agent, decision.fence))
            case i.EndWrapUp():
                self.feed(i.WrapUpEnded(decision.contact, decision.agent))
            case i.MarkNotResponding():
                agent = self.judge.agents.get(decision.agent)
                if agent is not None and agent.epoch == decision.epoch:
                    state = AgentState.NOT_RESPONDING
                    self.feed(i.PresenceChanged(decision.agent, state, decision.epoch + 1, self.now))
            case i.Overflow():
                self.send_on(decision)

    def send_on(self, overflow: i.Overflow) -> None:
        """To the next queue, and from the last one home; not if it went elsewhere, or is offered."""
        contact = self.judge.contacts.get(overflow.contact)
        if contact is None or contact.offer is not None or contact.facts.queue != overflow.queue:
            return
        at = QUEUES.index(overflow.queue)
        if overflow.reason is OverflowReason.NO_QUEUE or at + 1 == len(QUEUES):
            self.feed(i.Dequeued(overflow.contact))
        else:
            facts = replace(contact.facts, queue=QUEUES[at + 1], entered_at=self.now, last_fence=contact.fence)
            self.feed(facts)

    # --- agents -----------------------------------------------------------------------------------------------------

    @rule(id=st.sampled_from(AGENTS), state=st.sampled_from(AgentState), epochs=st.integers(-1, 1))
    def presence(self, id: str, state: AgentState, epochs: int) -> None:
        agent = self.judge.agents.get(id)
        self.feed(i.PresenceChanged(id, state, (agent.epoch if agent else 0) + epochs, self.now))

    @rule(ids=st.sets(st.sampled_from(AGENTS), min_size=1))
    def come(self, ids: set[str]) -> None:
        for id, agent in list(self.judge.agents.items()):
            if id in ids and agent.state is not AgentState.AVAILABLE and not agent.removed:
                self.feed(i.PresenceChanged(id, AgentState.AVAILABLE, agent.epoch + 1, self.now))

    @rule(data=st.data(), id=st.sampled_from(AGENTS))
    def edit_agent(self, data: st.DataObject, id: str) -> None:
        self.feed(i.AgentChanged(data.draw(agent_specs(id))))

    @rule(data=st.data(), id=st.sampled_from(AGENTS), channel=st.sampled_from(CHANNELS))
    def join(self, data: st.DataObject, id: str, channel: str) -> None:
        contact = data.draw(st.sampled_from(("other", *sorted(self.judge.contacts))))
        self.feed(i.Assigned(contact, id, channel, data.draw(st.sampled_from(QUEUES)), self.now - 5_000))

    def held(self) -> list[tuple[str, str]]:
        return [(contact, id) for id, agent in self.judge.agents.items() for contact in agent.contacts]

    @precondition(lambda self: self.held())
    @rule(data=st.data(), channel=st.sampled_from(CHANNELS))
    def go_on_by(self, data: st.DataObject, channel: str) -> None:
        """What an agent has goes on by another channel; what was offered to him beside it may be taken back."""
        contact, id = data.draw(st.sampled_from(self.held()))
        self.feed(i.Assigned(contact, id, channel, self.judge.agents[id].contacts[contact].queue, self.now))

    @precondition(lambda self: self.held())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.feed(i.Released(*data.draw(st.sampled_from(self.held()))))

    @precondition(lambda self: self.held())
    @rule(data=st.data(), how=st.sampled_from(("wrap up", "wrap up", "end", "wrong agent")))
    def finish(self, data: st.DataObject, how: str) -> None:
        held = self.held()
        contact, agent = data.draw(st.sampled_from(held))
        match how:
            case "wrap up":
                self.feed(i.WrapUpStarted(contact, agent, data.draw(st.sampled_from((None, self.now + 7_000)))))
            case "end":
                self.feed(i.WrapUpEnded(contact, agent))
            case "wrong agent":
                others = [id for id in AGENTS if (contact, id) not in held]
                if others:
                    assert self.feed(i.WrapUpEnded(contact, data.draw(st.sampled_from(others)))) == []

    @rule(counts=st.dictionaries(st.sampled_from(AGENTS), st.integers(0, 3)))
    def midnight(self, counts: dict[str, int]) -> None:
        self.feed(i.HandledToday(counts))

    # --- queues -----------------------------------------------------------------------------------------------------

    @rule(data=st.data(), id=st.sampled_from(QUEUES))
    def edit_queue(self, data: st.DataObject, id: str) -> None:
        self.feed(i.QueueChanged(data.draw(queue_specs(id))))

    @rule(id=st.sampled_from(QUEUES), rules=overflow_rules, most=st.sampled_from((None, 0, 1, 3)))
    def edit_overflow(self, id: str, rules: dict[OverflowReason, int], most: int | None) -> None:
        """Nothing but the rules, so that everybody stands where he stood."""
        spec = self.judge.queues.get(id, QueueSpec(id))
        self.feed(i.QueueChanged(dataclasses.replace(spec, overflow=rules, max_length=most)))

    @rule(id=st.sampled_from(QUEUES))
    def hours(self, id: str) -> None:
        spec = self.judge.queues.get(id, QueueSpec(id))
        self.feed(i.QueueChanged(dataclasses.replace(spec, closed=not spec.closed)))

    @rule(id=st.sampled_from((*QUEUES, *AGENTS)), data=st.data())
    def remove(self, id: str, data: st.DataObject) -> None:
        """A queue or an agent, mostly to be made again later."""
        if id in AGENTS:
            self.feed(i.AgentRemoved(id))
        else:
            self.feed(i.QueueRemoved(id))
        self.walk_in("chat", QUEUES[0], 0)
        if data.draw(st.integers(0, 4)):
            spec = i.AgentChanged(data.draw(agent_specs(id))) if id in AGENTS else None
            self.feed(spec or i.QueueChanged(data.draw(queue_specs(id))))
            self.come({id})

    # --- time -------------------------------------------------------------------------------------------------------

    @rule(ms=st.sampled_from((0, 1, 250, 1_000, 6_000, 21_000, 61_000)))
    def pass_time(self, ms: int) -> None:
        self.now += ms
        self.feed(i.Tick())

    @rule()
    def next_deadline(self) -> None:
        due = self.judge.engine.next_deadline()
        if due is not None:
            self.now = max(self.now, due)
            self.feed(i.Tick())

    @rule(ms=st.sampled_from((1, 30_000)))
    def clock_runs_backwards(self, ms: int) -> None:
        """26: nothing falls due, nothing changes place."""
        assert self.judge.step(i.Tick(), self.now - ms) == []

    @rule()
    def again(self) -> None:
        """19: an input that repeats changes nothing."""
        before = self.seen()
        assert self.judge.step(self.last, self.now) == []
        assert self.seen() == before

    def seen(self) -> object:
        engine, judge = self.judge.engine, self.judge
        places = {id: (engine.position(id), engine.explain(id)) for id in judge.contacts}
        return places, [engine.counters(id) for id in QUEUES], [engine.agent(id) for id in AGENTS]

    @rule()
    def restart(self) -> None:
        """27: what the log holds gives the same state; nobody's place, load or age is lost."""
        old = self.judge
        self.judge = new = Judge(seed=7)
        self.undone = []
        for spec in old.queues.values():
            self.feed(i.QueueChanged(spec))
        present = {id: agent for id, agent in old.agents.items() if not agent.removed}
        for agent in present.values():
            self.feed(i.AgentChanged(agent.spec))
        self.feed(i.HandledToday({id: agent.handled_today for id, agent in present.items()}))
        for id, contact in sorted(old.contacts.items(), key=lambda item: item[1].serial):
            excluded = {agent: until for agent, until in contact.excluded.items() if until > self.now}
            facts = contact.next_facts or contact.facts
            step = contact.announced if facts.queue == contact.facts.queue else 0
            self.feed(replace(facts, last_fence=contact.fence, excluded=excluded, relaxed_step=step, let_in=True))
            if contact.offer is not None:
                offer = contact.offer
                self.feed(i.OfferMade(id, offer.agent, offer.fence, offer.deadline, offer.epoch))
        for id, agent in present.items():
            for contact_id, work in agent.contacts.items():
                if work.stage != "offered":
                    self.feed(i.Assigned(contact_id, id, work.channel, work.queue, self.now))
                if work.stage == "wrapping":
                    self.feed(i.WrapUpStarted(contact_id, id, work.until))
        for id, agent in present.items():
            if agent.epoch >= 0:
                state = AgentState.AVAILABLE if id in old.not_responding else agent.state
                self.feed(i.PresenceChanged(id, state, agent.epoch, agent.at))
        assert set(new.contacts) == set(old.contacts)
        alike = not old.not_responding and not any(
            contact.facts.only_agent or contact.facts.preferred_agent or contact.next_facts
            for contact in old.contacts.values()
        )
        if alike and {id: agent.load for id, agent in present.items()} == {
            id: agent.load for id, agent in new.agents.items() if id in present
        }:
            assert {id for id, _ in self.offers()} == {id for id, c in old.contacts.items() if c.offer is not None}
            for id in old.contacts:
                assert new.engine.position(id) == old.engine.position(id)

    def teardown(self) -> None:
        """20: running the clock, with a log that answers, empties every transient state."""
        for _ in range(2_000):
            while self.undone:
                self.carry(self.undone.pop())
            due = self.judge.engine.next_deadline()
            if due is None:
                break
            self.now = max(self.now, due)
            self.feed(i.Tick())
        assert self.judge.engine.next_deadline() is None
        assert not self.offers()
        stages = {work.stage for agent in self.judge.agents.values() for work in agent.contacts.values()}
        assert stages <= {"held"}


TestEngine = Hub.TestCase
TestEngine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
