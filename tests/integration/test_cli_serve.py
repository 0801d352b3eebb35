"""How the serving commands begin and end."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from hub.store.schema import SCHEMA
from tests.integration.commands import STOP_S, Place, stop


def demo(place: Place) -> tuple[str, ...]:
    return ("demo", "--port", str(place.port), "--data", str(place.folder / "demo-data"))


def events(place: Place) -> int:
    with closing(sqlite3.connect(place.folder / "demo-data" / "hub.db")) as database:
        return int(database.execute("SELECT count(*) FROM events").fetchone()[0])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_when_told_to(tmp_path: Path, how: signal.Signals) -> None:
    place = Place(tmp_path)
    assert stop(place.start("serve"), how) == 0
    assert "Traceback" not in place.log.read_text()
    # Nothing is left behind that a second start would trip over.
    assert stop(place.start("serve"), how) == 0


def test_demo_announces_itself_and_a_second_start_adds_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert stop(place.start(*demo(place)), signal.SIGINT) == 0
    said = place.log.read_text()
    assert "Traceback" not in said
    for path in ("/demo/", "/agent", "/supervisor", "/admin"):
        assert f"{place.url}{path}" in said
    assert re.search(r"agent1 +Nadia Berg +agent: support 5, billing 3", said)
    first = events(place)
    assert first > 500

    with place.serving(*demo(place)):
        pass
    assert events(place) == first

    # Somewhere else the shop's pages have another origin, which the site must know.
    other = Place(tmp_path)
    with other.serving(*demo(other)):
        with other.client() as client:
            site = client.get("/widget/sites/demo").json()
        assert {other.url, f"http://localhost:{other.port}", place.url} <= set(site["allowed_origins"])


def test_what_an_administrator_deleted_stays_deleted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    config = ("--config", str(tmp_path / "demo-data" / "hub.toml"))
    with place.serving(*demo(place)):
        token = place.done(*config, "user", "token", "admin").strip()
        with place.client(token) as client:
            row = client.get("/api/v1/outcomes/spam").json()
            gone = client.delete("/api/v1/outcomes/spam", params={"version": row["version"]})
            assert gone.status_code in (200, 204), gone.text
    with place.serving(*demo(place)), place.client(token) as client:
        assert client.get("/api/v1/outcomes/spam").status_code == 404


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_taken_port_is_said_plainly(tmp_path: Path, command: str) -> None:
    place = Place(tmp_path)
    with socket.create_server(("127.0.0.1", place.port)):
        result = place.run(*(demo(place) if command == "demo" else ("serve",)))
    assert result.returncode == 1
    assert result.stderr == (
        f"Cannot listen on 127.0.0.1 port {place.port}: another program listens there. Stop it, or choose another "
        "port.\n"
    )
    assert result.stdout == ""
    # Nothing was begun.
    assert not list(tmp_path.rglob("hub.db"))


def test_database_of_a_newer_hub_is_left_alone(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert stop(place.start("serve")) == 0
    with closing(sqlite3.connect(tmp_path / "data" / "hub.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    result = place.run("serve")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"store.url: this database was written by a newer Contact Hub (schema 9999, this one knows {SCHEMA})"
    )
    assert "Traceback" not in result.stderr


def test_log_for_machines_is_one_object_a_line(tmp_path: Path) -> None:
    place = Place(tmp_path, '[logging]\nformat = "json"\nlevel = "debug"\n')
    with place.serving(), place.client() as client:
        client.get("/api/v1/contacts")
        client.get("/login")
    lines = [json.loads(line) for line in place.log.read_text().splitlines()]
    assert {"hub.started", "hub.stopped"} <= {line["event"] for line in lines}
    assert all({"level", "timestamp"} <= line.keys() for line in lines)


def test_free_port_is_told(tmp_path: Path) -> None:
    command = Place(tmp_path).command("demo", "--port", "0", "--data", str(tmp_path / "demo-data"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        url = next(line.split()[-1] for line in process.stdout if "Demo shop" in line)
        assert httpx.get(url, trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOP_S)
    assert process.returncode == 0


@pytest.mark.parametrize("later", [0, 0.1, 0.4])
def test_ctrl_c_during_the_start_is_clean_too(tmp_path: Path, later: float) -> None:
    place = Place(tmp_path)
    with subprocess.Popen(place.command("serve"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # The first thing that it does with its folder; the database comes after it.
        while not (tmp_path / "data" / "hub.lock").exists():
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(later)
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=STOP_S)
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert "Traceback" not in said
