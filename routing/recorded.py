"""A day as the log recorded it: who came, how long each took and waited, and when the agents were there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeAlias

from hub import events as e
from hub.events import Recorded
from hub.model import Millis
from hub.ports import ContactFilter, Store
from routing.simulation.chances import Chance
from routing.simulation.demand import Arrival, Leg
from routing.simulation.tally import Key, Tally
from routing.specs import AgentState

PAGE = 200
Presence: TypeAlias = list[tuple[int, AgentState]]
AT_ONCE_MS = 1000
"""A contact that was offered within this time had not to wait for an agent: the hub itself takes some."""
UNKNOWN_MS = 180_000
"""How long a contact takes on a channel on which nobody was answered all day."""
SENT_AWAY = frozenset({"overflow", "voicemail"})


@dataclass(slots=True)
class Stay:
    """With the agent from `start` on, talked until `ended`, wrapped up until `closed`: ms since the day's begin."""

    agent: str
    leg: Leg
    start: int
    ended: int
    closed: int


@dataclass(slots=True)
class Story:
    """One contact of the day."""

    key: Key
    at: int
    priority: int
    preferred: str | None
    requirements: dict[str, int] = field(default_factory=dict)
    offered_at: int | None = None
    left_at: int | None = None
    sent_away: bool = False
    stays: list[Stay] = field(default_factory=list)
    over: bool = False


@dataclass(slots=True)
class Day:
    """`presences` by agent: (ms since begin, state). `open`: how many contacts were left out as they still go on.

    `unseen`: agents who served contacts though the log never says that they were there (contacts of another system that
    were brought in, say); they are taken to be there from the first of these contacts to the last.
    """

    begin: Millis
    end: Millis
    stories: list[Story]
    presences: dict[str, Presence]
    open: int
    unseen: list[str]


def span(day: str) -> tuple[Millis, Millis]:
    """The local day's first millisecond and the next day's. Raises ValueError for what is no date."""
    first = date.fromisoformat(day)
    start, end = (datetime.combine(each, datetime.min.time()) for each in (first, first + timedelta(days=1)))
    return round(start.astimezone().timestamp() * 1000), round(end.astimezone().timestamp() * 1000)


async def read_day(store: Store, day: str, progress: Callable[[int, int], None]) -> Day:
    """Reads the contacts that came on the day, each with its events, and the agents' presences."""
    begin, end = span(day)
    where = ContactFilter(created_from=begin, created_to=end)
    ids: list[str] = []
    while page := await store.contacts.page(where, after=ids[-1] if ids else None, limit=PAGE):
        ids += [row.contact.id for row in page]
    stories: list[Story] = []
    for start in range(0, len(ids), PAGE):
        streams = await asyncio.gather(*(_stream(store, id) for id in ids[start : start + PAGE]))
        stories += [story for events in streams if (story := tell(events, begin)) is not None]
        progress(min(start + PAGE, len(ids)), len(ids))
    presences: dict[str, Presence] = {}
    for agent, presence in sorted((await store.people.presences()).items()):
        changes = await _presence(store, agent, presence.epoch, begin, end)
        if any(state is not AgentState.OFFLINE for _, state in changes):
            presences[agent] = changes
    over = sorted((story for story in stories if story.over), key=lambda story: story.at)
    unseen = _unseen(over, presences)
    return Day(begin, end, over, presences | unseen, len(stories) - len(over), sorted(unseen))


def _unseen(stories: Sequence[Story], presences: Mapping[str, Presence]) -> dict[str, Presence]:
    found: dict[str, Presence] = {}
    for stay in (stay for story in stories for stay in story.stays):
        if any(state is AgentState.AVAILABLE for _, state in presences.get(stay.agent, ())):
            continue
        first, last = stay.start - stay.leg.answer_ms, stay.closed
        if stay.agent in found:
            (known_first, _), (known_last, _) = found[stay.agent]
            first, last = min(first, known_first), max(last, known_last)
        found[stay.agent] = [(first, AgentState.AVAILABLE), (last, AgentState.OFFLINE)]
    return found


async def _stream(store: Store, id: str) -> list[Recorded]:
    events: list[Recorded] = []
    while page := await store.log.stream(id, events[-1].version if events else 0):
        events += page
    return events


async def _presence(store: Store, agent: str, versions: int, begin: Millis, end: Millis) -> Presence:
    """The agent's state at the begin (0) and its changes until the end; what was at the begin is found by halving."""
    low, high = 0, versions
    while low < high:
        middle = (low + high) // 2
        found = await store.log.stream(agent, middle, limit=1)
        if found and found[0].at < begin:
            low = middle + 1
        else:
            high = middle
    result: Presence = []
    after = max(low - 1, 0)
    while events := await store.log.stream(agent, after):
        for recorded in events:
            if recorded.at >= end:
                return result
            if isinstance(recorded.event, e.PresenceChanged):
                result.append((max(recorded.at - begin, 0), AgentState(str(recorded.event.state))))
        after = events[-1].version
    return result


def tell(events: Sequence[Recorded], begin: Millis) -> Story | None:
    """The story of one contact; None when it never waited."""
    channel, story, offered = "", None, 0
    queue, requirements = "", {}
    for recorded in events:
        at, event = recorded.at - begin, recorded.event
        if isinstance(event, e.ContactReopened):
            break  # what came after it is another stay, which the first story does not tell
        if isinstance(event, e.ContactCreated):
            channel = str(event.channel)
        elif isinstance(event, e.ContactQueued):
            queue, requirements = event.queue, dict(event.requirements)
            if story is None:
                story = Story((queue, channel), at, event.priority, event.preferred, requirements)
        elif story is None:
            continue
        elif isinstance(event, e.ContactOffered):
            offered = at
            story.offered_at = at if story.offered_at is None else story.offered_at
        elif isinstance(event, e.OfferAccepted):
            # Moved while it waited: the simulated hub moves it by its own rules.
            first = story.key[0] if not story.stays else queue
            wanted = story.requirements if not story.stays else requirements
            leg = Leg(first, 0, answer_ms=at - offered, requirements=wanted)
            story.stays.append(Stay(event.agent, leg, at, at, at))
        elif isinstance(event, e.ContactTransferred | e.ContactRequeued | e.ContactEnded) and story.stays:
            story.stays[-1].ended = story.stays[-1].closed = at
        elif isinstance(event, e.ContactClosed):
            story.over = True
            if story.stays:
                story.stays[-1].closed = at
        elif isinstance(event, e.ContactAbandoned):
            story.over, story.sent_away = True, event.reason in SENT_AWAY
            if not story.stays:
                story.left_at = at
    return story


def mean_patience(day: Day) -> dict[Key, float]:
    """In ms, by kind of contact; none where nobody gave up.

    All waiting time over the number who gave up: whoever was answered was patient for at least as long as he waited.
    """
    waited: defaultdict[Key, int] = defaultdict(int)
    left: defaultdict[Key, int] = defaultdict(int)
    for story in day.stories:
        waited[story.key] += _wait(story)
        left[story.key] += story.left_at is not None and not story.sent_away
    return {key: waited[key] / count for key, count in left.items() if count and waited[key]}


def _wait(story: Story) -> int:
    if story.stays:
        return story.stays[0].start - story.at
    return 0 if story.left_at is None else story.left_at - story.at


def again(day: Day, chance: Chance) -> list[Arrival]:
    """The day's contacts, to come once more.

    Who gave up has the patience he showed; whoever did not would have waited for a further exponential time, as
    patience of his kind goes (for ever where nobody of it gave up). What nobody answered takes as long as one of those
    of its kind that somebody did.
    """
    means = mean_patience(day)
    served: defaultdict[str, list[Leg]] = defaultdict(list)
    for story in day.stories:
        if story.stays:
            served[story.key[1]].append(_leg(story.stays[-1]))
    result = []
    for story in day.stories:
        gave_up = story.left_at is not None and not story.sent_away
        mean = means.get(story.key)
        patience: int | None = None
        if gave_up:
            patience = _wait(story)
        elif mean is not None:
            patience = _wait(story) + round(chance.expovariate(1 / mean))
        legs = tuple(_leg(stay) for stay in story.stays)
        if not legs:
            like = served.get(story.key[1]) or [Leg("", UNKNOWN_MS)]
            legs = (
                replace(like[int(chance.random() * len(like))], queue=story.key[0], requirements=story.requirements),
            )
        result.append(Arrival(story.at, story.key[1], legs, patience, story.priority, story.preferred))
    return result


def _leg(stay: Stay) -> Leg:
    return replace(stay.leg, handle_ms=stay.ended - stay.start, wrap_up_ms=stay.closed - stay.ended)


def count(day: Day, tally: Tally) -> None:
    """Counts the day in the tally as it was."""
    levels: list[tuple[int, Callable[[int], None]]] = []
    for story in day.stories:
        delayed = story.offered_at is None or story.offered_at - story.at > AT_ONCE_MS
        tally.offered(story.key, story.at, delayed)
        if story.stays:
            tally.answered(story.key, story.at, story.stays[0].start)
        elif story.sent_away:
            tally.overflowed(story.key, story.at)
        else:
            tally.abandoned(story.key, story.at)
        levels.append((story.at, lambda now: tally.waiting.change(now, 1)))
        waits = [story.stays[0].start] if story.stays else [story.left_at or story.at]
        levels += [(at, lambda now: tally.waiting.change(now, -1)) for at in waits]
        for stay in story.stays:
            levels.append((stay.start, partial(tally.begin, stay.agent, story.key)))
            levels.append((stay.closed, partial(tally.end, stay.agent, story.key)))
    for agent, changes in day.presences.items():
        levels += [(at, partial(tally.present, agent, state is AgentState.AVAILABLE)) for at, state in changes]
    for at, change in sorted(levels, key=lambda each: each[0]):
        change(at)
    tally.close()
