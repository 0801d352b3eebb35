"""`contacthub init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.output import Failed, say
from hub.config_text import hub_toml


def add_to(app: typer.Typer) -> None:
    @app.command()
    def init(
        context: typer.Context,
        path: Annotated[Path | None, typer.Argument(help="The file to write; --config or ./hub.toml.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    ) -> None:
        """Writes a hub.toml in which every setting is explained."""
        path = path or context.obj or Path("hub.toml")
        if path.is_dir():
            path /= "hub.toml"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w" if force else "x", encoding="utf-8") as file:
                file.write(hub_toml())
        except FileExistsError:
            raise Failed(f"{path} is there already; --force writes over it.") from None
        except OSError as error:
            raise Failed(f"{path} cannot be written: {error.strerror}.") from None
        option = "" if path == Path("hub.toml") else f"--config {path} "
        say(f"Wrote {path}. Next:\n")
        say(f"  contacthub {option}user add NAME --role administrator")
        say(f"  contacthub {option}check")
        say(f"  contacthub {option}serve")
