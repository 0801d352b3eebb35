"""Every index of the engine, built anew from the records and compared."""

from routing.agents import Agent
from routing.engine import Engine
from routing.ordered import Ordered
from routing.specs import AgentState
from routing.waiting import WaitingEntry


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
    for queue in index.queues.values():
        listed = [contact for contact in contacts.values() if contact.queue is queue]
        assert list(queue.ages) == sorted(contact.age_entry for contact in listed)
        check_ordered(queue.ages)
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
            assert waiting_class.idle == sorted(waiting_class.idle_entry(seat) for seat in free)
            for seat in able:
                assert (waiting_class in seat.entries) == (seat in free)
    for name, seat in index.seats.items():
        assert seat.agent.id == name and index.profiles[seat.profile.key] is seat.profile
        assert seat in seat.profile.seats
        matched = {c for queue in index.queues.values() for c in queue.classes.values() if seat.profile in c.profiles}
        assert set(seat.profile.classes) == matched
        for waiting_class, kept in seat.kept.items():
            assert list(kept) == sorted(homes[id(kept)]) and kept
            assert waiting_class.queue.classes[waiting_class.key] is waiting_class
        check_work(seat.agent)
    for profile in index.profiles.values():
        assert profile.seats
        for skill, highest in profile.skills.items():
            assert all(profile in index._by_skill[(skill, level)] for level in range(1, highest + 1))


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
