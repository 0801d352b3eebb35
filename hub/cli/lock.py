"""A hub that runs holds its data folder, so that a restore cannot take the ground from under it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.cli.output import Failed


@contextmanager
def hold(folder: Path, *, alone: bool) -> Iterator[None]:
    """Holds the folder together with others, or `alone`. The hold ends with the process, however that ends.

    Raises Failed when somebody else's hold forbids it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "hub.lock").open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            who = "A hub is running" if alone else "A restore is running"
            raise Failed(f"{who} on the data in {folder}. Let it end first.") from None
        yield
