"""The `contacthub` command: its options and what stands behind each of its words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from hub import demo, logs
from hub.config import Config, load
from hub.errors import ConfigError, HubError
from hub.store import open_store

Serve = Callable[[Config, Callable[[], None] | None], None]
console = Console()
errors = Console(stderr=True)


class Fail(typer.Exit):
    """Ends the command with a sentence on standard error."""

    def __init__(self, sentence: str) -> None:
        errors.print(sentence, style="red", highlight=False, markup=False)
        super().__init__(1)


def read_config(path: Path | None) -> Config:
    """The configuration in `path`, or in ./hub.toml when that exists."""
    if path is None and Path("hub.toml").exists():
        path = Path("hub.toml")
    try:
        return load(path)
    except ConfigError as error:
        raise Fail(str(error)) from None


def run(serve: Serve, config: Config, ready: Callable[[], None] | None = None) -> None:
    logs.configure(config.logging)
    try:
        serve(config, ready)
    except (ConfigError, HubError, OSError) as error:
        raise Fail(str(error)) from None


def make_app(serve: Serve) -> typer.Typer:
    """The application; `serve(config, ready)` is what server.py gives it."""
    app = typer.Typer(
        name="contacthub", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
    )

    @app.callback()
    def options(
        context: typer.Context,
        config: Annotated[
            Path | None, typer.Option(help="The configuration file; hub.toml here if there is one.")
        ] = None,
    ) -> None:
        """Contact Hub: a contact centre in one program."""
        context.obj = config

    @app.command("serve")
    def serve_command(
        context: typer.Context,
        config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    ) -> None:
        """Serves the hub until it is stopped."""
        run(serve, read_config(config or context.obj))

    @app.command("demo")
    def demo_command(
        port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
        sip_port: Annotated[int, typer.Option(min=0, max=65535)] = 5060,
        smtp_port: Annotated[int, typer.Option(min=0, max=65535)] = 2525,
        data: Annotated[Path, typer.Option(help="Where the demo's data are kept.")] = Path("demo-data"),
        host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    ) -> None:
        """Serves a hub with a demo shop, demo agents and their history."""
        path = demo.write_config(data)
        config = read_config(path)
        config = replace(
            config,
            server=replace(config.server, host=host, port=port),
            demo=replace(config.demo, enabled=True, sip_port=sip_port, smtp_port=smtp_port),
        )
        asyncio.run(_seed(config))
        run(serve, config, lambda: _announce(f"http://{host}:{port}", data))

    return app


async def _seed(config: Config) -> None:
    config.data_dir.mkdir(parents=True, exist_ok=True)
    store = open_store(config.store_url)
    await store.open()
    try:
        await demo.seed(store, f"http://127.0.0.1:{config.server.port}", f"http://localhost:{config.server.port}")
    finally:
        await store.close()


def _announce(url: str, data: Path) -> None:
    table = Table(box=None, padding=(0, 3, 0, 0), show_header=False)
    table.add_row("Demo shop", f"{url}/demo/")
    table.add_row("Agents", f"{url}/agent")
    table.add_row("Supervisor", f"{url}/supervisor")
    table.add_row("Administrator", f"{url}/admin")
    console.print("\n[bold]Contact Hub is ready[/bold]\n")
    console.print(table)
    console.print("\nSign in as agent1, agent2, agent3, lead or admin; the password is demo.")
    console.print(f"Data are kept in {data}. Ctrl-C stops it.\n", highlight=False)
