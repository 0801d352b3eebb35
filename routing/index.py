"""Which agents match which contacts, kept up to date so that nothing ever has to scan for it.

What happens often is cheap: an agent who got room costs a look at each class that his profile matches, one who lost it
nothing (see `idle.py`), a contact of a known class nothing either. What happens seldom pays: a new class looks at the
profiles that have its rarest skill, a new profile at all classes, an edited queue at all profiles. Classes that stand
empty are kept for the next such contact, up to `KEEP_EMPTY`, so that made-up requirements cannot fill the memory.
"""

from collections.abc import Iterable, Mapping

from routing.agents import Agent
from routing.specs import AgentSpec, AgentState, ChannelRules, QueueSpec
from routing.waiting import NOBODY, Profile, ProfileKey, Queue, Seat, WaitingClass, WaitingEntry

KEEP_EMPTY = 1024


class Index:
    """The queues, classes, profiles and seats, and what connects them."""

    def __init__(self, rules: Mapping[str, ChannelRules], seed: int) -> None:
        self.rules = rules
        self._seed = seed
        self.queues: dict[str, Queue] = {}
        self.seats: dict[str, Seat] = {}
        self.profiles: dict[ProfileKey, Profile] = {}
        self._by_skill: dict[tuple[str, int], dict[Profile, None]] = {}
        self.heads: list[WaitingEntry] = [NOBODY]
        """By number, the first contact of each class."""
        self._unused: list[int] = []
        self._empty: dict[WaitingClass, None] = {}
        self._ordinal = 0
        self.deserted: dict[WaitingClass, None] = {}
        """Classes with contacts whose last available agent has left; the engine empties it."""

    # --- queues and classes ---------------------------------------------------------------------------------------

    def set_queue(self, spec: QueueSpec) -> Queue:
        """A new queue, or an existing one with another spec; its contacts stay in the classes in which they wait."""
        queue = self.queues.get(spec.id)
        if queue is None:
            queue = self.queues[spec.id] = Queue(spec)
            self._connect_all(queue)
            return queue
        before, queue.spec = queue.spec, spec
        if spec.skills != before.skills:
            self._disconnect(queue)
            self._connect_all(queue)
        if spec.costs != before.costs:
            for waiting_class in queue.classes.values():
                profiles = list(waiting_class.profiles)
                for profile in profiles:
                    profile.part(waiting_class)
                waiting_class.weigh()
                for profile in profiles:
                    profile.join(waiting_class)
        if spec.costs != before.costs or spec.strategy != before.strategy:
            self.reorder(queue)
        return queue

    def remove_queue(self, queue: Queue) -> None:
        """The queue and its classes are gone; no contact may be waiting in them."""
        for waiting_class in list(queue.classes.values()):
            self._drop(waiting_class)
        self._disconnect(queue)
        del self.queues[queue.spec.id]

    def class_of(self, queue: Queue, channel: str, skills: Mapping[str, int]) -> WaitingClass:
        """The class of contacts of that channel which ask for those skills, made if there is none."""
        key = (channel, frozenset(skills.items()))
        found = queue.classes.get(key)
        if found is None:
            if not self._unused:
                self._unused.append(len(self.heads))
                self.heads.append(NOBODY)
            number = self._unused.pop()
            found = queue.classes[key] = WaitingClass(queue, channel, skills, key, number, self.heads, self._seed)
            self._empty[found] = None
            for profile in self._candidates(skills):
                if profile.matches(queue.spec.id, channel, skills):
                    profile.join(found)
            self._gather(found)
        return found

    def occupy(self, waiting_class: WaitingClass) -> None:
        """One contact more waits in the class."""
        waiting_class.population += 1
        self._empty.pop(waiting_class, None)

    def vacate(self, waiting_class: WaitingClass) -> None:
        """One contact less waits in the class; long empty classes make room for new ones."""
        waiting_class.population -= 1
        if not waiting_class.population:
            self._empty[waiting_class] = None
            if len(self._empty) > KEEP_EMPTY:
                self._drop(next(iter(self._empty)))

    def reorder(self, queue: Queue) -> None:
        """The keys of many agents changed at once: put the idle orders of the queue's classes up anew."""
        for waiting_class in queue.classes.values():
            self._gather(waiting_class)

    def _candidates(self, skills: Mapping[str, int]) -> Iterable[Profile]:
        """The profiles with the rarest of the skills; all, when none is asked for."""
        if not skills:
            return self.profiles.values()
        return min((self._by_skill.get(asked, {}) for asked in skills.items()), key=len)

    def _gather(self, waiting_class: WaitingClass) -> None:
        """Count and order the agents of all the profiles that match the class."""
        weight, servers = waiting_class.weight, 0
        waiting_class.arrange()
        for profile in waiting_class.profiles:
            for seat in profile.seats:
                if seat.staffed:
                    servers += seat.agent.slots(*weight)
                    if seat.agent.free(weight):
                        waiting_class.idle.welcome(seat, waiting_class.idle_entry(seat))
        if waiting_class.servers and not servers and waiting_class.population:
            self.deserted[waiting_class] = None
        waiting_class.servers = servers

    def _drop(self, waiting_class: WaitingClass) -> None:
        for profile in list(waiting_class.profiles):
            profile.part(waiting_class)
        del waiting_class.queue.classes[waiting_class.key]
        self.heads[waiting_class.number] = NOBODY
        self._unused.append(waiting_class.number)
        self._empty.pop(waiting_class, None)

    def _connect(self, profile: Profile, queue: Queue) -> None:
        if profile.is_in(queue.spec.id) and profile.has(queue.spec.skills):
            profile.matched_queues[queue] = None
            queue.profiles[profile] = None
            for seat in profile.seats:
                queue.staffed += seat.staffed
                queue.idle += seat.idle

    def _connect_all(self, queue: Queue) -> None:
        for profile in self.profiles.values():
            self._connect(profile, queue)

    def _disconnect(self, queue: Queue) -> None:
        for profile in queue.profiles:
            del profile.matched_queues[queue]
        queue.profiles.clear()
        queue.staffed = queue.idle = 0

    # --- agents ---------------------------------------------------------------------------------------------------

    def set_agent(self, spec: AgentSpec) -> Seat:
        """A new agent, or an existing one with another spec. He enters the idle orders at the next `refresh`."""
        seat = self.seats.get(spec.id)
        if seat is None:
            self._ordinal += 1
            agent = Agent(spec, self._ordinal, self.rules)
            seat = self.seats[spec.id] = Seat(agent, self._profile(spec))
        else:
            self._stand_down(seat)
            self._leave_profile(seat)
            seat.agent.configure(spec)
            seat.profile = self._profile(spec)
        seat.profile.seats[seat] = None
        return seat

    def remove_agent(self, seat: Seat) -> None:
        """The agent is gone; nothing may be left with him or kept for him."""
        self._stand_down(seat)
        self._leave_profile(seat)
        seat.entries.clear()  # they name the seat itself
        del self.seats[seat.agent.id]

    def refresh(self, seat: Seat) -> None:
        """Bring the counters and idle orders in line with the agent's presence and room."""
        agent = seat.agent
        seat.entries.clear()
        self._staff(seat, agent.state is AgentState.AVAILABLE)
        self._count_idle(seat, agent.open and not agent.load)
        if not agent.open or agent.full:
            return
        for weight, lane in seat.profile.lanes.items():
            if not agent.has_room(weight):
                continue
            for waiting_class in lane.classes:
                waiting_class.idle.welcome(seat, waiting_class.idle_entry(seat))

    def _stand_down(self, seat: Seat) -> None:
        self._staff(seat, False)
        self._count_idle(seat, False)
        for lane in seat.profile.lanes.values():
            for waiting_class in lane.classes:
                waiting_class.idle.forget(seat)

    def _staff(self, seat: Seat, staffed: bool) -> None:
        if seat.staffed is staffed:
            return
        seat.staffed = staffed
        sign = 1 if staffed else -1
        for queue in seat.profile.matched_queues:
            queue.staffed += sign
        for weight, lane in seat.profile.lanes.items():
            slots = sign * seat.agent.slots(*weight)
            if not slots:
                continue
            for waiting_class in lane.classes:
                waiting_class.servers += slots
                if waiting_class.servers == 0 and waiting_class.population:
                    self.deserted[waiting_class] = None

    def _count_idle(self, seat: Seat, idle: bool) -> None:
        if seat.idle is idle:
            return
        seat.idle = idle
        sign = 1 if idle else -1
        for queue in seat.profile.matched_queues:
            queue.idle += sign

    def _profile(self, spec: AgentSpec) -> Profile:
        unserved = frozenset(channel for channel, maximum in spec.maxima.items() if maximum == 0)
        key = (frozenset(spec.skills.items()), spec.queues, unserved)
        found = self.profiles.get(key)
        if found is None:
            found = self.profiles[key] = Profile(key, dict(spec.skills), spec.queues, unserved)
            for skill, highest in found.skills.items():
                for level in range(1, highest + 1):
                    self._by_skill.setdefault((skill, level), {})[found] = None
            for queue in self.queues.values():
                self._connect(found, queue)
                for waiting_class in queue.classes.values():
                    if found.matches(queue.spec.id, waiting_class.channel, waiting_class.skills):
                        found.join(waiting_class)
        return found

    def _leave_profile(self, seat: Seat) -> None:
        profile = seat.profile
        del profile.seats[seat]
        if profile.seats:
            return
        for waiting_class in [found for lane in profile.lanes.values() for found in lane.classes]:
            profile.part(waiting_class)
        for queue in profile.matched_queues:
            del queue.profiles[profile]
        for skill, highest in profile.skills.items():
            for level in range(1, highest + 1):
                del self._by_skill[(skill, level)][profile]
        del self.profiles[profile.key]
