"""The simulator's face to the command line: runs a scenario, or a recorded day as it was and as it would have been."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from heapq import merge

from msgspec.structs import replace

from hub import config_rows as rows
from hub.config import Config
from hub.directory import Directory
from hub.errors import ConfigError
from hub.model import User
from hub.ports import ConfigRow
from hub.simulation import Job, Report
from hub.store import open_store
from routing.offices import directory_of, members, office_of, queue_rows, thresholds
from routing.recorded import Day, again, count, read_day
from routing.simulation.chances import Chance, Streams
from routing.simulation.chart import chart
from routing.simulation.demand import arrivals
from routing.simulation.plan import QUARTER_MS, Plan, play, reference, simulate, sources_of
from routing.simulation.scenario import Agents, Scenario, read
from routing.simulation.scenario import User as UserChange
from routing.simulation.statistics import outcome
from routing.simulation.tally import Grid, Tally

Progress = Callable[[int, int], None]


def run(job: Job, config: Config | None, progress: Progress) -> Report:
    """Carries out the job; a replay needs the hub's `config`. Raises ConfigError, HubError."""
    try:
        scenario = read(job.scenario, replay=job.day is not None)
        if job.day is not None and config is not None:
            return _replay(job, scenario, job.day, config, progress)
        return _simulate(job, scenario, progress)
    except ConfigError as error:
        raise ConfigError(f"{job.source}: {error}") from None


def streams(seed: int) -> Streams:
    """Python seeds by a hash of the text, the same on every machine."""

    def stream(name: str) -> Chance:
        return random.Random(f"{seed} {name}")

    return stream


def _simulate(job: Job, scenario: Scenario, progress: Progress) -> Report:
    for id, data in scenario.queues.items():
        if data.get("hours") is not None:
            raise ConfigError(f"queues.{id}.hours: a scenario has no calendars; say when contacts come by per_hour")
    people = [user for group in scenario.agents for user in members(group)]
    directory = asyncio.run(directory_of({"queue": queue_rows(scenario.queues)}, people))
    plan = Plan(
        office=office_of(directory, {}, scenario.agents),
        sources=sources_of(scenario),
        thresholds=thresholds(scenario, directory),
        seed=scenario.seed,
        hours=scenario.hours,
        days=scenario.days,
    )
    tallies = simulate(plan, streams(scenario.seed), progress)
    formula = reference(plan, max(plan.thresholds.values()) / 1000)
    notes = []
    if plan.days == 1:
        notes.append("One day does not tell how much days differ; with more of them there are intervals.")
    if not plan.office.agents:
        notes.append("There are no agents, so nobody is answered.")
    return Report(
        outcomes={"simulated": outcome(tallies)},
        reference=formula[1]._asdict() if formula else {},
        reference_name=formula[0] if formula else "",
        chart=chart(tallies, _title(plan)) if job.chart else "",
        notes=tuple(notes),
    )


def _title(plan: Plan) -> str:
    if plan.hours is not None:
        return f"{plan.hours:,g} simulated hours"
    return "A simulated day" if plan.days == 1 else f"The mean of {plan.days} simulated days"


# --- a recorded day ---------------------------------------------------------------------------------------------


def _replay(job: Job, scenario: Scenario, name: str, config: Config, progress: Progress) -> Report:
    day, kinds, users = asyncio.run(_record(config, name, progress))
    if not day.stories:
        raise ConfigError(f"{name}: nothing was recorded on that day")
    before = asyncio.run(directory_of(kinds, users))
    queues = queue_rows(scenario.queues, kinds.get("queue", ()))
    people, absent = _changed(users, scenario.users)
    people += [user for group in scenario.agents for user in members(group)]
    after = asyncio.run(directory_of({**kinds, "queue": queues}, people))
    for number, each in enumerate(scenario.arrivals):
        if each.queue not in after.queues():
            raise ConfigError(f'arrivals[{number}].queue: expected a queue of the hub, got "{each.queue}"')
    grid = Grid(0, QUARTER_MS, (day.end - day.begin) // QUARTER_MS, (day.end - day.begin) // QUARTER_MS)
    recorded = Tally(grid, thresholds(scenario, after))
    count(day, recorded)
    as_it_was = _once_more(day, before, set(), (), scenario, grid, lambda now: progress(now // 60_000, 2 * 24 * 60))
    changed = _once_more(
        day, after, absent, scenario.agents, scenario, grid, lambda now: progress(24 * 60 + now // 60_000, 2 * 24 * 60)
    )
    notes = []
    if day.open:
        notes.append(f"Contacts of the day that still go on and are left out: {day.open}.")
    if day.unseen:
        names = ", ".join(before.user_name(id) for id in day.unseen)
        notes.append(
            "Served contacts though the log never says they were there; taken to be there from their first contact "
            f"to their last: {names}."
        )
    return Report(
        outcomes={"recorded": outcome([recorded]), "as_it_was": outcome([as_it_was]), "changed": outcome([changed])},
        chart=chart([changed], f"{name}, as it would have been") if job.chart else "",
        notes=tuple(notes),
    )


async def _record(
    config: Config, day: str, progress: Progress
) -> tuple[Day, dict[str, Sequence[ConfigRow]], list[User]]:
    """The day, the hub's rows and its users. Nothing is written, so a running hub is not disturbed."""
    store = open_store(config.store_url)
    try:
        kinds: dict[str, Sequence[ConfigRow]] = {kind: await store.configs.rows(kind) for kind in rows.KINDS}
        return await read_day(store, day, progress), kinds, await store.accounts.users()
    finally:
        await store.close()


def _changed(users: Sequence[User], changes: Mapping[str, UserChange]) -> tuple[list[User], set[str]]:
    """The users as the scenario changes them, and the ids of those who are absent then."""
    result, absent = {user.id: user for user in users}, set()
    for name, change in changes.items():
        user = next((each for each in users if name in (each.id, each.username)), None)
        if user is None:
            known = ", ".join(sorted(each.username for each in users))
            raise ConfigError(f"users.{name}: there is no such user; known are {known}")
        given = {field: getattr(change, field) for field in ("skills", "units", "maxima", "auto_accept")}
        said = {field: value for field, value in given.items() if value is not None}
        if "maxima" in said:
            said["maxima"] = {**user.maxima, **said["maxima"]}
        result[user.id] = replace(user, **said)
        if change.absent:
            absent.add(user.id)
    return list(result.values()), absent


def _once_more(
    day: Day,
    directory: Directory,
    absent: set[str],
    groups: Sequence[Agents],
    scenario: Scenario,
    grid: Grid,
    progress: Callable[[int], None],
) -> Tally:
    """The day through the engine. What comes, and how patient it is, is the same whatever the office."""
    chances = streams(scenario.seed)
    known = directory.users()
    presences = {id: changes for id, changes in day.presences.items() if id in known and id not in absent}
    office = office_of(directory, presences, groups, day.begin, day.end)
    extra = arrivals(sources_of(scenario), 0, grid.end, chances) if groups or scenario.arrivals else iter(())
    coming = merge(again(day, chances("recorded")), extra, key=lambda arrival: arrival.at)
    return play(
        office, coming, Tally(grid, thresholds(scenario, directory)), chances("agents"), scenario.seed, progress
    )
