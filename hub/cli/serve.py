"""`contacthub serve` and `contacthub demo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.table import Table

from hub import demo, logs
from hub.cli.context import read_config
from hub.cli.lock import hold
from hub.cli.output import console, say, show
from hub.config import Config, load

# Serves until it is stopped; calls back with its address once it answers requests.
Serve = Callable[[Config, Callable[[str], None] | None], None]

Port = Annotated[int, typer.Option(min=0, max=65535)]


def add_to(app: typer.Typer, hub: Serve) -> None:
    @app.command()
    def serve(
        context: typer.Context,
        config: Annotated[Path | None, typer.Option(metavar="PATH", help="The configuration file.")] = None,
    ) -> None:
        """Serves the hub until it is stopped."""
        _run(hub, load(config) if config else read_config(context))

    @app.command("demo")
    def demo_command(
        port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free port.")] = 8000,
        sip_port: Annotated[int, typer.Option(min=0, max=65535, help="For telephones.")] = 5060,
        smtp_port: Annotated[int, typer.Option(min=0, max=65535, help="For mail.")] = 2525,
        data: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the data are kept.")] = Path("demo-data"),
        host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    ) -> None:
        """Serves a hub with a demo shop, agents and their history; a second start keeps the data."""
        config = load(demo.write_config(data))
        config = replace(
            config,
            server=replace(config.server, host=host, port=port),
            demo=replace(config.demo, enabled=True, sip_port=sip_port, smtp_port=smtp_port),
            cobrowse=replace(config.cobrowse, enabled=True),
        )
        _run(hub, config, lambda url: _announce(url, config, data))


def _run(hub: Serve, config: Config, ready: Callable[[str], None] | None = None) -> None:
    logs.configure(config.logging)
    try:
        with hold(config.data_dir, alone=False):
            hub(config, ready)
    except KeyboardInterrupt:
        # Before it had begun to serve, or a second time while it ended: it was asked to stop, and stopped.
        return


def _announce(url: str, config: Config, data: Path) -> None:
    say("\nContact Hub is ready.\n", style="bold")
    pages = Table(box=None, padding=(0, 3, 0, 2), show_header=False)
    for name, path in (
        ("Demo shop", "/demo/"),
        ("Agents", "/agent"),
        ("Supervisor", "/supervisor"),
        ("Administrator", "/admin"),
    ):
        pages.add_row(name, f"[link={url}{path}]{url}{path}[/link]")
    if config.demo.sip_port:
        pages.add_row("Telephone", f"sip:support@127.0.0.1:{config.demo.sip_port}")
        pages.add_row("Its own calls", f"to a telephone at 127.0.0.1:{config.demo.phone_port}")
    if config.demo.smtp_port:
        pages.add_row("Mail", f"to support@demo.test by SMTP at 127.0.0.1:{config.demo.smtp_port}")
        pages.add_row("Sent mail", f"[link={url}/demo/outbox]{url}/demo/outbox[/link]")
    show(pages)
    say(f"\nSign in with the password {demo.PASSWORD} as\n")
    people = Table(box=None, padding=(0, 3, 0, 2), show_header=False)
    for username, name, role, skills in demo.USERS:
        levels = ", ".join(f"{skill} {level}" for skill, level in skills.items())
        people.add_row(f"[bold]{username}[/bold]", name, f"{role}: {levels}" if levels else str(role))
    show(people)
    say(f"\nThe data are kept in {data}. Ctrl-C stops it.\n")
    console.file.flush()
