"""A scenario as people write it in TOML, checked: a mistake names its path and what was expected there."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, field

from hub.config_rows import ChannelName, Id, Skills, Span
from hub.errors import ConfigError
from hub.toml_values import as_written, value_at
from routing.simulation.chances import Times

Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0)]
Some = Annotated[float, Meta(gt=0)]
Rate = Annotated[float, Meta(ge=0, le=10_000_000)]
Duration = Some | Times
MOST_AGENTS = 100_000
# What a day can be divided into: each part is a whole number of minutes.
MINUTES = 24 * 60


class Part(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of a scenario's sections."""


class Arrivals(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Contacts of one kind. `per_hour`: one rate, or those of equal parts of the day (24 of them: hour by hour). A
    number of seconds is the mean of exponential times; see `Times` for others."""

    queue: Id
    channel: ChannelName = "voice"
    per_hour: Rate | tuple[Rate, ...]
    handle_s: Duration
    wrap_up_s: Duration | None = None
    answer_s: Duration | None = None
    patience_s: Duration | None = None
    skills: Skills = field(default_factory=dict)
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0


class Agents(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` agents alike. `units` and `maxima` are as of the hub's users; without `shifts` they are always there."""

    name: Id = "agent"
    count: Annotated[int, Meta(ge=0, le=MOST_AGENTS)] = 1
    skills: Skills = field(default_factory=dict)
    units: Annotated[int, Meta(ge=1, le=10_000)] = 100
    maxima: dict[ChannelName, Annotated[int, Meta(ge=0, le=1000)]] = field(default_factory=dict)
    auto_accept: tuple[ChannelName, ...] = ()
    shifts: tuple[Span, ...] = ()
    decline: Share = 0.0
    miss: Share = 0.0
    back_after_s: Seconds = 60.0


class User(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a recorded agent would have been otherwise; what is not said stays. `absent`: not there that day."""

    skills: Skills | None = None
    units: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    maxima: dict[ChannelName, Annotated[int, Meta(ge=0, le=1000)]] | None = None
    auto_accept: tuple[ChannelName, ...] | None = None
    absent: bool = False


class Scenario(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file. `hours`: one long run in a steady state; `days`: that many like days, each from empty.

    `queues` holds fields of the hub's queue rows, checked by those who know them; `users` only changes a replay.
    """

    seed: int = 1
    hours: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    days: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    threshold_s: Seconds | None = None
    queues: dict[Id, dict[str, Any]] = field(default_factory=dict)
    agents: tuple[Agents, ...] = ()
    arrivals: tuple[Arrivals, ...] = ()
    users: dict[str, User] = field(default_factory=dict)


def read(data: dict[str, Any], *, replay: bool = False) -> Scenario:
    """The scenario that `data` describes. Raises ConfigError with the path of the first mistake."""
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(str(error), data)) from None
    _check_times(scenario)
    if replay:
        _check_replay(scenario)
    else:
        _check_run(scenario)
    return scenario


def _check_times(scenario: Scenario) -> None:
    for number, arrivals in enumerate(scenario.arrivals):
        here = f"arrivals[{number}]"
        for name in ("handle_s", "wrap_up_s", "answer_s", "patience_s"):
            times = getattr(arrivals, name)
            mistake = times.mistake() if isinstance(times, Times) else None
            if mistake is not None:
                raise ConfigError(f"{here}.{name}{mistake[0]}: {mistake[1]}")
        if isinstance(arrivals.per_hour, tuple) and (not arrivals.per_hour or MINUTES % len(arrivals.per_hour)):
            raise ConfigError(
                f"{here}.per_hour: expected one rate or a list that divides the day into parts of whole minutes, "
                f"such as 24 or 48 rates, got {len(arrivals.per_hour)}"
            )
    names: set[str] = set()
    for number, agents in enumerate(scenario.agents):
        here = f"agents[{number}]"
        if agents.name in names:
            raise ConfigError(f'{here}.name: expected another name for each group, got "{agents.name}" again')
        names.add(agents.name)
        if agents.decline + agents.miss > 1:
            most = 1 - agents.decline
            raise ConfigError(f"{here}.miss: expected at most {most:g}, as an offer that is declined cannot be missed")
        for at, (start, end) in enumerate(agents.shifts):
            if start >= end:
                raise ConfigError(f"{here}.shifts[{at}]: expected an end after the start, got {start} to {end}")


def _check_run(scenario: Scenario) -> None:
    if scenario.users:
        raise ConfigError("users: only a replay knows users; describe the agents in [[agents]]")
    if not scenario.arrivals:
        raise ConfigError("arrivals: expected at least one [[arrivals]]")
    if (scenario.hours is None) == (scenario.days is None):
        raise ConfigError("hours: expected either hours (one long run) or days (that many like days)")
    for number, arrivals in enumerate(scenario.arrivals):
        if arrivals.queue not in scenario.queues:
            known = ", ".join(f'"{id}"' for id in scenario.queues) or "none"
            raise ConfigError(f'arrivals[{number}].queue: expected one of the queues ({known}), got "{arrivals.queue}"')
        if scenario.hours is not None and isinstance(arrivals.per_hour, tuple):
            raise ConfigError(f"arrivals[{number}].per_hour: rates by the time of day need days instead of hours")
    for number, agents in enumerate(scenario.agents):
        if scenario.hours is not None and agents.shifts:
            raise ConfigError(f"agents[{number}].shifts: shifts need days instead of hours")


def _check_replay(scenario: Scenario) -> None:
    for name in ("hours", "days"):
        if getattr(scenario, name) is not None:
            raise ConfigError(f"{name}: a replay lasts one day, so this cannot be set")


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list in [brackets]",
    "object": "a [section]",
    "null": "nothing",
}


def explain(sentence: str, data: Any) -> str:
    """msgspec's sentence as ours: `arrivals[0].per_hour: expected a number, got "many"`."""
    what, _, where = sentence.partition(" - at `")
    path = where.removeprefix("key` in `").removeprefix("key in `").removeprefix("$").rstrip("`").lstrip(".")
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", what)
    if unknown:
        known = _fields(path)
        close = difflib.get_close_matches(unknown[1], known, 1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        return f"{path}.{unknown[1]}".lstrip(".") + f": there is no such setting; {hint}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", what)
    if missing:
        return f"{path}.{missing[1]}".lstrip(".") + ": expected, but it is not there"
    value = value_at(data, path)
    shown = "" if value is UNSET or "..." in path else f", got {as_written(value)}"
    words = re.sub(r", got `.*`", "", what.removeprefix("Expected ")).replace(" | ", "` or `")
    words = re.sub(r"`(\w+)`", lambda match: _KINDS.get(match[1], f"`{match[1]}`"), words)
    words = words.replace(" or nothing", "")
    return f"{path}: {'expected ' if what.startswith('Expected') else ''}{words[:1].lower()}{words[1:]}{shown}"


def _fields(path: str) -> list[str]:
    """The settings that the section at `path` has."""
    struct: type[Struct] = Scenario
    for name in re.findall(r"[^.\[\]]+", re.sub(r"\[\d+\]", "", path)):
        annotation = get_type_hints(struct).get(name)
        struct = next((kind for kind in _structs(annotation)), struct)
    return list(struct.__struct_fields__)


def _structs(annotation: Any) -> list[type[Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return [annotation]
    return [found for part in get_args(annotation) for found in _structs(part)]
