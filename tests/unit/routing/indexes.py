"""Every index of the engine, built anew from the records and compared."""

from routing.agents import Agent
from routing.engine import Engine
from routing.idle import DEAD, Drawn, Ranked
from routing.ordered import Ordered
from routing.specs import AgentState
from routing.waiting import NOBODY, Seat, WaitingClass, WaitingEntry


def check_indexes(engine: Engine) -> None:
    """Raises AssertionError where an index of the engine differs from its rebuild."""
    index, contacts = engine._index, engine._admission.contacts
    homes: dict[int, list[WaitingEntry]] = {}
    for contact in contacts.values():
        assert not (contact.home is not None and contact.offer is not None)
        if contact.home is not None:
            waiting_class, queue = contact.waiting_class, contact.queue
            assert waiting_class is not None and queue is not None
            assert queue.classes[waiting_class.key] is waiting_class
            assert waiting_class.skills == queue.skills_at(contact.step, contact.facts.requirements)
            home = contact.host.kept[waiting_class] if contact.host else waiting_class.waiting
            assert home is contact.home
            homes.setdefault(id(home), []).append(contact.entry)
        else:
            assert contact.waiting_class is None and contact.host is None
    classes = [waiting_class for queue in index.queues.values() for waiting_class in queue.classes.values()]
    used = {waiting_class.number: waiting_class.waiting.head or NOBODY for waiting_class in classes}
    assert len(used) == len(classes) and 0 not in used
    assert index.heads == [used.get(number, NOBODY) for number in range(len(index.heads))]
    assert sorted([0, *used, *index._unused]) == list(range(len(index.heads)))
    for queue in index.queues.values():
        listed = [contact for contact in contacts.values() if contact.queue is queue]
        assert {contact: queue.ages.due(contact) for contact in queue.ages} == {
            contact: contact.facts.enqueued_at for contact in listed
        }
        assert set(queue.profiles) == {
            profile
            for profile in index.profiles.values()
            if profile.is_in(queue.spec.id) and profile.has(queue.spec.skills)
        }
        for waiting_class in queue.classes.values():
            assert list(waiting_class.waiting) == sorted(homes.get(id(waiting_class.waiting), []))
            check_ordered(waiting_class.waiting)
            inside = [c for c in contacts.values() if c.waiting_class is waiting_class]
            assert waiting_class.population == len(inside)
            assert (waiting_class in index._empty) == (not inside)
            able = [
                seat
                for seat in index.seats.values()
                if seat.profile.matches(queue.spec.id, waiting_class.channel, waiting_class.skills)
            ]
            assert set(waiting_class.profiles) == {
                profile
                for profile in index.profiles.values()
                if profile.matches(queue.spec.id, waiting_class.channel, waiting_class.skills)
            }
            weight = waiting_class.weight
            staffed = [seat for seat in able if seat.agent.state is AgentState.AVAILABLE]
            assert waiting_class.servers == sum(seat.agent.slots(*weight) for seat in staffed)
            free = [seat for seat in staffed if seat.agent.obstacle(weight) is None]
            check_idle(waiting_class, free, able)
    for name, seat in index.seats.items():
        assert seat.agent.id == name and index.profiles[seat.profile.key] is seat.profile
        assert seat in seat.profile.seats
        matched = {c for queue in index.queues.values() for c in queue.classes.values() if seat.profile in c.profiles}
        assert {c for lane in seat.profile.lanes.values() for c in lane.classes} == matched
        assert all(c.weight == weight for weight, lane in seat.profile.lanes.items() for c in lane.classes)
        for lane in seat.profile.lanes.values():
            assert lane.head(index.heads) == min(c.waiting.head or NOBODY for c in lane.classes)
        for waiting_class, kept in seat.kept.items():
            assert list(kept) == sorted(homes[id(kept)]) and kept
            assert waiting_class.queue.classes[waiting_class.key] is waiting_class
        check_work(seat.agent)
    for profile in index.profiles.values():
        assert profile.seats
        for skill, highest in profile.skills.items():
            assert all(profile in index._by_skill[(skill, level)] for level in range(1, highest + 1))


def check_idle(waiting_class: WaitingClass, free: list[Seat], able: list[Seat]) -> None:
    """Whoever has room is in the idle order, none with a bound above his key, and nobody from elsewhere."""
    idle = waiting_class.idle
    if isinstance(idle, Drawn):
        assert set(free) <= set(idle._places) <= set(able)
        assert [idle._seats[place] for place in idle._places.values()] == list(idle._places)
        assert len(idle._seats) == len(idle._places)
        return
    assert isinstance(idle, Ranked)
    assert set(free) <= set(idle.bounds) <= set(able)
    assert all(idle.bounds[seat] <= waiting_class.idle_entry(seat) for seat in free)
    heap = idle._heap
    assert all(heap[(at - 1) // 2] <= heap[at] for at in range(1, len(heap)))
    assert {id(entry) for entry in idle.bounds.values()} <= {id(entry) for entry in heap}
    assert len(heap) <= 2 * len(idle.bounds) + DEAD


def check_work(agent: Agent) -> None:
    """The sums that an agent keeps equal recounts of his contacts."""
    work = list(agent.contacts.values())
    assert agent.load == sum(one.cost for one in work)
    assert agent.wrapping == sum(one.stage == "wrapping" for one in work)
    assert agent.lines == sum(agent.rules[one.channel].takes_line for one in work)
    for channel in agent.rules:
        assert agent.channel_count.get(channel, 0) == sum(one.channel == channel for one in work)
        assert agent.channel_load.get(channel, 0) == sum(one.cost for one in work if one.channel == channel)


def check_ordered(ordered: Ordered[WaitingEntry]) -> None:
    """The list's own parts agree."""
    entries = list(ordered)
    assert entries == sorted(entries)
    assert len(ordered) == len(entries)
    assert ordered.head == (entries[0] if entries else None)
    assert [ordered.rank(entry) for entry in entries] == list(range(len(entries)))
