"""`contacthub version`."""

from __future__ import annotations

import platform

import typer

from hub.cli.output import Json, print_json, say
from hub.store.schema import SCHEMA
from hub.version import package_version


def add_to(app: typer.Typer) -> None:
    @app.command()
    def version(json: Json = False) -> None:
        """Tells which Contact Hub this is."""
        if json:
            print_json({"version": package_version(), "schema": SCHEMA, "python": platform.python_version()})
        else:
            say(f"Contact Hub {package_version()}")
