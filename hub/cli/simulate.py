"""`contacthub simulate`: how contacts would fare, by scenario or by replaying a recorded day."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from hub.cli.context import read_known_config
from hub.cli.output import Failed, Json, print_json, progress, say, show
from hub.config import Config
from hub.errors import ConfigError
from hub.simulation import Figures, Job, Outcome, Report

Simulator = Callable[[Job, Config | None, Callable[[int, int], None]], Report]
"""Simulates; calls back with what is done and what there is to do. Raises ConfigError, HubError."""

QUEUE = "queue"
PER_HOUR = {"s": 3600.0, "min": 60.0, "h": 1.0, "d": 1 / 24}
TITLES = {"recorded": "recorded", "as_it_was": "as it was", "changed": "as changed"}
# What a table shows of `Figures`, with its heading and whether it is a share.
COLUMNS = (
    ("offered", "offered", False),
    ("service_level", "in time", True),
    ("asa_s", "ASA, s", False),
    ("abandoned", "gave up", True),
    ("p_wait", "waited", True),
    ("occupancy", "busy", True),
)


def add_to(app: typer.Typer, simulator: Simulator) -> None:
    @app.command()
    def simulate(
        context: typer.Context,
        scenario: Annotated[Path | None, typer.Argument(help="A scenario file, instead of the flags below.")] = None,
        arrivals: Annotated[
            str | None, typer.Option(metavar="RATE", help="How many contacts come, such as 200/h, 30/min or 4800/d.")
        ] = None,
        aht: Annotated[
            float | None, typer.Option(metavar="SECONDS", help="Mean handle time (exponential), wrap-up included.")
        ] = None,
        patience: Annotated[
            float | None,
            typer.Option(metavar="SECONDS", help="Mean patience (exponential); without it nobody gives up."),
        ] = None,
        agents: Annotated[int | None, typer.Option(metavar="N", help="How many agents there are.")] = None,
        hours: Annotated[
            float | None, typer.Option(metavar="N", help="A steady state of so many hours; 100 by default with flags.")
        ] = None,
        days: Annotated[
            int | None, typer.Option(metavar="N", help="So many like days instead, each from empty.")
        ] = None,
        threshold: Annotated[
            float | None,
            typer.Option(
                metavar="SECONDS", help="Who is answered within it counts for the service level; 20 by default."
            ),
        ] = None,
        seed: Annotated[int | None, typer.Option(metavar="N", help="The same seed gives the same numbers.")] = None,
        replay: Annotated[
            str | None, typer.Option(metavar="DAY", help="Replay this day of the hub: YYYY-MM-DD, today or yesterday.")
        ] = None,
        changes: Annotated[
            Path | None,
            typer.Option("--with", metavar="FILE", help="What would have been otherwise on the replayed day."),
        ] = None,
        chart: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Draw waiting, agents and service level there, as SVG.")
        ] = None,
        json: Json = False,
    ) -> None:
        """Simulates contacts and agents on the hub's own routing engine and tells how the contacts fare.

        Each figure comes with its 95 % interval. With `--replay` it answers how a recorded day would have been with
        other queues or agents. How to write a scenario: docs/howto/simulate.md.
        """
        flags = {"--arrivals": arrivals, "--aht": aht, "--patience": patience, "--agents": agents}
        given = [name for name, value in flags.items() if value is not None]
        overrides = {"hours": hours, "days": days, "threshold_s": threshold, "seed": seed}
        config: Config | None = None
        if replay is not None:
            if scenario is not None or given or hours is not None or days is not None:
                raise typer.BadParameter("--replay takes --with, --threshold and --seed, but no scenario of its own.")
            config = read_known_config(context)
            _check_store(config)
            job = Job(scenario=_file(changes) if changes else {}, source=str(changes or "--replay"), day=_day(replay))
        elif changes is not None:
            raise typer.BadParameter("--with says what to change about a day; name it with --replay.")
        elif scenario is not None:
            if given:
                raise typer.BadParameter(f"{given[0]} and a scenario file exclude each other.")
            job = Job(scenario=_file(scenario), source=str(scenario))
        else:
            job = Job(scenario=_from_flags(arrivals, aht, patience, agents), source="simulate")
            overrides["hours"] = hours if hours is not None or days is not None else 100.0
        said = {name: value for name, value in overrides.items() if value is not None}
        if "hours" in said or "days" in said:
            job.scenario.pop("days" if "hours" in said else "hours", None)
        job = msgspec.structs.replace(job, scenario={**job.scenario, **said}, chart=chart is not None)
        with progress("Simulating") as step:
            report = simulator(job, config, step)
        if chart is not None:
            _write(chart, report.chart)
        _tell(report, json)


def _from_flags(arrivals: str | None, aht: float | None, patience: float | None, agents: int | None) -> dict[str, Any]:
    """The flags as a scenario file would have it."""
    if arrivals is None or aht is None or agents is None:
        raise typer.BadParameter("Name a scenario file, or --arrivals, --aht and --agents, or a day with --replay.")
    if aht <= 0:
        raise typer.BadParameter(f"expected more than 0 seconds, got {aht:g}", param_hint="--aht")
    if patience is not None and patience <= 0:
        raise typer.BadParameter(f"expected more than 0 seconds, got {patience:g}", param_hint="--patience")
    if agents < 0:
        raise typer.BadParameter(f"expected at least 0, got {agents}", param_hint="--agents")
    source: dict[str, Any] = {"queue": QUEUE, "per_hour": _rate(arrivals), "handle_s": aht}
    if patience is not None:
        source["patience_s"] = patience
    return {"queues": {QUEUE: {}}, "agents": [{"count": agents}], "arrivals": [source], "threshold_s": 20.0}


def _rate(text: str) -> float:
    """Per hour. Raises BadParameter."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(s|min|h|d)", text.strip())
    if found is None:
        raise typer.BadParameter(f'expected a rate such as 200/h, got "{text}"', param_hint="--arrivals")
    return float(found[1]) * PER_HOUR[found[2]]


def _day(text: str) -> str:
    ago = {"today": 0, "yesterday": 1}.get(text)
    if ago is not None:
        return (datetime.now().astimezone().date() - timedelta(days=ago)).isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise typer.BadParameter(
            f'expected YYYY-MM-DD, today or yesterday, got "{text}"', param_hint="--replay"
        ) from None


def _check_store(config: Config) -> None:
    """Raises Failed when there is no database yet; reading must not make one."""
    path = config.store_url.removeprefix("sqlite:///")
    if path != config.store_url and not Path(path).is_file():
        raise Failed(f"There is no database {path}, so no day is recorded.")


def _file(path: Path) -> dict[str, Any]:
    """Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}.") from None


# --- what is told -----------------------------------------------------------------------------------------------


def _tell(report: Report, json: bool) -> None:
    if json:
        outcomes = {name: _plain(outcome) for name, outcome in report.outcomes.items()}
        data = outcomes["simulated"] if len(outcomes) == 1 else outcomes
        if report.reference:
            data["reference"] = {"name": report.reference_name, **report.reference}
        print_json(data | {"notes": report.notes})
        return
    if len(report.outcomes) == 1:
        _tell_one(report)
    else:
        _tell_beside(report)
    for note in report.notes:
        say(note, style="yellow")


def _plain(outcome: Outcome) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(outcome)
    return {**built["total"], "queues": built["queues"], "channels": built["channels"]}


def _tell_one(report: Report) -> None:
    """A row for all, each queue and each channel, with the intervals below the figures."""
    (outcome,) = report.outcomes.values()
    table = _table("")
    rows = {"all": outcome.total}
    if len(outcome.queues) > 1:
        rows |= {f"queue {name}": figures for name, figures in outcome.queues.items()}
    if len(outcome.channels) > 1:
        rows |= {f"channel {name}": figures for name, figures in outcome.channels.items()}
    for name, figures in rows.items():
        table.add_row(name, *(_cell(figures, column, share) for column, _, share in COLUMNS))
    if report.reference:
        cells = [_number(report.reference.get(column), share) for column, _, share in COLUMNS]
        table.add_row(f"[dim]{report.reference_name}[/dim]", *(f"[dim]{cell}[/dim]" for cell in cells))
    show(table)


def _tell_beside(report: Report) -> None:
    """For all, each queue and each channel the outcomes below each other."""
    table = _table("outcome")
    last = list(report.outcomes.values())[-1]
    names = ["all", *(f"queue {name}" for name in last.queues), *(f"channel {name}" for name in last.channels)]
    for name in names:
        for number, (key, outcome) in enumerate(report.outcomes.items()):
            figures = _part(outcome, name)
            cells = ["" if figures is None else _cell(figures, column, share) for column, _, share in COLUMNS]
            table.add_row("" if number else name, TITLES.get(key, key), *cells)
        table.add_section()
    show(table)


def _part(outcome: Outcome, name: str) -> Figures | None:
    kind, _, id = name.partition(" ")
    return {"queue": outcome.queues, "channel": outcome.channels}.get(kind, {"": outcome.total}).get(id)


def _table(second: str) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", *([second] if second else [])):
        table.add_column(heading)
    for _, heading, _ in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cell(figures: Figures, name: str, share: bool) -> str:
    text = _number(getattr(figures, name), share)
    interval = figures.ci.get(name)
    if interval is None:
        return text
    low, high = (_number(bound, share).removesuffix(" %") for bound in interval)
    return f"{text}\n[dim]{low}-{high}[/dim]"


def _number(value: float | None, share: bool) -> str:
    if value is None:
        return "-"
    if share:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if value >= 100 or isinstance(value, int) else f"{value:.1f}"
