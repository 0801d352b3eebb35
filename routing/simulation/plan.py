"""From a checked scenario to runs: which agents are there when, what comes, which time counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from routing.engine import Engine
from routing.simulation.chances import Chance, Streams, Times
from routing.simulation.demand import DAY_MS, HOUR_MS, NOTHING, Arrival, Source, arrivals
from routing.simulation.erlang import Erlang, erlang_a, erlang_c
from routing.simulation.scenario import Agents, Duration, Scenario
from routing.simulation.tally import Grid, Tally
from routing.simulation.world import Agent, Office, World
from routing.specs import AgentState

BATCHES, PER_BATCH = 20, 5
QUARTER_MS = 15 * 60_000
LEAST_WARM_UP = 0.1
"""A long run begins before its time counts, by this share of it and by at least `WARM_UP_MEANS` mean handle times."""
WARM_UP_MEANS = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """`thresholds` (ms) are by queue. One of `hours` and `days` is set."""

    office: Office
    sources: Sequence[Source]
    thresholds: Mapping[str, int]
    seed: int
    hours: float | None = None
    days: int | None = None


def simulate(plan: Plan, streams: Streams, progress: Callable[[int, int], None]) -> list[Tally]:
    """One tally of a long run, or one a day. `progress` gets the simulated minutes that are done and all of them."""
    if plan.hours is not None:
        width = max(round(plan.hours * HOUR_MS / (BATCHES * PER_BATCH)), 1)
        begin = max(round(LEAST_WARM_UP * plan.hours * HOUR_MS), WARM_UP_MEANS * _longest_handle_ms(plan.sources))
        grid = Grid(begin, width, BATCHES * PER_BATCH, PER_BATCH)
        return [_run(plan, grid, streams, "", 0, grid.end, progress)]
    days = plan.days or 1
    grid = Grid(0, QUARTER_MS, DAY_MS // QUARTER_MS, DAY_MS // QUARTER_MS)
    return [_run(plan, grid, streams, f"day {n} ", n * DAY_MS, days * DAY_MS, progress) for n in range(days)]


def _run(
    plan: Plan, grid: Grid, streams: Streams, name: str, before: int, total: int, progress: Callable[[int, int], None]
) -> Tally:
    """`name` goes before those of the streams, so that no two days are alike."""

    def own(purpose: str) -> Chance:
        return streams(name + purpose)

    return play(
        plan.office,
        arrivals(plan.sources, 0, grid.end, own),
        Tally(grid, plan.thresholds),
        own("agents"),
        plan.seed,
        lambda now: progress((before + min(now, grid.end)) // 60_000, total // 60_000),
    )


def play(
    office: Office,
    coming: Iterator[Arrival],
    tally: Tally,
    chance: Chance,
    seed: int,
    progress: Callable[[int], None],
) -> Tally:
    """The tally, once all that comes has been through the office."""
    World(Engine(seed=seed), office, coming, tally, chance).run(progress)
    return tally


def _longest_handle_ms(sources: Sequence[Source]) -> int:
    return max((round(mean_s(source.handle) * 1000) for source in sources), default=0)


def mean_s(times: Times) -> float:
    """The mean, in seconds."""
    if times.recorded:
        return sum(times.recorded) / len(times.recorded)
    return times.exponential or times.lognormal or times.fixed or 0.0


def sources_of(scenario: Scenario) -> list[Source]:
    """What comes."""
    return [
        Source(
            queue=each.queue,
            channel=each.channel,
            per_hour=each.per_hour if isinstance(each.per_hour, tuple) else (each.per_hour,),
            handle=_times(each.handle_s) or NOTHING,
            wrap_up=_times(each.wrap_up_s) or NOTHING,
            answer=_times(each.answer_s) or NOTHING,
            patience=_times(each.patience_s),
            requirements=each.skills,
            priority=each.priority,
        )
        for each in scenario.arrivals
    ]


def _times(duration: Duration | None) -> Times | None:
    """A mere number is the mean of exponential times."""
    return Times(exponential=duration) if isinstance(duration, float | int) else duration


def presence_of(group: Agents) -> tuple[tuple[int, AgentState], ...]:
    """When agents of the group are there, from midnight on."""
    if not group.shifts:
        return ((0, AgentState.AVAILABLE),)
    changes: list[tuple[int, AgentState]] = []
    for start, end in sorted(group.shifts):
        changes += [(_minute(start), AgentState.AVAILABLE), (_minute(end), AgentState.OFFLINE)]
    return tuple(changes)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def reference(plan: Plan, threshold_s: float) -> tuple[str, Erlang] | None:
    """What Erlang's formula says, with its name, when the plan is the case that it is for."""
    if plan.hours is None or len(plan.sources) != 1 or len(plan.office.queues) != 1 or not plan.office.agents:
        return None
    (source,), ((_, queue),) = plan.sources, plan.office.queues
    skills = {**queue.skills, **source.requirements}
    simple = (
        source.handle.exponential is not None
        and source.wrap_up == NOTHING
        and source.answer == NOTHING
        and (source.patience is None or source.patience.exponential is not None)
        and source.channel == "voice"
        and not plan.office.overflow
        and not queue.relax
        and source.per_hour[0] > 0
        and all(_plain(agent, skills) for agent in plan.office.agents)
    )
    if not simple or source.handle.exponential is None:
        return None
    count, rate, handle = len(plan.office.agents), source.per_hour[0], source.handle.exponential
    if source.patience is not None and source.patience.exponential is not None:
        return "Erlang A", erlang_a(rate, handle, source.patience.exponential, count, threshold_s)
    figures = erlang_c(rate, handle, count, threshold_s)
    return None if figures is None else ("Erlang C", figures)


def _plain(agent: Agent, skills: Mapping[str, int]) -> bool:
    """Whether he takes every call, one at a time."""
    spec = agent.spec
    able = all(spec.skills.get(skill, 0) >= level for skill, level in skills.items())
    return able and not agent.decline and not agent.miss and spec.capacity >= 100 and spec.maxima.get("voice", 1) == 1
