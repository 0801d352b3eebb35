"""A hub in which everything goes wrong that can: the engine and its judge between a real log and a bad wire.

The log is the truth: contacts as `hub.machine` makes them. Its events reach the engine late, twice, and in any order
across contacts (those of one contact stay in order, as a reader sees them), through the dispatcher's own translation.
The engine's decisions are carried out late, in any order, twice, or never; the log refuses some offers, and of some it
says so although it has stored them. The clock is set forward and back. Queues open and close by their calendar, are
edited, removed and made again while contacts wait and are offered; their overflow rules are carried out as the
dispatcher does it, late, twice or never. Agents are removed and come again. Now and then the dispatcher is killed: what
was under way is lost, and the engine is built anew from what the log holds.
"""

from collections import deque
from collections.abc import Callable

from hub import commands as c
from hub import machine
from hub.living import Living
from hub.model import WAITING, Channel, Contact, Phase
from hub.ports import ContactRow
from routing import inputs as i
from routing.dispatch_overflow import rule_for, way_out
from routing.overflow import REPEAT_MS
from routing.specs import AgentState, OverflowReason
from routing.translation import contact_facts
from tests.unit.routing.judge import Judge
from tests.unit.routing.model import ModelContact
from tests.unit.routing.settings import AGENTS, QUEUES, SKILLS
from tests.unit.routing.wire import Wire

CROWD = 14
"""So many contacts are about at most: the judge looks at every pair of contact and agent after each step."""
SERVED = machine.SERVED


class World(Wire):
    """`step` does one thing, chosen by `seed`; AssertionError as soon as anything is wrong.

    With `by_hand` agents also join conversations, and the log at times refuses an offer that it has stored: both may
    put more on an agent than he has room for. Without them nobody ever has too much.
    """

    def __init__(self, seed: int, *, by_hand: bool = True) -> None:
        super().__init__(seed, by_hand=by_hand)
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
            (self.move, 10),
            (self.change_channel, 15),
            (self.lose_agent, 6),
            (self.take_part, 12 if by_hand else 0),
            (self.upgrade, 20 if by_hand else 0),
            (self.dial, 6 if by_hand else 0),
            (self.change_presence, 40),
            (self.pass_time, 150),
            (self.deliver_again, 40),
            (self.set_clock, 4),
            (self.edit, 16),
            (self.kill, 2),
        ]
        self._deck = [act for act, weight in self._acts for _ in range(weight)]

    def step(self) -> None:
        act = self.random.choice(self._deck)
        self.done[act.__name__] += 1
        act()

    # --- people ---------------------------------------------------------------------------------------------------

    def pick(self, *phases: Phase) -> Contact | None:
        found = [contact for contact in self.contacts.values() if contact.phase in phases]
        return self.random.choice(found) if found else None

    def walk_in(self) -> None:
        if sum(contact.phase is not Phase.CLOSED for contact in self.contacts.values()) >= CROWD:
            return
        self.number += 1
        id = f"c{self.number}"
        if self.random.random() < 0.5:
            self.phones.add(id)
        self.contacts[id] = Contact(id)
        self.born[id] = self.clock
        create = c.Create(self.random.choice(list(Channel)), "shop", "cu", media=self.random.random() < 0.5)
        preferred = self.random.choice((None, None, None, *AGENTS))
        wish, priority = self.random.choice(SKILLS), self.random.choice((0, 0, 0, 1, 5))
        assert self.do(id, create, c.Enqueue(self.random.choice(QUEUES), wish, priority, preferred))

    def agent_accepts(self) -> None:
        contact = self.pick(Phase.OFFERED)
        if contact is not None and contact.offer is not None and contact.offer.agent in self.settings.agents:
            won = self.accept(contact.id, contact.offer.agent, contact.offer.fence)
            if won and contact.channel in (Channel.VOICE, Channel.CALLBACK) and self.random.random() < 0.5:
                # Gone before the two are connected.
                self.do(contact.id, c.End("visitor", "left", 5_000))

    def somebody_answers_late(self) -> None:
        """An old fence, or somebody else's: it changes nothing."""
        contact = self.random.choice(list(self.contacts.values())) if self.contacts else None
        if contact is not None:
            fence = max(0, contact.last_fence - self.random.randint(0, 2))
            self.accept(contact.id, self.random.choice(list(self.settings.agents)), fence)

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
            if self.do(contact.id, c.Transfer(contact.agent, self.random.choice(QUEUES), {}, to, until)):
                self.ways.pop(contact.id, None)

    def move(self) -> None:
        contact = self.pick(Phase.QUEUED, Phase.OFFERED)
        if contact is not None:
            self.ways.pop(contact.id, None)
            assert self.do(contact.id, c.Move(self.random.choice(QUEUES), {}, "moved"))

    def change_channel(self) -> None:
        """In its place, wherever the contact waits or is offered."""
        contact = self.pick(Phase.QUEUED, Phase.OFFERED)
        if contact is not None:
            assert self.do(contact.id, c.ChangeChannel(self.random.choice(list(Channel))))

    def lose_agent(self) -> None:
        contact = self.pick(*SERVED)
        if contact is not None and contact.agent is not None:
            self.do(contact.id, c.LoseAgent(self.random.choice((contact.agent, *contact.participants)), "agent_lost"))

    def take_part(self) -> None:
        contact = self.pick(*SERVED)
        if contact is not None:
            agent = self.random.choice(list(self.settings.agents))
            self.do(contact.id, c.Leave(agent) if agent in contact.participants else c.Join(agent))

    def upgrade(self) -> None:
        """A chat goes on by voice with who has it, and takes the room of what he is only offered."""
        contact = self.pick(Phase.ACTIVE)
        if contact is not None and contact.channel is Channel.CHAT:
            assert self.do(contact.id, c.Upgrade(Channel.VOICE))

    def dial(self) -> None:
        agent = self.random.choice(list(self.settings.agents))
        if sum(contact.phase is not Phase.CLOSED for contact in self.contacts.values()) < CROWD:
            self.number += 1
            id = f"c{self.number}"
            self.contacts[id], self.born[id] = Contact(id), self.clock
            create = c.Create(Channel.VOICE, "shop", "cu", media=True)
            assert self.do(id, create, c.Dial(agent, self.random.choice(QUEUES)))

    def change_presence(self) -> None:
        agent = self.random.choice(list(self.settings.agents))
        away = self.random.choice((AgentState.AWAY, AgentState.OFFLINE, AgentState.AVAILABLE))
        here = self.presences[agent][0] is AgentState.AVAILABLE
        self.say_presence(agent, away if here else AgentState.AVAILABLE)

    # --- time, settings, death ------------------------------------------------------------------------------------

    def pass_time(self) -> None:
        self.wall += self.random.choice((0, 1, 200, 1_000, 1_000, 4_000, 21_000))
        self.clock = max(self.clock, self.wall)
        self.follow_hours()
        self.feed(i.Tick())

    def follow_hours(self) -> None:
        """As the dispatcher does when the next opening or closing is due."""
        if self.hours is not None and self.hours <= self.clock:
            for id in self.settings.directory.queues():
                self.feed(self.settings.spec(id, self.clock))
            self.hours = self.settings.next_hours(self.clock)

    def set_clock(self) -> None:
        """Somebody sets the machine's clock. Within a process the hub's own never runs backwards."""
        hour = 3_600_000 if self.random.random() < 0.05 else 10_000
        self.wall += self.random.choice((-hour, -hour // 10, hour // 10, hour))
        self.clock = max(self.clock, self.wall)

    def edit(self) -> None:
        queue, agent, luck = self.random.choice(QUEUES), self.random.choice(AGENTS), self.random.random()
        gone = [id for id in QUEUES if self.settings.queue(id) is None]
        fired = [id for id in AGENTS if id not in self.settings.agents]
        if gone and luck < 0.3:
            self.edit_queue(self.random.choice(gone))
        elif fired and luck < 0.5:
            self.edit_agent(self.random.choice(fired))
        elif luck < 0.15:
            self.remove_queue(queue)
        elif luck < 0.5:
            self.edit_queue(queue)
        elif luck < 0.65 and len(self.settings.agents) > 2:
            self.remove_agent(agent)
        else:
            self.edit_agent(agent)

    def edit_queue(self, id: str) -> None:
        self.settings.edit_queue(id)
        self.feed(self.settings.spec(id, self.clock))
        self.hours = self.settings.next_hours(self.clock)

    def remove_queue(self, id: str) -> None:
        self.done["queue removed"] += self.settings.queue(id) is not None
        self.settings.remove_queue(id)
        self.feed(i.QueueRemoved(id))

    def edit_agent(self, id: str) -> None:
        new = id not in self.settings.agents
        self.feed(i.AgentChanged(self.settings.edit_agent(id)))
        if new:
            self.say_presence(id, AgentState.AVAILABLE)

    def remove_agent(self, id: str) -> None:
        """His sessions are cut, what he had goes back or is closed; then he is gone, whoever heard of it already."""
        if self.settings.agents.pop(id, None) is None:
            return
        self.done["agent removed"] += 1
        for contact in list(self.contacts.values()):
            if contact.phase is Phase.WRAPPING and contact.agent == id:
                self.do(contact.id, c.Finish("system", None))
            else:
                self.do(contact.id, c.LoseAgent(id, "agent_lost"))
        self.say_presence(id, AgentState.OFFLINE)
        self.feed(i.AgentRemoved(id))

    def kill(self) -> None:
        """The process dies. What the log holds is all that is left; the reader may start a little before its head."""
        self.clock = self.wall
        again = self.random.random() < 0.5
        self.judge, self.living, self.undone = Judge(self.random.getrandbits(16)), Living(), []
        if not again:
            self.inbox.clear()
        for queue in self.settings.directory.queues():
            self.feed(self.settings.spec(queue, self.clock))
        self.hours = self.settings.next_hours(self.clock)
        for agent in self.settings.agents.values():
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

    def answer_all(self) -> None:
        """Nothing waits beyond its rule once the clock ran: what was lost is told again."""
        self.settle()
        self.run_to(max(self.wall, self.judge.now) + REPEAT_MS)
        self.settle()
        for id, known in self.judge.contacts.items():
            contact, row = self.contacts[id], self.settings.queue(known.facts.queue)
            if contact.phase is not Phase.QUEUED:
                continue
            for reason in OverflowReason:
                due = self.judge.should_leave_at(known, reason)
                rule = None if row is None else rule_for(row, reason)
                if rule is not None and due is not None and due <= self.judge.now - REPEAT_MS:
                    assert way_out(contact, rule, phone=id in self.phones) is None, f"{id} should have left: {reason}"

    def run_to(self, wall: int) -> None:
        self.wall = wall
        self.clock = max(self.clock, self.wall)
        self.follow_hours()
        self.feed(i.Tick())

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
            known = judge.agents[agent].contacts if agent in judge.agents else {}
            assert {id: one.stage for id, one in known.items()} == work
            if not self.by_hand and agent in self.settings.agents:
                self.check_room(agent)

    def check_room(self, agent: str) -> None:
        """5, 6: never too much; a call on top of e-mails is not."""
        work = self.judge.agents[agent].contacts.values()
        calls = sum(one.channel in ("voice", "callback") for one in work)
        mail = sum(one.cost for one in work if one.channel == "email")
        load = sum(one.cost for one in work)
        assert calls <= 1 and (load - mail if calls else load) <= self.settings.agents[agent].capacity

    def forget_closed(self) -> None:
        for id in [id for id, contact in self.contacts.items() if contact.phase is Phase.CLOSED]:
            del self.contacts[id], self.born[id], self.history[id]
            self.phones.discard(id)
            self.ways.pop(id, None)
            self.inbox.pop(id, None)
            self.lately = deque((stream for stream in self.lately if stream != id), self.lately.maxlen)

    def finish(self) -> None:
        """20, 21: with nobody acting any more, the clock alone empties every transient state; and those whom no rule
        sends away are the only ones who still wait. Once they have gone there is nothing left to do."""
        self.settle()
        for agent in list(self.settings.agents):
            self.say_presence(agent, AgentState.OFFLINE)
        self.settle()
        end = self.wall + 600_000
        while (due := self.judge.engine.next_deadline()) is not None and due < end:
            self.run_to(max(self.wall, due))
            self.settle()
        assert not any(contact.phase in (Phase.OFFERED, Phase.WRAPPING) for contact in self.contacts.values())
        self.answer_all()
        for contact in list(self.contacts.values()):
            if contact.phase in WAITING:
                self.do(contact.id, c.End("visitor", "left", 0))
        self.settle()
        assert self.judge.engine.next_deadline() is None


def _offered(contact: ModelContact) -> tuple[str, int] | None:
    return None if contact.offer is None else (contact.offer.agent, contact.offer.fence)
