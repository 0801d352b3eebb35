"""What the commands say: words on standard output, complaints and progress on standard error, JSON when asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


class Failed(Exception):
    """The command did not do what it was asked to; the sentence says why. Exit code 1."""


def say(text: str, style: str | None = None) -> None:
    """A line. It is never broken: it may be read by a program."""
    console.print(text, style=style, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    complaints.print(text, style="red", markup=False, soft_wrap=True)


def show(table: Table) -> None:
    """As wide as the terminal; in a pipe as wide as it needs to be."""
    console.print(table, width=None if console.is_terminal else 10_000)


def print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while the block runs; the function takes what is done and what there is to do, from any
    thread. Nothing is shown where nobody watches."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=complaints,
        transient=True,
        disable=not complaints.is_terminal,
    ) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
