"""The routing engine: knows the waiting contacts and the agents, and says who is to be offered what.

Pure: no input or output, no clock, no chance. `handle` takes what happened and the time, and returns decisions;
`next_deadline` says when it wants to be called again (with `Tick`). Offers are optimistic: the engine counts a contact
as offered from its decision on, and the log's answer comes back as input. Each transient state has a deadline: an
offer that nobody answers is expired, and a decision that the log never answers is given again.
"""

from collections.abc import Mapping
from typing import TypeAlias, assert_never

from routing import answers
from routing import inputs as i
from routing.admission import Admission, same_place
from routing.agents import Stage, Work
from routing.deadlines import Deadlines
from routing.index import Index
from routing.matching import Due, Matching, Subject
from routing.specs import DEFAULT_CHANNELS, AgentSpec, AgentState, ChannelRules, OverflowReason, Strategy
from routing.views import AgentView, Explanation, QueueCounters
from routing.waiting import Contact, LiveOffer, Seat

REPEAT_MS = 5_000
"""After this long without an answer from the log, a decision is given again."""
REJECTED_MS = 250
"""A contact whose offer could not be appended is not offered to the same agent again for this long."""

Answer: TypeAlias = i.OfferAccepted | i.OfferDeclined | i.OfferMissed | i.OfferRescinded | i.OfferRejected


class Engine:
    """All waiting contacts and all agents of one installation.

    `seed` feeds the random strategy. Rebuilding from the store: queues, agents, `HandledToday`, `Enqueued` for all that
    wait or are offered (oldest first), `OfferMade`, `Assigned`, `WrapUpStarted`, and last `PresenceChanged`: until then
    nobody is available, so nothing is offered. A time before one already seen counts as that one.
    """

    def __init__(self, *, seed: int = 0, channels: Mapping[str, ChannelRules] = DEFAULT_CHANNELS) -> None:
        self._channels = channels
        self._index = Index(channels, seed)
        self._deadlines: Deadlines[Subject] = Deadlines()
        self._matching = Matching(self._index, self._deadlines)
        self._admission = Admission(self._index, self._deadlines, self._matching)
        self._now = 0
        self._decisions: list[i.Decision] = []

    def handle(self, input: i.Input, now: int) -> list[i.Decision]:
        """Take in what happened at `now` (ms) and return what is to be done, in order.

        Raises ValueError for a contact on a channel that has no rules; nothing has changed then.
        """
        if now > self._now:
            self._now = now
        decisions: list[i.Decision] = []
        self._decisions = decisions
        self._apply(input)
        if (due := self._deadlines.next()) is not None and due <= self._now:
            for subject in self._deadlines.pop_due(self._now):
                self._fall_due(*subject)
        self._matching.settle(self._now, decisions)
        self._admission.tell_overflow(self._now, decisions)
        return decisions

    def next_deadline(self) -> int | None:
        """When (ms) the engine wants to be called at the latest, or None."""
        return self._deadlines.next()

    def _apply(self, input: i.Input) -> None:
        """Take in what happened, without offering anything yet.

        What happens most often stands first: the cases are tried one after the other.
        """
        match input:
            case i.Enqueued():
                self._enqueued(input)
            case i.OfferMade():
                self._offer_made(input)
            case i.OfferAccepted():
                self._accepted(input)
            case i.WrapUpStarted():
                self._wrap_up_started(input)
            case i.WrapUpEnded():
                self._finished(input.contact, input.agent, Stage.HELD, Stage.WRAPPING)
            case i.Released():
                self._finished(input.contact, input.agent, Stage.HELD)
            case i.PresenceChanged():
                self._presence_changed(input)
            case i.Dequeued():
                self._dequeued(input)
            case i.OfferDeclined():
                self._declined(input)
            case i.OfferMissed():
                self._missed(input)
            case i.OfferRescinded():
                self._rescinded(input)
            case i.OfferRejected():
                self._rejected(input)
            case i.Assigned():
                self._assigned(input)
            case i.QueueChanged():
                self._admission.change_queue(input.queue, self._now, self._decisions)
            case i.QueueRemoved():
                self._admission.remove_queue(input.queue, self._now)
            case i.AgentChanged():
                self._agent_changed(input.agent)
            case i.AgentRemoved():
                self._agent_removed(input.agent)
            case i.HandledToday():
                self._handled_today(input.counts)
            case i.Tick():
                pass
            case _:
                assert_never(input)

    # --- contacts -------------------------------------------------------------------------------------------------

    def _enqueued(self, facts: i.Enqueued) -> None:
        if facts.channel not in self._channels:
            raise ValueError(f"contact {facts.contact}: channel: no rules for {facts.channel!r}")
        contact = self._admission.contacts.get(facts.contact)
        if contact is None:
            contact = self._admission.new(facts)
            self._admission.admit(contact, self._now, self._decisions, entered=not facts.let_in)
        elif not same_place(contact.next_facts or contact.facts, facts):
            if contact.offer is not None and facts.last_fence < contact.offer.fence:
                contact.next_facts = facts
            else:
                if contact.offer is not None:
                    self._end_offer(contact, contact.offer)
                self._admission.admit_anew(contact, facts, self._now, self._decisions)
        contact.fence = max(contact.fence, facts.last_fence)
        for agent, until in facts.excluded.items():
            if until > self._now:
                self._admission.refuse(contact, agent, until, self._now)

    def _dequeued(self, input: i.Dequeued) -> None:
        contact = self._admission.contacts.get(input.contact)
        if contact is None:
            return
        if contact.offer is not None:
            self._end_offer(contact, contact.offer)
        if input.abandoned:
            self._measure_wait(contact, abandoned=True)
        self._admission.forget(contact)

    def _measure_wait(self, contact: Contact, *, abandoned: bool) -> None:
        if contact.queue is not None:
            contact.queue.figures_of(contact.facts.channel).add_waited(self._now - contact.facts.enqueued_at, abandoned)

    # --- offers ---------------------------------------------------------------------------------------------------

    def _live(self, input: Answer) -> tuple[Contact, LiveOffer] | None:
        """The contact and its offer that the input is about; None when it is about another one, or none."""
        contact = self._admission.contacts.get(input.contact)
        offer = None if contact is None else contact.offer
        if contact is None or offer is None or (offer.seat.agent.id, offer.fence) != (input.agent, input.fence):
            return None
        return contact, offer

    def _offer_made(self, input: i.OfferMade) -> None:
        """What the log holds is what counts: an offer of the engine's that it does not hold gives way to one it does.

        So it may be one that the dispatcher thought had failed, or one made before the engine was rebuilt.
        """
        contact = self._admission.contacts.get(input.contact)
        if contact is None or input.fence <= contact.answered:
            return
        seat, offer = self._index.seats.get(input.agent), contact.offer
        work = seat.agent.contacts.get(contact.id) if seat else None
        if work is not None and work.stage is not Stage.OFFERED:
            return
        contact.answered = input.fence - 1
        if offer is not None:
            if (offer.seat.agent.id, offer.fence) == (input.agent, input.fence):
                offer.made = True
                if input.deadline != offer.deadline:
                    # It had to wait for the log, and got its whole time from then.
                    offer.deadline = input.deadline
                    if offer.rescinding is None:
                        self._deadlines.set((Due.OFFER, contact.id, ""), input.deadline)
                return
            self._end_offer(contact, offer)
        seat = self._index.seats.get(input.agent) or self._ghost(input.agent)
        offer = LiveOffer(seat, input.fence, input.deadline, input.epoch, made=True)
        self._matching.hold(contact, offer, self._now)
        self._matching.touched(seat)
        self._review_offers(seat)

    def _accepted(self, input: i.OfferAccepted) -> None:
        if (live := self._live(input)) is None:
            return
        contact, offer = live
        offer.seat.agent.accept(contact.id, self._now)
        self._matching.touched(offer.seat)
        self._matching.release(contact)
        self._measure_wait(contact, abandoned=False)
        self._admission.forget(contact)

    def _declined(self, input: i.OfferDeclined | i.OfferMissed) -> None:
        if (live := self._live(input)) is None:
            return
        contact, offer = live
        until = input.until
        if until is None:
            until = self._now + (contact.queue.spec.retry_exclude_ms if contact.queue else REJECTED_MS)
        self._answer(contact, offer)
        self._admission.refuse(contact, input.agent, until, self._now)
        self._put_back(contact, offer)

    def _missed(self, input: i.OfferMissed) -> None:
        if (live := self._live(input)) is None:
            return
        seat, epoch = live[1].seat, live[1].epoch
        self._declined(input)
        agent = seat.agent
        if agent.epoch == epoch and agent.state is AgentState.AVAILABLE:
            agent.state = AgentState.NOT_RESPONDING
            self._say_not_responding(seat)
            self._reconsider(seat)

    def _rescinded(self, input: i.OfferRescinded) -> None:
        if (live := self._live(input)) is not None:
            self._answer(*live)
            self._put_back(*live)

    def _rejected(self, input: i.OfferRejected) -> None:
        """Void once the log said that it holds the offer: the append only seemed to fail, or what followed it did."""
        if (live := self._live(input)) is not None and not live[1].made:
            self._admission.bar(live[0], input.agent, self._now + REJECTED_MS, self._now)
            self._put_back(*live)

    def _answer(self, contact: Contact, offer: LiveOffer) -> None:
        """The log says how the offer ended; what it says of earlier ones is stale from now on."""
        contact.answered = offer.fence

    def _end_offer(self, contact: Contact, offer: LiveOffer) -> None:
        """The offer is over without an accept: the agent's room is his again."""
        self._matching.release(contact)
        self._admission.offer_over(contact)
        offer.seat.agent.drop(contact.id)
        self._matching.freed(offer.seat)
        self._bury(offer.seat)

    def _put_back(self, contact: Contact, offer: LiveOffer) -> None:
        """The contact waits again, with the score and the age that it had."""
        self._end_offer(contact, offer)
        if contact.next_facts is not None:
            self._admission.admit_anew(contact, contact.next_facts, self._now, self._decisions)
        elif contact.queue is None:
            self._admission.admit(contact, self._now, self._decisions)
        else:
            self._admission.come_back(contact, contact.queue, self._now)

    def _rescind(self, contact: Contact, offer: LiveOffer, reason: i.RescindReason) -> None:
        offer.rescinding = reason
        self._decisions.append(i.Rescind(contact.id, offer.seat.agent.id, offer.fence, reason))
        self._deadlines.set((Due.OFFER, contact.id, ""), self._now + REPEAT_MS)

    def _review_offers(self, seat: Seat) -> None:
        """Take back what is offered to an agent who is not there any more, or is there in another session."""
        agent = seat.agent
        for id, work in agent.contacts.items():
            if work.stage is not Stage.OFFERED or (agent.epoch < 0 and not agent.removed):
                continue
            contact = self._admission.contacts[id]
            offer = contact.offer
            if offer is None or offer.rescinding is not None:
                continue
            if agent.removed:
                self._rescind(contact, offer, i.RescindReason.AGENT_REMOVED)
            elif agent.state is not AgentState.AVAILABLE:
                self._rescind(contact, offer, i.RescindReason.AGENT_LEFT)
            elif agent.epoch != offer.epoch:
                self._rescind(contact, offer, i.RescindReason.NEW_SESSION)

    # --- agents ---------------------------------------------------------------------------------------------------

    def _agent_changed(self, spec: AgentSpec) -> None:
        seat = self._index.set_agent(spec)
        seat.agent.removed = False
        self._reconsider(seat)

    def _agent_removed(self, id: str) -> None:
        seat = self._index.seats.get(id)
        if seat is None:
            return
        seat.agent.removed = True
        seat.agent.state = AgentState.OFFLINE
        self._deadlines.cancel((Due.PRESENCE, "", id))
        self._reconsider(seat)
        self._bury(seat)

    def _presence_changed(self, input: i.PresenceChanged) -> None:
        seat = self._index.seats.get(input.agent)
        if seat is None or seat.agent.removed:
            return
        agent = seat.agent
        if (input.epoch, input.at) <= (agent.epoch, agent.changed_at):
            return
        if input.state is AgentState.AVAILABLE and agent.state is not AgentState.AVAILABLE:
            agent.idle_since = max(agent.idle_since, min(input.at, self._now))
        agent.state, agent.epoch, agent.changed_at = input.state, input.epoch, input.at
        self._deadlines.cancel((Due.PRESENCE, "", agent.id))
        self._reconsider(seat)

    def _reconsider(self, seat: Seat) -> None:
        """The agent changed: review what is offered to him, what is kept for him, and what he has room for."""
        self._review_offers(seat)
        for contact in [entry[3] for waiting in seat.kept.values() for entry in waiting]:
            self._admission.house_again(contact, self._now)
        self._matching.freed(seat)

    def _ghost(self, id: str) -> Seat:
        """An agent who is gone but is still offered something: he lasts until that is taken back."""
        seat = self._index.set_agent(AgentSpec(id))
        seat.agent.removed = True
        return seat

    def _bury(self, seat: Seat) -> None:
        """A removed agent is forgotten once he has no contact left."""
        if seat.agent.removed and not seat.agent.contacts:
            self._matching.forget(seat)
            self._index.remove_agent(seat)

    def _say_not_responding(self, seat: Seat) -> None:
        self._decisions.append(i.MarkNotResponding(seat.agent.id, seat.agent.epoch))
        self._deadlines.set((Due.PRESENCE, "", seat.agent.id), self._now + REPEAT_MS)

    def _assigned(self, input: i.Assigned) -> None:
        if input.channel not in self._channels:
            raise ValueError(f"contact {input.contact}: channel: no rules for {input.channel!r}")
        seat = self._index.seats.get(input.agent)
        if seat is None:
            return
        work = seat.agent.contacts.get(input.contact)
        if work is not None and (work.stage is not Stage.HELD or work.channel == input.channel):
            return
        cost = seat.agent.cost(input.channel, self._own_cost(input.channel, input.queue))
        if work is not None:
            seat.agent.drop(input.contact)
        seat.agent.take(input.contact, Work(input.channel, input.queue, cost, Stage.HELD, input.since))
        seat.agent.idle_since = max(seat.agent.idle_since, min(input.since, self._now))
        if work is None:
            self._matching.touched(seat)
        else:
            self._take_back_excess(seat)
            self._matching.freed(seat)

    def _own_cost(self, channel: str, queue: str) -> int | None:
        found = self._index.queues.get(queue)
        return found.spec.costs.get(channel) if found is not None else None

    def _take_back_excess(self, seat: Seat) -> None:
        """Offers, the newest first, for which there is no room beside the rest."""
        agent, gone = seat.agent, set[str]()
        for id in reversed([id for id, work in agent.contacts.items() if work.stage is Stage.OFFERED]):
            contact = self._admission.contacts[id]
            offer = contact.offer
            if offer is None or offer.rescinding is not None:
                gone.add(id)
            elif not agent.fits(id, self._own_cost(agent.contacts[id].channel, agent.contacts[id].queue), gone):
                gone.add(id)
                self._rescind(contact, offer, i.RescindReason.NO_ROOM)

    def _wrap_up_started(self, input: i.WrapUpStarted) -> None:
        seat = self._index.seats.get(input.agent)
        work = seat.agent.contacts.get(input.contact) if seat else None
        if seat is None or work is None or work.stage is Stage.OFFERED:
            return
        until = input.until
        if work.stage is Stage.WRAPPING and until in (None, work.until):
            return
        if until is None:
            queue = self._index.queues.get(work.queue)
            until = self._now + (queue.spec.wrap_up_ms if queue else 0)
        seat.agent.wrap_up(input.contact, until)
        self._deadlines.set((Due.WRAP_UP, input.contact, input.agent), until)
        self._matching.touched(seat)

    def _finished(self, id: str, agent: str, *stages: Stage) -> None:
        """The agent is done with the contact, if he has it and it is in one of the stages."""
        seat = self._index.seats.get(agent)
        work = seat.agent.contacts.get(id) if seat else None
        if seat is None or work is None or work.stage not in stages:
            return
        seat.agent.drop(id)
        seat.agent.idle_since = self._now
        self._deadlines.cancel((Due.WRAP_UP, id, agent))
        queue = self._index.queues.get(work.queue)
        if queue is not None:
            queue.figures_of(work.channel).add_handled(self._now - work.since)
        self._matching.freed(seat)
        self._bury(seat)

    def _handled_today(self, counts: Mapping[str, int]) -> None:
        for id, seat in self._index.seats.items():
            seat.agent.handled_today = counts.get(id, 0)
            seat.entries.clear()
        for queue in self._index.queues.values():
            if queue.spec.strategy is Strategy.FEWEST_TODAY:
                self._index.reorder(queue)

    # --- time -----------------------------------------------------------------------------------------------------

    def _fall_due(self, due: Due, id: str, agent: str) -> None:
        match due:
            case Due.OFFER:
                self._offer_overdue(self._admission.contacts[id])
            case Due.RELAX:
                self._admission.relax(self._admission.contacts[id], self._now, self._decisions)
            case Due.KEPT:
                self._admission.house_again(self._admission.contacts[id], self._now)
            case Due.OVERFLOW:
                contact = self._admission.contacts[id]
                self._admission.overflow_due(contact, OverflowReason(agent))
            case Due.EXCLUDED:
                contact = self._admission.contacts[id]
                del contact.excluded[agent]
                self._matching.retry(contact)
            case Due.WRAP_UP:
                self._decisions.append(i.EndWrapUp(id, agent))
                self._deadlines.set((due, id, agent), self._now + REPEAT_MS)
            case Due.MOVE:
                self._admission.move(self._index.queues[id], self._now, self._decisions)
            case Due.PRESENCE:
                self._say_not_responding(self._index.seats[agent])
            case _:
                assert_never(due)

    def _offer_overdue(self, contact: Contact) -> None:
        offer = contact.offer
        assert offer is not None
        if offer.rescinding is not None:
            self._rescind(contact, offer, offer.rescinding)
        else:
            self._decisions.append(i.ExpireOffer(contact.id, offer.seat.agent.id, offer.fence))
            self._deadlines.set((Due.OFFER, contact.id, ""), self._now + REPEAT_MS)

    # --- questions ------------------------------------------------------------------------------------------------

    def position(self, contact: str) -> int | None:
        """The contact's place among those that ask for the same, from 1 (1 while it is offered).

        None when it does not wait. One transferred to an agent is counted among those kept for him.
        """
        found = self._admission.contacts.get(contact)
        return answers.position(found) if found else None

    def wait_estimate(self, contact: str) -> float | None:
        """The probable wait from now, in seconds (0.0 while the contact is offered).

        None when it does not wait, or nobody who could serve it is available. A server is a place with an available
        agent: one who takes three chats side by side counts as three.
        """
        found = self._admission.contacts.get(contact)
        return answers.wait_estimate(found, self._channels) if found else None

    def newcomer_wait(self, queue: str, channel: str, now: int) -> float | None:
        """The probable wait, in seconds, of a contact that came to the queue now; 0.0 when somebody has room for it.

        None when there is no such queue or channel, or nobody who could serve it is available.
        """
        found = self._index.queues.get(queue)
        if found is None or channel not in self._channels:
            return None
        return answers.newcomer_wait(self._index, found, channel, max(self._now, now), self._channels)

    def explain(self, contact: str) -> list[Explanation]:
        """For each agent, who would be asked first, whether he could be offered the contact now and if not why.

        [] for an unknown contact. Looks at every agent: for a person who asks, not for each contact.
        """
        found = self._admission.contacts.get(contact)
        return answers.explain(found, self._index) if found else []

    def explain_newcomer(self, facts: i.Enqueued, now: int) -> list[Explanation]:
        """As `explain`, for a contact that is not there: a dry run. [] when there is no such queue or channel."""
        queue = self._index.queues.get(facts.queue)
        if queue is None or facts.channel not in self._channels:
            return []
        contact = Contact(facts.contact, facts, 0, facts.last_fence, facts.relaxed_step, queue=queue)
        contact.step = queue.step_at(max(self._now, now) - facts.enqueued_at)
        contact.excluded = {agent: until for agent, until in facts.excluded.items() if until > now}
        return answers.explain(contact, self._index)

    def counters(self, queue: str) -> QueueCounters | None:
        """The queue now; None when there is no such queue."""
        found = self._index.queues.get(queue)
        return answers.counters(found) if found else None

    def office(self, queue: str, channel: str) -> tuple[int, int, float] | None:
        """See `answers.office`; None when there is no such queue."""
        found = self._index.queues.get(queue)
        return answers.office(self._index, found, channel, self._channels) if found else None

    def agent(self, agent: str) -> AgentView | None:
        """The agent now; None when there is no such agent."""
        seat = self._index.seats.get(agent)
        return seat.agent.view() if seat else None
