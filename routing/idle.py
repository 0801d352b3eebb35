"""The agents with room for the contacts of one class, in the order of its queue's strategy.

An agent belongs to some twenty classes, and each of his contacts moves him back in all of them, three times over: when
he is offered it, accepts it and is done with it. Nearly nobody looks at the places between. So an order is put right
only where somebody looks: `Ranked` is a heap of bounds, each agent's no greater than his present key. What makes an
agent rank worse, or takes his room, changes nothing here; who comes up with a bound that is no longer his key goes back
with the key, and who has no room is dropped until the index welcomes him again.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace
from typing import Generic, Protocol, TypeAlias, TypeVar

from routing.agents import Agent, Weight
from routing.strategies import draw


class Sits(Protocol):
    """An agent's place in the indexes, known by itself."""

    agent: Agent


class Asks(Protocol):
    """A contact that looks for an agent."""

    id: str
    fence: int

    def bars(self, agent: Agent) -> bool:
        """Whether it in particular may not be offered to the agent."""


S = TypeVar("S", bound=Sits)
IdleEntry: TypeAlias = tuple[float, int, int, int, S]
"""(the strategy's key, the agent's ordinal, seat): least first. The ordinal is unique, so seats are never compared."""

DEAD = 64  # entries that a heap may hold beyond twice the living ones


class IdleOrder(Protocol[S]):
    """Which agents with room come first."""

    def welcome(self, seat: S, entry: IdleEntry[S]) -> None:
        """He has room, and `entry` is his present one: to be called when he got room or may rank better."""

    def forget(self, seat: S) -> None:
        """He serves such contacts no more; nothing happens if he was not here."""

    def first(self, contact: Asks | None) -> S | None:
        """The first agent with room whom the contact may be offered to (None: any contact of the class)."""


class Ranked(Generic[S]):
    """By key, least first."""

    __slots__ = ("_entry_of", "_heap", "_weight", "bounds")

    def __init__(self, weight: Weight, entry_of: Callable[[S], IdleEntry[S]]) -> None:
        self._weight = weight
        self._entry_of = entry_of
        self._heap: list[IdleEntry[S]] = []
        self.bounds: dict[S, IdleEntry[S]] = {}
        """By agent, the one entry in the heap that counts."""

    def welcome(self, seat: S, entry: IdleEntry[S]) -> None:
        bound = self.bounds.get(seat)
        if bound is None or entry < bound:
            self.bounds[seat] = entry
            heappush(self._heap, entry)
            if len(self._heap) > 2 * len(self.bounds) + DEAD:
                self._heap = list(self.bounds.values())
                heapify(self._heap)

    def forget(self, seat: S) -> None:
        self.bounds.pop(seat, None)

    def first(self, contact: Asks | None) -> S | None:
        heap, bounds, weight = self._heap, self.bounds, self._weight
        passed: list[IdleEntry[S]] = []
        found = None
        while heap:
            entry = heap[0]
            seat = entry[-1]
            if bounds.get(seat) is not entry:
                heappop(heap)
                continue
            present = self._entry_of(seat)
            if present is not entry and present != entry:
                bounds[seat] = present
                heapreplace(heap, present)
                continue
            agent = seat.agent
            if not agent.free(weight):
                heappop(heap)
                del bounds[seat]
            elif contact is not None and contact.bars(agent):
                passed.append(heappop(heap))
            else:
                found = seat
                break
        for entry in passed:
            heappush(heap, entry)
        return found


class Drawn(Generic[S]):
    """By lot: each agent with room is as likely to come first as any other."""

    __slots__ = ("_places", "_seats", "_seed", "_weight")

    def __init__(self, weight: Weight, seed: int) -> None:
        self._weight = weight
        self._seed = seed
        self._seats: list[S] = []
        self._places: dict[S, int] = {}

    def welcome(self, seat: S, entry: IdleEntry[S]) -> None:
        if seat not in self._places:
            self._places[seat] = len(self._seats)
            self._seats.append(seat)

    def forget(self, seat: S) -> None:
        place = self._places.pop(seat, None)
        if place is None:
            return
        last = self._seats.pop()
        if last is not seat:
            self._seats[place] = last
            self._places[last] = place

    def first(self, contact: Asks | None) -> S | None:
        seats, weight = self._seats, self._weight
        drawn = ("", 0) if contact is None else (contact.id, contact.fence + 1)
        start = 0
        while seats:
            start = draw(self._seed, *drawn, len(seats))
            if seats[start].agent.free(weight):
                break
            self.forget(seats[start])
        for at in range(start, start + len(seats)):
            agent = (seat := seats[at % len(seats)]).agent
            if agent.free(weight) and (contact is None or not contact.bars(agent)):
                return seat
        return None
