"""`contacthub check`: whether a hub with this configuration would start and serve."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import typer
from msgspec import Struct
from sqlalchemy import Connection

from hub.bus import open_bus
from hub.cli.context import config_path
from hub.cli.finding import Checks, Finding, Kept
from hub.cli.output import Json, console, print_json
from hub.config import Config, load
from hub.config_mail import Mailbox
from hub.config_rows import Row, Trunk, read
from hub.errors import ConfigError, HubError, InvalidInput
from hub.model import Role
from hub.store import SqlStore, open_store
from hub.store.databases import database
from hub.store.schema import SCHEMA, current_schema
from hub.web.assets import Assets

R = TypeVar("R", bound=Row)

STATIC = Path(__file__).resolve().parents[2] / "static"
# What the pages, the widget and the demo cannot do without.
ENTRIES = ("widget", "panel", "agent", "supervisor", "admin", "login")


def add_to(app: typer.Typer, checks: Checks) -> None:
    @app.command()
    def check(context: typer.Context, json: Json = False) -> None:
        """Tells, a line each, whether the configuration is right and all that it names can be used."""
        findings = list(_findings(config_path(context), checks))
        if json:
            print_json(findings)
        else:
            for finding in findings:
                mark, style = ("ok", "green") if finding.ok else ("note", "yellow") if finding.advice else ("no", "red")
                console.print(f"{mark:<5}", style=style, end="")
                console.print(f"{finding.name}: {finding.text}", markup=False, soft_wrap=True)
        if not all(finding.ok or finding.advice for finding in findings):
            raise typer.Exit(1)


def _findings(path: Path | None, checks: Checks) -> Iterator[Finding]:
    try:
        config = load(path)
        url, bus = config.store_url, config.bus_url
        if config.security.secret_key is not None:
            config.secret_key()
        key, former = config.recording_keys()
    except ConfigError as error:
        yield Finding("configuration", False, str(error))
        yield _front_end()
        return
    yield Finding("configuration", True, str(path) if path else "no hub.toml here, so the defaults")
    yield _folder("data folder", config.data_dir)
    yield _folder("files folder", config.files_dir)
    yield _recordings(config, encrypted=key is not None, former=len(former))
    looked = _store(url)
    yield from looked.findings
    if config.voice.enabled:
        yield from checks.trunks(config.voice, looked.trunks)
    if config.email.enabled:
        kept = Kept(url, config.secret_key()) if looked.mailboxes else None
        yield from checks.mail(config.email, looked.mailboxes, kept)
    if bus:
        yield asyncio.run(_bus(bus, config.bus.name))
    yield _front_end()


def _folder(name: str, folder: Path) -> Finding:
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(name, False, f"{nearest} cannot be written to")
    return Finding(name, True, str(folder) if nearest == folder.absolute() else f"{folder}, made at the first start")


def _recordings(config: Config, *, encrypted: bool, former: int) -> Finding:
    """The folder of recordings, whether they are encrypted, and whether there is room for them."""
    found = _folder("recordings folder", config.recordings_dir)
    if not found.ok:
        return found
    nearest = config.recordings_dir.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    free = shutil.disk_usage(nearest).free
    if free < config.recordings.min_free_bytes:
        text = f"{nearest} has {free // 1_000_000} MB free; no recording begins below recordings.min_free_bytes"
        return Finding("recordings folder", False, text)
    how = f"encrypted, {former} former keys" if encrypted and former else "encrypted" if encrypted else "not encrypted"
    return Finding("recordings folder", True, f"{found.text}, {how}, {free // 1_000_000_000} GB free")


class Looked(Struct, frozen=True):
    """What was found of the store, and what is in it."""

    findings: list[Finding]
    trunks: dict[str, Trunk] = {}
    mailboxes: dict[str, Mailbox] = {}


def _store(url: str) -> Looked:
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return Looked([Finding("store", True, f"{url}, made at the first start"), _nobody()])
    try:
        return asyncio.run(_look_into(url))
    except (ConfigError, HubError) as error:
        return Looked([Finding("store", False, str(error))])


async def _look_into(url: str) -> Looked:
    schema = await _schema(url)
    if schema is None:
        return Looked([Finding("store", True, "empty, filled at the first start"), _nobody()])
    if schema != SCHEMA:
        return Looked([Finding("store", True, f"schema {schema}, brought to {SCHEMA} at the next start")])
    store = open_store(url)
    try:
        users = await store.accounts.users()
        trunks = await _rows(store, "trunk", Trunk)
        mailboxes = await _rows(store, "mailbox", Mailbox)
    finally:
        await store.close()
    found = [Finding("store", True, f"answers and can be written, schema {schema}")]
    if not any(user.role is Role.ADMINISTRATOR and not user.disabled for user in users):
        found.append(_nobody())
    return Looked(found, trunks, mailboxes)


async def _rows(store: SqlStore, name: str, kind: type[R]) -> dict[str, R]:
    found: dict[str, R] = {}
    for row in await store.configs.rows(name):
        with contextlib.suppress(InvalidInput):  # written by another version; nobody goes by it
            found[row.id] = read(kind, row.data)
    return found


async def _schema(url: str) -> str | None:
    """The schema, found in a transaction that holds the right to write. Raises HubError, ConfigError."""
    opened = database(url, busy_timeout_ms=2000)

    def look(connection: Connection) -> str | None:
        return current_schema(connection)

    try:
        return await opened.write(look)
    finally:
        await opened.close()


async def _bus(url: str, name: str) -> Finding:
    """Whether Redis answers, asked for a lease that no hub uses."""
    try:
        bus = open_bus(url, name)
        try:
            await bus.lease("check").free()
        finally:
            await bus.close()
    except (ConfigError, HubError) as error:
        return Finding("bus", False, str(error))
    return Finding("bus", True, "Redis answers")


def _nobody() -> Finding:
    text = "there is none; make one with `contacthub user add NAME --role administrator`"
    return Finding("administrator", False, text, advice=True)


def _front_end() -> Finding:
    try:
        assets = Assets(STATIC)
    except ConfigError as error:
        return Finding("front end", False, str(error))
    missing = [name for name in ENTRIES if name not in assets.rows or not (STATIC / assets.rows[name].file).is_file()]
    if missing:
        return Finding("front end", False, f"{', '.join(missing)} not built; run `make build`")
    return Finding("front end", True, f"{len(assets.rows)} files built")
