"""A small centre to tell stories with: each step is judged by the model as well."""

from collections.abc import Mapping
from typing import Any

from routing import inputs as i
from routing.specs import AgentSpec, AgentState, QueueSpec
from tests.unit.routing.judge import Judge

START = 1_800_000_000_000


class Desk(Judge):
    """An engine with one queue, `support`, that asks for nothing; times are ms since `START`."""

    def __init__(self, seed: int = 0, **queue: Any) -> None:
        super().__init__(seed)
        self.clock = START
        self.queue("support", **queue)

    def do(self, input: i.Input) -> list[i.Decision]:
        return self.step(input, self.clock)

    def queue(self, id: str, **spec: Any) -> list[i.Decision]:
        return self.do(i.QueueChanged(QueueSpec(id, **spec)))

    def agent_is(self, id: str, skills: Mapping[str, int] | None = None, **spec: Any) -> list[i.Decision]:
        return self.do(i.AgentChanged(AgentSpec(id, skills or {}, **spec)))

    def come(self, id: str, skills: Mapping[str, int] | None = None, **spec: Any) -> list[i.Decision]:
        """The agent signs in (again); a new one is made first."""
        if id not in self.agents:
            self.agent_is(id, skills, **spec)
        return self.presence(id, AgentState.AVAILABLE)

    def presence(self, id: str, state: AgentState) -> list[i.Decision]:
        return self.do(i.PresenceChanged(id, state, max(self.agents[id].epoch, 0) + 1, self.clock))

    def arrive(self, id: str, channel: str = "chat", queue: str = "support", **facts: Any) -> list[i.Decision]:
        return self.do(i.Enqueued(id, channel, queue, facts.pop("enqueued_at", self.clock), **facts))

    def wait(self, ms: int) -> list[i.Decision]:
        """Time passes, with a tick at each deadline in between."""
        end, decisions = self.clock + ms, []
        while (due := self.engine.next_deadline()) is not None and due <= end:
            self.clock = max(self.clock, due)
            decisions += self.do(i.Tick())
        self.clock = end
        return decisions + self.do(i.Tick())

    def accept(self, contact: str) -> list[i.Decision]:
        offer = self.live(contact)
        return self.do(i.OfferAccepted(contact, offer.agent, offer.fence))

    def decline(self, contact: str) -> list[i.Decision]:
        offer = self.live(contact)
        return self.do(i.OfferDeclined(contact, offer.agent, offer.fence))

    def miss(self, contact: str) -> list[i.Decision]:
        offer = self.live(contact)
        return self.do(i.OfferMissed(contact, offer.agent, offer.fence))

    def live(self, contact: str) -> i.Offer:
        """The contact's offer, as it stands."""
        offer = self.contacts[contact].offer
        assert offer is not None, f"{contact} is not offered"
        return i.Offer(contact, offer.agent, offer.fence, offer.deadline, offer.epoch, False)

    def offered(self) -> dict[str, str]:
        """Who is offered what: contact -> agent."""
        return {id: contact.offer.agent for id, contact in self.contacts.items() if contact.offer is not None}


def pairs(decisions: list[i.Decision]) -> list[tuple[str, str]]:
    """The offers among the decisions: (contact, agent)."""
    return [(decision.contact, decision.agent) for decision in decisions if isinstance(decision, i.Offer)]
