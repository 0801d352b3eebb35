"""`contacthub backup` and `contacthub restore`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.context import read_config, read_known_config
from hub.cli.lock import hold
from hub.cli.output import Failed, Json, print_json, progress, say
from hub.config import Config
from hub.files import FileStore
from hub.store import Manifest, open_store, restore_store
from hub.store.backup import Progress


def add_to(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="The file to write, or a folder to write a dated file into.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    json: Json = False,
) -> None:
    """Writes everything in the database, and the files, to one archive; also while the hub runs.

    The archive holds neither hub.toml nor the secrets that it names, and not data_dir/secret.key, by which visitors
    get back to their conversations: keep those too.
    """
    config = read_known_config(context)
    if target.is_dir():
        target /= f"contacthub-{datetime.now().astimezone():%Y%m%d-%H%M%S}.zip"
    if target.exists() and not force:
        raise Failed(f"{target} is there already; --force writes over it.")
    try:
        with progress("Backing up") as step:
            manifest = asyncio.run(_backup(config, target, step))
    except OSError as error:
        raise Failed(f"{target} cannot be written: {error.strerror}.") from None
    if json:
        print_json(_figures(target, manifest))
        return
    say(f"Wrote {target}: {_rows(manifest)} rows, {len(manifest.files)} files, {target.stat().st_size:,} bytes.")
    if manifest.missing:
        say(f"{len(manifest.missing)} files were not on the disk and are not in it.", style="yellow")


async def _backup(config: Config, target: Path, step: Progress) -> Manifest:
    # Not opened: that would bring the schema up to date, which is for the hub to do.
    store = open_store(config.store_url)
    files = FileStore(config.files_dir)
    try:
        return await store.backup(target, step, files=files)
    finally:
        await files.close()
        await store.close()


def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="An archive that `contacthub backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Empty a database that has data in it first.")] = False,
    json: Json = False,
) -> None:
    """Loads an archive into an empty database, all of it or nothing. No hub may be running on it."""
    config = read_config(context)
    if not source.is_file():
        raise Failed(f"There is no file {source}.")
    with hold(config.data_dir, alone=True), progress("Restoring") as step:
        manifest = asyncio.run(_restore(config, source, force, step))
    if json:
        print_json(_figures(source, manifest))
    else:
        say(f"Restored {source}: {_rows(manifest)} rows, {len(manifest.files)} files.")


async def _restore(config: Config, source: Path, force: bool, step: Progress) -> Manifest:
    files = FileStore(config.files_dir)
    try:
        return await restore_store(config.store_url, source, files=files, force=force, progress=step)
    finally:
        await files.close()


def _rows(manifest: Manifest) -> str:
    return f"{sum(table.rows for table in manifest.tables.values()):,}"


def _figures(archive: Path, manifest: Manifest) -> dict[str, object]:
    return {
        "archive": str(archive),
        "schema": manifest.schema,
        "seq": manifest.seq,
        "rows": {name: table.rows for name, table in manifest.tables.items()},
        "files": len(manifest.files),
        "missing": manifest.missing,
    }
