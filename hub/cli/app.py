"""The `contacthub` command: its words, and how each of them ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli import backup, check, init, serve, simulate, user, version
from hub.cli.finding import Checks
from hub.cli.output import Failed, complain
from hub.cli.serve import Serve
from hub.cli.simulate import Simulator
from hub.errors import ConfigError, HubError


def make_app(hub: Serve, simulator: Simulator, checks: Checks) -> typer.Typer:
    """The commands; `hub` serves until it is stopped, `simulator` simulates one."""
    app = typer.Typer(name="contacthub", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @app.callback()
    def options(
        context: typer.Context,
        config: Annotated[
            Path | None,
            typer.Option(metavar="PATH", help="The configuration file; hub.toml in this folder if there is one."),
        ] = None,
    ) -> None:
        """Contact Hub: a contact centre in one program."""
        context.obj = config

    serve.add_to(app, hub)
    init.add_to(app)
    check.add_to(app, checks)
    user.add_to(app)
    backup.add_to(app)
    simulate.add_to(app, simulator)
    version.add_to(app)
    return app


def run_command(hub: Serve, simulator: Simulator, checks: Checks, arguments: list[str] | None = None) -> int:
    """Carries out the command line (or `arguments`); returns the exit code: 0 ok, 1 failed, 2 used wrongly."""
    try:
        make_app(hub, simulator, checks)(arguments, prog_name="contacthub")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (Failed, ConfigError, HubError) as error:
        complain(str(error))
        return 1
    return 0
