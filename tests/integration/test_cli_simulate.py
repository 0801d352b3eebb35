"""`contacthub simulate` as scripts run it, and the replay of a day that a store holds."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hub import commands as c
from hub.events import PresenceChanged
from hub.model import Channel, Millis, Presence, PresenceState, Role, User
from hub.ports import Change
from hub.store import SqlStore, open_store
from tests.integration.commands import Place
from tests.talk import Talk

DAY = "2026-03-11"
FLAGS = ("--arrivals", "200/h", "--aht", "180", "--patience", "120", "--agents", "12")
S = 1000
ANSWER_S = 2


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A hub with a recorded day, in a store that no hub has open."""
    place = Place(tmp_path_factory.mktemp("simulate"))
    (place.folder / "data").mkdir()
    asyncio.run(record(place.folder / "data" / "hub.db"))
    return place


def at(text: str) -> Millis:
    """A local time of the day."""
    return int(datetime.fromisoformat(f"{DAY}T{text}").astimezone().timestamp() * 1000)


async def record(path: Path) -> None:
    """One agent from 09:00 to 12:00, and six calls from 10:00 on, one a minute, of 150 s each.

    Each has to wait 90 s more than the one before; the third and the fifth give up after 100 s.
    """
    store = open_store(f"sqlite:///{path}")
    await store.open()
    now = at("08:00")
    try:
        for id in ("ada", "bob"):
            user = User(id, id, id.title(), Role.AGENT, skills={"support": 3})
            await store.accounts.put_user(user, version=None, actor="system", at=now)
        row = {"name": "Support", "skills": {"support": 1}, "wrap_up_s": 60}
        await store.configs.put("queue", "support", row, version=None, actor="system", at=now)
        await present(store, "ada", PresenceState.AVAILABLE, 1, at("09:00"))
        free = at("10:00")
        for n in range(6):
            came = at("10:00") + n * 60 * S
            if n in (2, 4):
                await gave_up(store, came, came + 100 * S)
            else:
                offered = max(free, came)
                free = await served(store, came, offered, "ada")
        await present(store, "ada", PresenceState.OFFLINE, 2, at("12:00"))
        later = at("10:00") + 2 * 24 * 3600 * S
        await served(store, later, later, "bob")
    finally:
        await store.close()


async def present(store: SqlStore, agent: str, state: PresenceState, epoch: int, when: Millis) -> None:
    event = PresenceChanged(state, epoch, by=agent)
    presence = Presence(agent, state, None, when, epoch)
    await store.log.append(Change(agent, epoch - 1, (event,), when, agent, presence=presence))


async def call(store: SqlStore, came: Millis) -> Talk:
    # Each of its steps takes a second of its own clock.
    talk = Talk(store.log, now=came - S)
    await talk.begin(queue="support", channel=Channel.VOICE)
    return talk


async def served(store: SqlStore, came: Millis, offered: Millis, agent: str) -> Millis:
    """When the agent is free again."""
    talk = await call(store, came)
    for when, command in (
        (offered, c.MakeOffer(agent, 1, offered + 20 * S, 1)),
        (offered + ANSWER_S * S, c.Accept(agent, 1)),
        (offered + 140 * S, c.End("visitor", "left", 60 * S)),
        (offered + 150 * S, c.Finish(agent, "solved")),
    ):
        talk.now = when - S
        await talk.do(command)
    return offered + 150 * S


async def gave_up(store: SqlStore, came: Millis, left: Millis) -> None:
    talk = await call(store, came)
    talk.now = left - S
    await talk.do(c.End("visitor", "left", 0))


# --- scenarios --------------------------------------------------------------------------------------------------


def test_prints_one_object_with_intervals_that_hold_erlang_a(place: Place) -> None:
    found = place.json("simulate", *FLAGS, "--hours", "60", "--seed", "1")
    expected = {
        "p_wait": 0.27981,
        "abandoned": 0.06160,
        "asa_s": 6.335,
        "occupancy": 0.78200,
        "service_level": 0.82558,
        "offered": 200 * 60,
    }
    for name, value in expected.items():
        low, high = found["ci"][name]
        assert low <= found[name] <= high
        assert low <= value <= high, name
    assert found["queues"]["queue"]["offered"] == found["offered"]
    assert found["channels"]["voice"]["service_level"] == found["service_level"]


def test_numbers_follow_from_the_seed(place: Place) -> None:
    runs = [place.done("simulate", *FLAGS, "--hours", "5", "--json", "--seed", seed) for seed in ("1", "1", "2")]
    assert runs[0] == runs[1] != runs[2]


def test_without_patience_nobody_gives_up(place: Place) -> None:
    found = place.json("simulate", "--arrivals", "30/min", "--aht", "10", "--agents", "8", "--hours", "3")
    assert found["abandoned"] == 0
    assert found["answered"] == found["offered"]


def test_table_and_chart_for_people(place: Place, tmp_path: Path) -> None:
    chart = tmp_path / "day.svg"
    shown = place.done("simulate", *FLAGS, "--hours", "5", "--chart", str(chart))
    for word in ("offered", "in time", "ASA", "gave up", "busy", "Erlang A"):
        assert word in shown
    assert ET.fromstring(chart.read_text()).tag.endswith("svg")


def test_scenario_file(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "day.toml"
    path.write_text(
        """
days = 3
[queues.sales]
skills = {sales = 2}
[queues.support]
[[arrivals]]
queue = "sales"
per_hour = 30
handle_s = {lognormal = 200, deviation = 150}
[[arrivals]]
queue = "support"
channel = "chat"
per_hour = 40
handle_s = 300
patience_s = 200
[[agents]]
name = "all"
count = 6
skills = {sales = 3}
"""
    )
    found = place.json("simulate", str(path))
    assert set(found["queues"]) == {"sales", "support"}
    assert set(found["channels"]) == {"chat", "voice"}
    assert found["offered"] == sum(figures["offered"] for figures in found["queues"].values())
    assert found["occupancy"] == pytest.approx(sum(figures["occupancy"] for figures in found["queues"].values()))
    path.write_text(path.read_text().replace("per_hour = 40", 'per_hour = "40"'))
    refused = place.run("simulate", str(path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f'{path}: arrivals[1].per_hour: expected a number or a list in [brackets], got "40"' in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--arrivals", "many", "--aht", "180", "--agents", "3"),
        ("--arrivals", "200/h", "--aht", "0", "--agents", "3"),
        ("--arrivals", "200/h", "--agents", "3"),
        ("day.toml", "--agents", "3"),
        ("--with", "new.toml"),
        ("--replay", "someday"),
        ("--replay", DAY, "--hours", "3"),
    ],
    ids=" ".join,
)
def test_wrong_use(place: Place, arguments: tuple[str, ...]) -> None:
    result = place.run("simulate", *arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


# --- replay -----------------------------------------------------------------------------------------------------


def test_replay_tells_what_was_recorded(place: Place) -> None:
    """Offered at 0, 150, 300 and 450 s to calls of 0, 60, 180 and 300 s; two gave up."""
    recorded = place.json("simulate", "--replay", DAY)["recorded"]
    assert (recorded["offered"], recorded["answered"]) == (6, 4)
    assert recorded["abandoned"] == pytest.approx(2 / 6)
    assert recorded["service_level"] == pytest.approx(1 / 6)
    assert recorded["asa_s"] == pytest.approx((0 + 90 + 120 + 150) / 4 + ANSWER_S)
    assert recorded["p_wait"] == pytest.approx(5 / 6)
    assert recorded["occupancy"] == pytest.approx(4 * (150 - ANSWER_S) / (3 * 3600), rel=1e-3)


def test_replay_without_changes_is_as_it_was(place: Place) -> None:
    found = place.json("simulate", "--replay", DAY)
    for name in ("offered", "answered", "service_level", "abandoned", "p_wait"):
        assert found["as_it_was"][name] == found["recorded"][name], name
    assert found["as_it_was"]["asa_s"] == pytest.approx(found["recorded"]["asa_s"], abs=0.1)
    assert found["changed"] == found["as_it_was"]


def replayed(place: Place, tmp_path: Path, text: str, *arguments: str) -> Any:
    path = tmp_path / "new.toml"
    path.write_text(text)
    return place.json("simulate", "--replay", DAY, "--with", str(path), *arguments)


def test_replay_with_more_agents(place: Place, tmp_path: Path) -> None:
    text = '[[agents]]\nname = "extra"\ncount = 5\nskills = {support = 1}\nshifts = [["09:00", "12:00"]]\n'
    found = replayed(place, tmp_path, text, "--chart", str(tmp_path / "day.svg"))
    assert found["recorded"]["answered"] == 4
    assert found["changed"]["answered"] == 6
    assert found["changed"]["service_level"] == 1.0
    assert (tmp_path / "day.svg").stat().st_size > 1000


def test_replay_with_other_queues_and_users(place: Place, tmp_path: Path) -> None:
    nobody = replayed(place, tmp_path, "[users.ada]\nabsent = true\n")["changed"]
    assert (nobody["answered"], nobody["occupancy"]) == (0, None)
    unskilled = replayed(place, tmp_path, "[queues.support]\nskills = {support = 5}\n")["changed"]
    assert unskilled["answered"] == 0
    # Wrap-up is ended by the queue, so that the next is served earlier.
    quicker = replayed(place, tmp_path, "[queues.support]\nwrap_up_s = 2\n")["changed"]
    assert quicker["asa_s"] < 92


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[users.eve]\nabsent = true\n", "users.eve: there is no such user; known are ada, bob"),
        ("[queues.support]\nwrap_up_s = -1\n", "queues.support.wrap_up_s: expected"),
        ("hours = 3\n", "hours: a replay lasts one day"),
        ('[[arrivals]]\nqueue = "x"\nper_hour = 1\nhandle_s = 1\n', "arrivals[0].queue: expected a queue of the hub"),
    ],
)
def test_replay_names_mistakes(place: Place, tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "new.toml"
    path.write_text(text)
    refused = place.run("simulate", "--replay", DAY, "--with", str(path))
    assert refused.returncode == 1
    assert f"{path}: {sentence}" in refused.stderr


def test_a_day_without_contacts(place: Place) -> None:
    refused = place.run("simulate", "--replay", "2026-03-12")
    assert refused.returncode == 1
    assert "2026-03-12: nothing was recorded on that day" in refused.stderr


def test_a_hub_that_never_ran(tmp_path: Path) -> None:
    refused = Place(tmp_path / "new").run("simulate", "--replay", DAY)
    assert refused.returncode == 1
    assert "so no day is recorded" in refused.stderr
    assert not list((tmp_path / "new").rglob("*.db"))


def test_agents_without_recorded_presence(place: Place) -> None:
    """Bob served a contact on the next but one day without ever having been available."""
    found = place.json("simulate", "--replay", "2026-03-13")
    assert found["as_it_was"]["answered"] == found["recorded"]["answered"] == 1
    assert "Bob" in " ".join(found["notes"])


def test_recorded_and_simulated_stand_side_by_side(place: Place) -> None:
    shown = place.done("simulate", "--replay", DAY)
    for word in ("recorded", "as it was", "as changed", "support"):
        assert word in shown
    with pytest.raises(json.JSONDecodeError):
        json.loads(shown)
