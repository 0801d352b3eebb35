"""A hub in which everything goes wrong that can: the engine and its judge between a real log and a bad wire.

The log is the truth: contacts as `hub.machine` makes them. Its events reach the engine late, twice, and in any order
across contacts (those of one contact stay in order, as a reader sees them), through the dispatcher's own translation.
The engine's decisions are carried out late, in any order, twice, or never; the log refuses some offers, and of some it
says so although it has stored them. The clock is set forward and back. Now and then the dispatcher is killed: what was
under way is lost, and the engine is built anew from what the log holds.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence

from hub import commands as c
from hub import events as e
from hub import machine
from hub.errors import HubError
from hub.events import Recorded
from hub.living import Living
from hub.model import WAITING, Channel, Contact, Phase, PresenceState
from hub.ports import ContactRow
from routing import inputs as i
from routing.specs import AgentSpec, AgentState, QueueSpec, RelaxStep, Strategy
from routing.translation import contact_facts, contact_inputs
from tests.unit.routing.judge import Judge
from tests.unit.routing.model import ModelContact

START = 1_800_000_000_000
QUEUES = ("one", "two", "three")
AGENTS = ("ann", "bob", "eve", "joe", "kim", "lee")
CROWD = 14
"""So many contacts are about at most: the judge looks at every pair of contact and agent after each step."""
SERVED = machine.SERVED
SKILLS: Sequence[dict[str, int]] = ({}, {}, {}, {"billing": 1}, {"sales": 2}, {"billing": 3, "sales": 1})


class World:
    """`step` does one thing, chosen by `seed`; AssertionError as soon as anything is wrong.

    With `by_hand` agents also join conversations, and the log at times refuses an offer that it has stored: both may
    put more on an agent than he has room for. Without them nobody ever has too much.
    """

    def __init__(self, seed: int, *, by_hand: bool = True) -> None:
        self.random = random.Random(seed)
        self.by_hand = by_hand
        self.done: Counter[str] = Counter()
        self.wall = self.clock = START
        self.contacts: dict[str, Contact] = {}
        self.born: dict[str, int] = {}
        self.history: dict[str, list[Recorded]] = {}
        self.presences: dict[str, tuple[AgentState, int, int]] = {}
        self.inbox: dict[str, deque[Recorded]] = defaultdict(deque)
        self.lately: deque[str] = deque(maxlen=30)
        self.undone: list[i.Decision] = []
        self.queues: dict[str, QueueSpec] = {}
        self.agents: dict[str, AgentSpec] = {}
        self.seq = self.number = 0
        self.judge, self.living = Judge(seed), Living()
        for queue in QUEUES:
            self.edit_queue(queue)
        for agent in AGENTS:
            self.edit_agent(agent)
            self.say_presence(agent, AgentState.AVAILABLE)
        self._acts: list[tuple[Callable[[], None], int]] = [
            (self.deliver, 300),
            (self.carry_out, 220),
            (self.walk_in, 110),
            (self.agent_accepts, 130),
            (self.agent_ends, 60),
            (self.wrap_up, 50),
            (self.agent_declines, 15),
            (self.customer_leaves, 20),
            (self.somebody_answers_late, 10),
            (self.transfer, 15),
            (self.lose_agent, 6),
            (self.take_part, 12 if by_hand else 0),
            (self.change_presence, 40),
            (self.pass_time, 150),
            (self.deliver_again, 40),
            (self.set_clock, 4),
            (self.edit, 5),
            (self.kill, 2),
        ]
        self._deck = [act for act, weight in self._acts for _ in range(weight)]

    def step(self) -> None:
        act = self.random.choice(self._deck)
        self.done[act.__name__] += 1
        act()

    # --- the wire -------------------------------------------------------------------------------------------------

    def feed(self, input: i.Input) -> None:
        """To the engine, by the wall's clock, which may run backwards."""
        self.undone += [d for d in self.judge.step(input, self.wall) if not isinstance(d, i.SkillsRelaxed)]

    def append(self, stream: str, events: Sequence[e.AnyEvent]) -> None:
        for event in events:
            history = self.history.setdefault(stream, [])
            self.seq += 1
            recorded = Recorded(self.seq, stream, len(history) + 1, self.clock, "system", event)
            history.append(recorded)
            self.inbox[stream].append(recorded)

    def hear(self, recorded: Recorded) -> None:
        """As the dispatcher's reader does; a part of it twice, as if the engine had been told so."""
        event = recorded.event
        if isinstance(event, e.PresenceChanged):
            state = AgentState(str(event.state))
            told: list[i.Input] = [i.PresenceChanged(recorded.stream, state, event.epoch, recorded.at)]
        else:
            step = self.living.apply(recorded)
            told = [] if step is None else contact_inputs(event, *step)
        for input in told:
            self.feed(input)
            if self.random.random() < 0.1:
                self.feed(input)

    def deliver(self, stream: str | None = None) -> None:
        streams = [name for name, waiting in self.inbox.items() if waiting]
        if not streams:
            return
        waiting = self.inbox[stream or self.random.choice(streams)]
        for _ in range(min(len(waiting), self.random.choice((1, 1, 2, 5)))):
            recorded = waiting.popleft()
            self.lately.append(recorded.stream)
            self.hear(recorded)

    def deliver_again(self) -> None:
        """The reader starts again a little before: what a stream said from there on is heard once more, in order."""
        if self.lately:
            stream = self.random.choice(self.lately)
            heard = self.history[stream][: len(self.history[stream]) - len(self.inbox[stream])]
            for recorded in heard[self.random.randrange(len(heard)) if heard else 0 :]:
                self.hear(recorded)

    def do(self, contact: str, *commands: c.ContactCommand) -> bool:
        """Whether the log took the commands, all in one step."""
        before = state = self.contacts[contact]
        events: list[e.ContactEvent] = []
        try:
            for command in commands:
                decided = machine.decide(state, command, self.clock)
                state = machine.apply(state, decided, self.clock)
                events += decided
        except HubError:
            return False
        assert state.last_fence >= before.last_fence, "fences increase"
        self.contacts[contact] = state
        self.append(contact, events)
        return True

    # --- decisions ------------------------------------------------------------------------------------------------

    def carry_out(self) -> None:
        if not self.undone:
            return
        at, luck = self.random.randrange(len(self.undone)), self.random.random()
        self.undone[at], self.undone[-1] = self.undone[-1], self.undone[at]
        decision = self.undone[-1]
        if luck < 0.1 and not isinstance(decision, i.Offer):
            self.done["decision lost"] += 1
            self.undone.pop()
            return
        if luck < 0.9 or (isinstance(decision, i.Offer) and not self.by_hand):
            self.undone.pop()
        self.perform(decision)

    def perform(self, decision: i.Decision) -> None:
        """As the dispatcher does it."""
        match decision:
            case i.Offer():
                self.make_offer(decision)
            case i.ExpireOffer():
                self.do(decision.contact, c.Miss(decision.agent, decision.fence, 30_000))
            case i.Rescind():
                self.do(decision.contact, c.Rescind(decision.agent, decision.fence, str(decision.reason)))
            case i.EndWrapUp():
                self.do(decision.contact, c.Finish("system", None, "timeout"))
            case i.MarkNotResponding():
                state, epoch, _ = self.presences[decision.agent]
                if state is AgentState.AVAILABLE and epoch == decision.epoch:
                    self.say_presence(decision.agent, AgentState.NOT_RESPONDING)
            case _:
                pass

    def make_offer(self, offer: i.Offer) -> None:
        luck = self.random.random()
        command = c.MakeOffer(offer.agent, offer.fence, offer.deadline, offer.epoch, offer.auto_accept)
        stored = luck > 0.05 and self.do(offer.contact, command)
        if not stored or (self.by_hand and luck > 0.97):
            self.done["offer refused"] += 1
            self.feed(i.OfferRejected(offer.contact, offer.agent, offer.fence))
        elif offer.auto_accept:
            self.accept(offer.contact, offer.agent, offer.fence)

    def accept(self, contact: str, agent: str, fence: int) -> bool:
        """17, 18: an accept wins if and only if the log's offer is this one and its time is not over."""
        offer = self.contacts[contact].offer
        ours = offer is not None and (offer.agent, offer.fence) == (agent, fence) and self.clock < offer.deadline
        won = self.do(contact, c.Accept(agent, fence))
        assert won == ours
        return won

    # --- people ---------------------------------------------------------------------------------------------------

    def pick(self, *phases: Phase) -> Contact | None:
        found = [contact for contact in self.contacts.values() if contact.phase in phases]
        return self.random.choice(found) if found else None

    def walk_in(self) -> None:
        if sum(contact.phase is not Phase.CLOSED for contact in self.contacts.values()) >= CROWD:
            return
        self.number += 1
        id = f"c{self.number}"
        self.contacts[id] = Contact(id)
        self.born[id] = self.clock
        create = c.Create(self.random.choice(list(Channel)), "shop", "cu", media=self.random.random() < 0.5)
        preferred = self.random.choice((None, None, None, *AGENTS))
        wish, priority = self.random.choice(SKILLS), self.random.choice((0, 0, 0, 1, 5))
        assert self.do(id, create, c.Enqueue(self.random.choice(QUEUES), wish, priority, preferred))

    def agent_accepts(self) -> None:
        contact = self.pick(Phase.OFFERED)
        if contact is not None and contact.offer is not None:
            won = self.accept(contact.id, contact.offer.agent, contact.offer.fence)
            if won and contact.channel in (Channel.VOICE, Channel.CALLBACK) and self.random.random() < 0.5:
                # Gone before the two are connected.
                self.do(contact.id, c.End("visitor", "left", 5_000))

    def somebody_answers_late(self) -> None:
        """An old fence, or somebody else's: it changes nothing."""
        contact = self.random.choice(list(self.contacts.values())) if self.contacts else None
        if contact is not None:
            fence = max(0, contact.last_fence - self.random.randint(0, 2))
            self.accept(contact.id, self.random.choice(AGENTS), fence)

    def agent_declines(self) -> None:
        contact = self.pick(Phase.OFFERED)
        if contact is not None and contact.offer is not None:
            assert self.do(contact.id, c.Decline(contact.offer.agent, contact.offer.fence, 20_000))

    def agent_ends(self) -> None:
        contact = self.pick(*SERVED)
        if contact is not None:
            self.do(contact.id, c.End(contact.agent or "", "closed", self.random.choice((0, 5_000, 60_000))))

    def wrap_up(self) -> None:
        contact = self.pick(Phase.WRAPPING)
        if contact is not None:
            extend = self.random.random() < 0.2
            self.do(contact.id, c.ExtendWrapUp(30_000, 120_000) if extend else c.Finish(contact.agent or "", None))

    def customer_leaves(self) -> None:
        contact = self.pick(*WAITING, *SERVED)
        if contact is not None:
            self.do(contact.id, c.End("visitor", "left", 10_000))

    def transfer(self) -> None:
        contact = self.pick(*SERVED)
        if contact is not None and contact.agent is not None:
            to = self.random.choice((None, *AGENTS))
            until = None if to is None else self.clock + self.random.choice((0, 60_000))
            self.do(contact.id, c.Transfer(contact.agent, self.random.choice(QUEUES), {}, to, until))

    def lose_agent(self) -> None:
        contact = self.pick(*SERVED)
        if contact is not None and contact.agent is not None:
            self.do(contact.id, c.LoseAgent(self.random.choice((contact.agent, *contact.participants)), "agent_lost"))

    def take_part(self) -> None:
        contact = self.pick(*SERVED)
        if contact is not None:
            agent = self.random.choice(AGENTS)
            self.do(contact.id, c.Leave(agent) if agent in contact.participants else c.Join(agent))

    def change_presence(self) -> None:
        agent = self.random.choice(AGENTS)
        away = self.random.choice((AgentState.AWAY, AgentState.OFFLINE, AgentState.AVAILABLE))
        here = self.presences[agent][0] is AgentState.AVAILABLE
        self.say_presence(agent, away if here else AgentState.AVAILABLE)

    def say_presence(self, agent: str, state: AgentState) -> None:
        epoch = self.presences[agent][1] + 1 if agent in self.presences else 1
        self.presences[agent] = (state, epoch, self.clock)
        self.append(agent, [e.PresenceChanged(PresenceState(str(state)), epoch, None, agent)])

    # --- time, settings, death ------------------------------------------------------------------------------------

    def pass_time(self) -> None:
        self.wall += self.random.choice((0, 1, 200, 1_000, 1_000, 4_000, 21_000))
        self.clock = max(self.clock, self.wall)
        self.feed(i.Tick())

    def set_clock(self) -> None:
        """Somebody sets the machine's clock. Within a process the hub's own never runs backwards."""
        hour = 3_600_000 if self.random.random() < 0.05 else 10_000
        self.wall += self.random.choice((-hour, -hour // 10, hour // 10, hour))
        self.clock = max(self.clock, self.wall)

    def edit(self) -> None:
        if self.random.random() < 0.5:
            self.edit_queue(self.random.choice(QUEUES))
        else:
            self.edit_agent(self.random.choice(AGENTS))

    def edit_queue(self, id: str) -> None:
        pick = self.random.choice
        skills = pick(SKILLS)
        relax = (RelaxStep(20_000, dict.fromkeys(skills, 1)), RelaxStep(60_000, {})) if skills else ()
        self.queues[id] = QueueSpec(
            id, skills, relax, pick(list(Strategy)), priority=pick((0, 0, 1)), quantum_ms=pick((0, 10_000, 60_000))
        )
        self.feed(i.QueueChanged(self.queues[id]))

    def edit_agent(self, id: str) -> None:
        pick = self.random.choice
        able = pick(({"billing": 3, "sales": 3}, {"billing": 3, "sales": 3}, {"billing": 1}, {"sales": 2}))
        # Without joining by hand nobody may have too much; so nobody gets smaller either.
        capacity = pick((100, 200)) if self.by_hand else 100
        maxima = pick(({}, {}, {"chat": 2})) if self.by_hand else {}
        auto = frozenset({"chat"}) if pick((False, False, True)) else frozenset[str]()
        self.agents[id] = AgentSpec(id, able, capacity=capacity, maxima=maxima, auto_accept=auto)
        self.feed(i.AgentChanged(self.agents[id]))

    def kill(self) -> None:
        """The process dies. What the log holds is all that is left; the reader may start a little before its head."""
        self.clock = self.wall
        again = self.random.random() < 0.5
        self.judge, self.living, self.undone = Judge(self.random.getrandbits(16)), Living(), []
        if not again:
            self.inbox.clear()
        for queue in self.queues.values():
            self.feed(i.QueueChanged(queue))
        for agent in self.agents.values():
            self.feed(i.AgentChanged(agent))
        self.feed(i.HandledToday({}))
        living = [contact for contact in self.contacts.values() if contact.phase is not Phase.CLOSED]
        for contact in living:
            self.living._put(ContactRow(contact, 0))
        for contact in sorted(living, key=lambda contact: contact.queued_at):
            for input in contact_facts(contact, self.clock):
                self.feed(input)
        for id, (state, epoch, at) in self.presences.items():
            self.feed(i.PresenceChanged(id, state, epoch, at))

    # --- what has to hold -----------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Everything is heard and carried out; then the engine has to know what the log holds, no more and no less."""
        for _ in range(1_000):
            while any(self.inbox.values()):
                self.deliver()
            if not self.undone:
                break
            self.perform(self.undone.pop(0))
        assert not self.undone and not any(self.inbox.values())
        self.compare()
        self.forget_closed()

    def compare(self) -> None:
        """1-5, 7, 22, 27: the log's contacts folded anew, the engine's view of them, and each agent's load."""
        judge = self.judge
        waiting = {id: contact for id, contact in self.contacts.items() if contact.phase in WAITING}
        assert set(judge.contacts) == set(waiting)
        held: dict[str, dict[str, str]] = {agent: {} for agent in AGENTS}
        for id, contact in self.contacts.items():
            folded = Contact(id)
            for recorded in self.history[id]:
                folded = machine.evolve(folded, recorded.event, recorded.at)  # type: ignore[arg-type]  # a contact's
            assert folded == contact and contact.queued_at == self.born[id], "the age goes along"
            offered = None if contact.offer is None else (contact.offer.agent, contact.offer.fence)
            assert (contact.phase is Phase.OFFERED) == (offered is not None)
            if id in waiting:
                assert offered == _offered(judge.contacts[id])
                assert judge.contacts[id].facts.enqueued_at == contact.queued_at
            if contact.offer is not None:
                held[contact.offer.agent][id] = "offered"
            if contact.agent is not None and contact.phase in SERVED:
                held[contact.agent][id] = "held"
                held |= {other: held[other] | {id: "held"} for other in contact.participants}
            if contact.agent is not None and contact.phase is Phase.WRAPPING:
                held[contact.agent][id] = "wrapping"
        for agent, work in held.items():
            assert {id: one.stage for id, one in judge.agents[agent].contacts.items()} == work
            if not self.by_hand:
                self.check_room(agent)

    def check_room(self, agent: str) -> None:
        """5, 6: never too much; a call on top of e-mails is not."""
        work = self.judge.agents[agent].contacts.values()
        calls = sum(one.channel in ("voice", "callback") for one in work)
        mail = sum(one.cost for one in work if one.channel == "email")
        load = sum(one.cost for one in work)
        assert calls <= 1 and (load - mail if calls else load) <= self.agents[agent].capacity

    def forget_closed(self) -> None:
        for id in [id for id, contact in self.contacts.items() if contact.phase is Phase.CLOSED]:
            del self.contacts[id], self.born[id], self.history[id]
            self.inbox.pop(id, None)
            self.lately = deque((stream for stream in self.lately if stream != id), self.lately.maxlen)

    def finish(self) -> None:
        """20, 21: with nobody acting any more, the clock alone empties every transient state."""
        self.settle()
        for agent in AGENTS:
            self.say_presence(agent, AgentState.OFFLINE)
        self.settle()
        while (due := self.judge.engine.next_deadline()) is not None:
            self.wall = max(self.wall, due)
            self.clock = max(self.clock, self.wall)
            self.feed(i.Tick())
            self.settle()
        assert not any(contact.phase in (Phase.OFFERED, Phase.WRAPPING) for contact in self.contacts.values())


def _offered(contact: ModelContact) -> tuple[str, int] | None:
    return None if contact.offer is None else (contact.offer.agent, contact.offer.fence)
