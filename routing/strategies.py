"""Who gets a contact: the order of the agents with room, one function a strategy.

Each returns a key, least first; equal keys go by the agent's ordinal. What an agent is offered and has not answered
counts against him before his idle time does: that time moves when he accepts, so a burst of arrivals would otherwise
all be offered to one agent. No key gets better by declining or missing an
offer: `idle_since` does not move then, the load is what it was before, and the turn is used up. A contact is kept from
the agent who refused it by exclusion, not by rank.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import TypeAlias

from routing.agents import Agent
from routing.specs import Strategy

Key: TypeAlias = tuple[float, int, int]
KeyFunction: TypeAlias = Callable[[Agent, str, Mapping[str, int]], Key]
"""(agent, queue, skills asked for) -> key."""


def spare(agent: Agent) -> tuple[int, int]:
    """Whom to prefer among equals: the fewest offers to answer, then the longest idle."""
    return (agent.offered, agent.idle_since)


def longest_idle(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """Agents without work first; then who accepted or finished a contact (or came back) the longest time ago."""
    return (1.0 if agent.load else 0.0, *spare(agent))


def least_loaded(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """The smallest share of his capacity in use, then the longest idle."""
    return (agent.load / agent.spec.capacity, *spare(agent))


def round_robin(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """Whose last offer from this queue is the longest ago."""
    return (float(agent.turns.get(queue, 0)), 0, 0)


def most_skilled(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """The greatest sum of levels in the skills asked for, then the longest idle."""
    have = agent.spec.skills
    return (-float(sum(have.get(skill, 0) for skill in skills)), *spare(agent))


def least_skilled(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """The smallest sum of levels in all his skills, so that those who can do more stay free; then the longest idle."""
    return (float(sum(agent.spec.skills.values())), *spare(agent))


def fixed_order(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """The administrator's order, then the longest idle."""
    return (float(agent.spec.order), *spare(agent))


def fewest_today(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """Who was given the fewest contacts since midnight, accepted or still to answer, then the longest idle."""
    return (float(agent.handled_today + agent.offered), *spare(agent))


def no_order(agent: Agent, queue: str, skills: Mapping[str, int]) -> Key:
    """All alike: for random, where the draw decides."""
    return (0.0, 0, 0)


KEYS: Mapping[Strategy, KeyFunction] = {
    Strategy.LONGEST_IDLE: longest_idle,
    Strategy.LEAST_LOADED: least_loaded,
    Strategy.ROUND_ROBIN: round_robin,
    Strategy.MOST_SKILLED: most_skilled,
    Strategy.LEAST_SKILLED: least_skilled,
    Strategy.FIXED_ORDER: fixed_order,
    Strategy.FEWEST_TODAY: fewest_today,
    Strategy.RANDOM: no_order,
}

OF_THE_CLASS = frozenset({Strategy.ROUND_ROBIN, Strategy.MOST_SKILLED})
"""The strategies whose key depends on the queue or the skills asked for, and not on the agent alone."""


def draw(seed: int, contact: str, fence: int, among: int) -> int:
    """A number in 0..among-1 that depends on nothing but the arguments, so that a replay draws the same."""
    digest = blake2b(f"{seed}:{contact}:{fence}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % among
