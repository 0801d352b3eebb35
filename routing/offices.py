"""Queues and agents for the simulator, made of the hub's rows by the very code that makes the dispatcher's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from hub import config_rows as rows
from hub.directory import Directory
from hub.errors import ConfigError, InvalidInput
from hub.model import DEFAULT_MAXIMA, Millis, Role, User
from hub.ports import ConfigRow, Store
from routing.dispatch_specs import REASONS, agent_spec, queue_spec
from routing.simulation.plan import presence_of
from routing.simulation.scenario import Agents, Scenario
from routing.simulation.world import Agent, Office
from routing.specs import AgentState, OverflowReason, QueueSpec

Presence = Sequence[tuple[int, AgentState]]
Rows = Mapping[str, Sequence[ConfigRow]]


class _Drawer:
    """Rows and users that are in no store: as much of one as a directory reads when it starts."""

    def __init__(self, kinds: Rows, users: Sequence[User]) -> None:
        self.configs = self.accounts = self
        self._kinds, self._users = kinds, users

    async def rows(self, kind: str) -> Sequence[ConfigRow]:
        return self._kinds.get(kind, ())

    async def users(self) -> Sequence[User]:
        return self._users


async def directory_of(kinds: Rows, users: Sequence[User]) -> Directory:
    """Raises ConfigError for a queue that would not be accepted on the admin page either."""
    for row in kinds.get("queue", ()):
        try:
            rows.read(rows.Queue, row.data)
        except InvalidInput as error:
            raise ConfigError(f"queues.{row.id}.{error}") from None
    directory = Directory(cast("Store", _Drawer(kinds, users)))
    await directory.load()
    return directory


def queue_rows(changes: Mapping[str, Mapping[str, Any]], known: Sequence[ConfigRow] = ()) -> list[ConfigRow]:
    """The known rows as the scenario changes them, and its new ones, which need no name."""
    result = {row.id: row for row in known}
    for id, change in changes.items():
        data = {**(result[id].data if id in result else {"name": id}), **change}
        result[id] = ConfigRow("queue", id, 1, 0, data)
    return list(result.values())


def members(group: Agents) -> list[User]:
    """The agents `name-1` to `name-N`, as users of the hub would be."""
    maxima = {str(channel): most for channel, most in DEFAULT_MAXIMA.items()} | dict(group.maxima)
    return [
        User(
            id=f"{group.name}-{number}",
            username=f"{group.name}-{number}",
            name=f"{group.name}-{number}",
            role=Role.AGENT,
            skills=dict(group.skills),
            units=group.units,
            maxima=maxima,
            auto_accept=tuple(group.auto_accept),
        )
        for number in range(1, group.count + 1)
    ]


def office_of(
    directory: Directory,
    presences: Mapping[str, Presence],
    groups: Sequence[Agents] = (),
    begin: Millis = 0,
    end: Millis = 0,
) -> Office:
    """The office from `begin` (the simulated time 0) to `end`: users with these presences, and the groups' agents.

    Raises ConfigError for what the engine refuses.
    """
    agents = [Agent(agent_spec(directory, directory.user(id)), tuple(presence)) for id, presence in presences.items()]
    for group in groups:
        presence, back_ms = presence_of(group), round(group.back_after_s * 1000)
        agents += [
            Agent(agent_spec(directory, user), presence, group.decline, group.miss, back_ms) for user in members(group)
        ]
    return Office(_timeline(directory, begin, end), agents, _overflow(directory))


def _timeline(directory: Directory, begin: Millis, end: Millis) -> list[tuple[int, QueueSpec]]:
    """The queues at the beginning, and each again whenever it opens or closes."""
    result = []
    for id in directory.queues():
        change: tuple[Millis, bool] | None = (begin, True)
        while change is not None and (change[0] < end or change[0] == begin):
            try:
                result.append((change[0] - begin, queue_spec(directory, id, change[0])))
            except ValueError as error:
                raise ConfigError(f"queues.{id}: {str(error).removeprefix(f'queue {id}: ')}") from None
            change = directory.next_change(id, change[0])
    return sorted(result, key=lambda each: each[0])


def _overflow(directory: Directory) -> dict[tuple[str, OverflowReason], str | None]:
    """Whatever is no other queue (a callback, voicemail, a closing message) ends the wait."""
    return {
        (id, REASONS[rule.when]): rule.queue if rule.to == "queue" else None
        for id, row in directory.queues().items()
        for rule in row.overflow
    }


def thresholds(scenario: Scenario, directory: Directory) -> dict[str, int]:
    """In ms, by queue: the scenario's one for all, else each queue's own target."""
    if scenario.threshold_s is not None:
        return dict.fromkeys(directory.queues(), round(scenario.threshold_s * 1000))
    return {id: row.target.seconds * 1000 for id, row in directory.queues().items()}
