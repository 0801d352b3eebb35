"""Recordings and call records over a real server: who may hear what, what is written down of it, what is left."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from hub import commands as c
from hub import events as e
from hub.ids import new_id
from hub.media import Recorded
from hub.model import Channel, Contact, Customer, Role
from hub.recording import Recording, RecordingState
from hub.recordings import DAY_MS, Recordings, RecordingSettings, key_id
from hub.sealed import SealedWriter, is_sealed
from hub.web.streams import RangeError, range_of
from tests.integration.house import House, error_of, furnished
from tests.integration.serving import serving
from tests.peers import require
from tests.sounds import conversation, put

SECONDS = 4.0
SOUND = conversation(SECONDS)
MS = int(SECONDS * 1000)
RECORDED = {"name": "Recorded", "recording": {"mode": "always", "keep_days": 10}}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished(tmp_path_factory.mktemp("hub")) as house:
        house.serving.put("queue", "recorded", **RECORDED)
        house.serving.put("queue", "asked", name="Asked", recording={"mode": "on_demand"})
        house.serving.user("colleague", Role.AGENT)
        house.browsers["colleague"] = house.serving.sign_in("colleague")
        yield house


def call_of(
    house: House, queue: str = "recorded", agent: str = "agent", caller: str = "+493012345", **end: Any
) -> Contact:
    """A call that the agent took, as the voice channel writes it; `end` are CallEnded's values."""
    hub, run = house.serving.application.hub, house.serving.run
    now = hub.clock.now()
    id, user = new_id("ct", now), house.users[agent].id
    customer = Customer(new_id("cu", now), "Mara", phone=caller, created_at=now)

    def do(*commands: c.ContactCommand) -> Any:
        return run(hub.contacts.do(id, *commands, actor="system"))

    run(
        hub.contacts.create(
            id,
            c.Create(Channel.VOICE, "shop", customer.id, None, "", "en", {"caller": caller}, True),
            [c.Dial(user, queue)],
            actor="system",
            command_id=f"call-{id}",
            customer=customer,
        )
    )
    timeline: list[e.CallEvent] = [
        e.CallStarted("trunk", caller, "+4930999", "main", "node"),
        e.CallAnswered("customer"),
        e.CallAnswered("agent", user),
        *([e.CallEnded(**end)] if end else []),
    ]
    for event in timeline:
        do(c.NoteCall(event))
    return run(hub.contacts.get(id)).contact


def recorded(house: House, contact: Contact, sound: bytes = SOUND) -> str:
    """The call's recording, complete."""
    recordings, run = house.serving.application.recordings, house.serving.run
    id = "rc_" + contact.id.partition("_")[2]
    options = run(recordings.begin(contact, id))
    put(Path(options.path), sound)
    run(recordings.over(contact.id, Recorded(contact.id, id, MS, len(sound))))
    return id


def row_of(house: House, id: str) -> Recording:
    found = house.serving.run(house.serving.application.store.recordings.get(id))
    assert found is not None
    return found


def audited(house: House, id: str) -> list[tuple[str, str]]:
    """(who, did what) with the recording, oldest first."""
    entries = house.call("GET", f"/audit?kind=recording&row={id}&limit=200").json()["items"]
    return [(entry["actor"], entry["action"]) for entry in reversed(entries)]


# --- listening -----------------------------------------------------------------------------------------------------


def test_a_recording_is_found_and_heard(house: House) -> None:
    contact = call_of(house)
    id = recorded(house, contact)
    view = house.call("GET", f"/recordings/{id}", "agent").json()
    assert (view["state"], view["ms"], view["bytes"], view["format"]) == ("complete", MS, len(SOUND), "wav")
    assert view["queue"] == {"id": "recorded", "name": "Recorded"} and view["reason"] == "always"
    assert [agent["id"] for agent in view["agents"]] == [house.users["agent"].id]
    assert view["expires_at"] == view["started_at"] + 10 * DAY_MS and not view["encrypted"]
    assert view["may"] == ["listen"]
    assert house.call("GET", f"/recordings/{id}").json()["may"] == ["listen", "download", "hold", "delete"]

    whole = house.call("GET", f"/recordings/{id}/audio", "agent")
    assert (whole.status_code, whole.content) == (200, SOUND)
    assert whole.headers["content-type"] == "audio/wav" and whole.headers["accept-ranges"] == "bytes"
    assert "no-store" in whole.headers["cache-control"]
    peaks = house.call("GET", f"/recordings/{id}/peaks", "agent").json()
    half = len(peaks["customer"]) // 2
    assert peaks["ms"] == MS and min(peaks["customer"][: half - 1]) > 100 and max(peaks["customer"][half + 1 :]) < 8
    assert max(peaks["agent"][: half - 1]) < 8 and min(peaks["agent"][half + 1 :]) > 100


def test_parts_of_a_recording(house: House) -> None:
    id = recorded(house, call_of(house))

    def part(range: str) -> httpx.Response:
        return house.call("GET", f"/recordings/{id}/audio", "agent", headers={"Range": range})

    size = len(SOUND)
    for range, begin, end in (
        ("bytes=0-", 0, size),
        ("bytes=0-0", 0, 1),
        ("bytes=50-70", 50, 71),
        (f"bytes={size - 1}-", size - 1, size),
        ("bytes=-10", size - 10, size),
        ("bytes=100-999999999999999999999999", 100, size),
    ):
        answer = part(range)
        assert (answer.status_code, answer.content) == (206, SOUND[begin:end]), range
        assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
    for range in (f"bytes={size}-", "bytes=7-3"):
        answer = part(range)
        assert (answer.status_code, error_of(answer)) == (416, "http.range")
    for range in ("bytes=0-1,5-9", "lines=1-2", "bytes=x", "bytes=-"):
        assert (part(range).status_code, part(range).content) == (200, SOUND)
    head = house.call("HEAD", f"/recordings/{id}/audio", "agent")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))


def test_ranges_are_read_as_the_standard_has_them() -> None:
    assert range_of(None, 10) is None and range_of("bytes= 2 - 4", 10) == (2, 5)
    assert range_of("bytes=-99", 10) == (0, 10)
    with pytest.raises(RangeError):
        range_of("bytes=0-", 0)


def test_agents_hear_their_own_calls_only(house: House) -> None:
    id = recorded(house, call_of(house))
    for path in ("", "/peaks", "/audio"):
        assert house.call("GET", f"/recordings/{id}{path}", "supervisor").status_code == 200
        answer = house.call("GET", f"/recordings/{id}{path}", "colleague")
        assert (answer.status_code, error_of(answer)) == (403, "auth.forbidden")
        assert house.call("GET", f"/recordings/rc_none{path}", "agent").status_code == 404
    answer = house.call("GET", f"/recordings/{id}/export", "agent")
    assert (answer.status_code, answer.json()["error"]["details"]) == (403, {"permission": "recording.download"})
    for role in ("agent", "supervisor"):
        assert house.call("DELETE", f"/recordings/{id}", role).status_code == 403
        assert house.call("PATCH", f"/recordings/{id}", role, json={"hold": "x"}).status_code == 403

    def listed(role: str, query: str = "") -> bool:
        items = house.call("GET", f"/recordings?limit=200{query}", role).json()["items"]
        return id in [item["id"] for item in items]

    assert listed("agent") and listed("supervisor") and not listed("colleague")
    assert not listed("colleague", f"&agent={house.users['agent'].id}")
    assert listed("supervisor", "&queue=Recorded") and not listed("supervisor", "&queue=asked")


def test_every_access_is_written_down(house: House) -> None:
    id = recorded(house, call_of(house))
    agent, lead, admin = (house.users[role].id for role in ("agent", "supervisor", "administrator"))
    house.call("GET", f"/recordings/{id}/audio", "agent", headers={"Range": "bytes=1000-2000"})
    house.call("GET", f"/recordings/{id}/audio", "agent", headers={"Range": "bytes=2001-3000"})
    house.call("GET", f"/recordings/{id}/audio", "agent", headers={"Range": "bytes=0-1"})
    house.call("GET", f"/recordings/{id}/audio", "colleague")
    house.call("GET", f"/recordings/{id}/export?format=ulaw&channel=agent", "supervisor")
    house.call("PATCH", f"/recordings/{id}", json={"hold": "Case 7"})
    held = house.call("DELETE", f"/recordings/{id}")
    assert (held.status_code, error_of(held)) == (409, "recording.held") and "Case 7" in held.text
    house.call("PATCH", f"/recordings/{id}", json={"hold": ""})
    assert house.call("DELETE", f"/recordings/{id}").status_code == 204
    assert audited(house, id) == [
        (agent, "listen"),
        (agent, "listen"),
        (lead, "download"),
        (admin, "hold"),
        (admin, "delete"),
        (admin, "release"),
        (admin, "delete"),
    ]
    entry = house.call("GET", f"/audit?kind=recording&row={id}&limit=200").json()["items"][4]
    assert entry["after"].items() >= {"format": "ulaw", "channel": "agent", "by": "session"}.items()


@pytest.mark.parametrize(
    ("query", "type", "ending"),
    [
        ("", "audio/wav", ".wav"),
        ("?format=alaw", "audio/wav", ".alaw.wav"),
        ("?format=raw&channel=customer", "audio/L16", ".raw"),
        ("?format=gsm", "audio/wav", ".gsm.wav"),
    ],
)
def test_exports(house: House, query: str, type: str, ending: str) -> None:
    if "gsm" in query:
        require("sox")
    id = recorded(house, call_of(house))
    answer = house.call("GET", f"/recordings/{id}/export{query}", "supervisor")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(type)
    assert answer.headers["content-disposition"] == f'attachment; filename="{id}{ending}"'
    assert len(answer.content) == int(answer.headers["content-length"]) > 1000
    if not query:
        assert answer.content == SOUND


def test_exports_that_are_none(house: House) -> None:
    id = recorded(house, call_of(house))
    for query in ("format=mp3", "channel=agent", "format=gsm&channel=both", "format=raw&channel=left"):
        answer = house.call("GET", f"/recordings/{id}/export?{query}", "supervisor")
        assert (answer.status_code, error_of(answer)) == (422, "input.invalid"), query


# --- what is made, lost and deleted ----------------------------------------------------------------------------------


def test_a_deleted_recording_stays_known(house: House) -> None:
    contact = call_of(house)
    id = recorded(house, contact)
    application = house.serving.application
    path = application.recordings.path(row_of(house, id))
    house.call("GET", f"/recordings/{id}/peaks")
    assert len(list(path.parent.glob(f"{id}*"))) == 2
    assert house.call("DELETE", f"/recordings/{id}").status_code == 204
    assert list(path.parent.glob(f"{id}*")) == []
    view = house.call("GET", f"/recordings/{id}").json()
    assert view["state"] == "deleted" and view["deleted_by"]["id"] == house.users["administrator"].id
    assert view["ms"] == MS and view["may"] == []
    for path_ in ("audio", "peaks", "export"):
        answer = house.call("GET", f"/recordings/{id}/{path_}")
        assert (answer.status_code, error_of(answer)) == (404, "recording.gone")
    assert house.call("DELETE", f"/recordings/{id}").status_code == 204

    def listed(query: str) -> list[str]:
        items = house.call("GET", f"/recordings?contact={contact.id}{query}").json()["items"]
        return [item["id"] for item in items]

    assert listed("") == [] and listed("&deleted=true") == [id] == listed("&state=deleted")


def test_a_file_that_is_missing_is_told(house: House) -> None:
    id = recorded(house, call_of(house))
    house.serving.application.recordings.path(row_of(house, id)).unlink()
    answer = house.call("GET", f"/recordings/{id}/audio")
    assert (answer.status_code, error_of(answer)) == (404, "recording.gone") and "not on the disk" in answer.text
    contact = call_of(house)
    run, recordings = house.serving.run, house.serving.application.recordings
    run(recordings.begin(contact, "rc_nothing"))
    running = house.call("GET", "/recordings/rc_nothing/audio")
    assert (running.status_code, error_of(running)) == (409, "recording.running")
    assert error_of(house.call("DELETE", "/recordings/rc_nothing")) == "recording.running"
    run(recordings.over(contact.id, Recorded(contact.id, "rc_nothing", 100, 0, "No space left on device")))
    row = row_of(house, "rc_nothing")
    assert (row.state, row.error) == (RecordingState.FAILED, "No space left on device")


def test_queues_say_what_is_recorded(house: House) -> None:
    run, recordings = house.serving.run, house.serving.application.recordings
    plain, asked = call_of(house, "support"), call_of(house, "asked")
    with pytest.raises(Exception, match="not recorded"):
        run(recordings.begin(plain, "rc_plain"))
    assert recordings.plan("asked", asked.id).record is False
    run(recordings.begin(asked, "rc_asked"))
    assert row_of(house, "rc_asked").reason == "on_demand"
    house.serving.put("queue", "some", name="Some", recording={"mode": "percentage", "percent": 30})
    drawn = [recordings.plan("some", f"ct_{n}").record for n in range(2000)]
    assert drawn == [recordings.plan("some", f"ct_{n}").record for n in range(2000)]
    assert 500 < sum(drawn) < 700


def test_a_full_disk_refuses_new_recordings(house: House) -> None:
    recordings, run = house.serving.application.recordings, house.serving.run
    settings = recordings._settings
    recordings._settings = replace(settings, min_free_bytes=2**62)
    try:
        with pytest.raises(Exception, match="not enough room") as refused:
            run(recordings.begin(call_of(house), "rc_full"))
        assert refused.value.code == "recordings.disk_full"  # type: ignore[attr-defined]
    finally:
        recordings._settings = settings
    view = house.call("GET", "/recordings/rc_full").json()
    assert view["state"] == "failed" and "not enough room" in view["error"] and view["may"] == ["hold", "delete"]
    assert house.call("GET", "/recordings/rc_full/audio").status_code == 404


def test_recordings_of_the_dead_are_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run, application = house.serving.run, house.serving.application
    recordings, store = application.recordings, application.store
    dead, ended, alive = (
        call_of(house, **({"by": "system", "cause": "interrupted"} if n == 1 else {})) for n in range(3)
    )
    for id, contact in (("rc_dead", dead), ("rc_ended", ended), ("rc_alive", alive)):
        put(Path(run(recordings.begin(contact, id)).path), conversation(SECONDS) + b"\x01")
    row = row_of(house, "rc_dead")
    run(store.recordings.update(replace(row, node="another that is gone")))
    row = row_of(house, "rc_ended")
    run(store.recordings.update(replace(row, started_at=row.started_at - 10_000_000)))
    run(recordings.sweep())
    found = row_of(house, "rc_dead")
    assert (found.state, found.ms, found.format) == (RecordingState.INTERRUPTED, MS, "wav")
    assert found.ended_at == found.started_at + MS
    assert house.call("GET", "/recordings/rc_dead/audio").content == SOUND
    # The call has ended only now: its recording may still be on its way.
    assert row_of(house, "rc_ended").state == row_of(house, "rc_alive").state == RecordingState.RECORDING
    monkeypatch.setattr("hub.recordings.SETTLED_MS", -1)
    run(recordings.sweep())
    assert row_of(house, "rc_ended").state is RecordingState.INTERRUPTED
    assert row_of(house, "rc_alive").state is RecordingState.RECORDING
    run(recordings.over(alive.id, Recorded(alive.id, "rc_alive", MS, 1)))
    assert row_of(house, "rc_alive").state is RecordingState.COMPLETE


def test_a_new_start_finds_what_the_old_one_left(tmp_path: Path) -> None:
    with furnished(tmp_path) as house:
        house.serving.put("queue", "recorded", **RECORDED)
        contact = call_of(house)
        options = house.serving.run(house.serving.application.recordings.begin(contact, "rc_left"))
        put(Path(options.path), conversation(SECONDS)[:-20_001])
    with serving(tmp_path) as again:
        store = again.application.store

        async def settled() -> Recording:
            while True:
                row = await store.recordings.get("rc_left")
                assert row is not None
                if row.state is not RecordingState.RECORDING:
                    return row
                await asyncio.sleep(0.01)

        row = again.run(settled())
        assert (row.state, row.ms) == (RecordingState.INTERRUPTED, MS - 1251)


def test_recordings_go_when_their_time_is_over(house: House) -> None:
    run, application = house.serving.run, house.serving.application
    kept, held, old = (recorded(house, call_of(house)) for _ in range(3))
    for id in (held, old):
        run(application.store.recordings.update(replace(row_of(house, id), expires_at=1)))
    house.call("PATCH", f"/recordings/{held}", json={"hold": "court"})
    run(application.recordings.sweep())
    assert [str(row_of(house, id).state) for id in (kept, held, old)] == ["complete", "complete", "deleted"]
    assert audited(house, old) == [("system", "delete")]
    assert not application.recordings.path(row_of(house, old)).exists()
    assert house.call("GET", f"/recordings/{held}/audio").content == SOUND


def test_encrypted_recordings(house: House, tmp_path: Path) -> None:
    application, run = house.serving.application, house.serving.run
    key, newer = bytes(range(32)), bytes(range(1, 33))
    before = application.web.recordings
    mine = Recordings(application.hub, RecordingSettings(tmp_path / "sealed", key))
    rotated = Recordings(application.hub, RecordingSettings(tmp_path / "sealed", newer, (key,)))
    stranger = Recordings(application.hub, RecordingSettings(tmp_path / "sealed"))
    try:
        contact = call_of(house)
        options = run(mine.begin(contact, "rc_sealed"))
        assert options.key == key
        with Path(options.path).open("wb") as file:
            writer = SealedWriter(file, key)
            writer.write(SOUND)
            writer.close()
        run(mine.over(contact.id, Recorded(contact.id, "rc_sealed", MS, 1)))
        assert row_of(house, "rc_sealed").key == key_id(key)
        application.web.recordings = rotated
        assert house.call("GET", "/recordings/rc_sealed").json()["encrypted"]
        part = house.call("GET", "/recordings/rc_sealed/audio", headers={"Range": "bytes=4000-9999"})
        assert part.content == SOUND[4000:10_000]
        peaks = house.call("GET", "/recordings/rc_sealed/peaks").json()
        assert peaks == house.call("GET", "/recordings/rc_sealed/peaks").json() and max(peaks["agent"]) > 100
        assert is_sealed(Path(options.path + ".peaks"))
        application.web.recordings = stranger
        answer = house.call("GET", "/recordings/rc_sealed/audio")
        assert (answer.status_code, error_of(answer)) == (500, "recording.no_key")
    finally:
        application.web.recordings = before
        for each in (mine, rotated, stranger):
            run(each.stop())


# --- call records ---------------------------------------------------------------------------------------------------


def followed(house: House) -> None:
    """Returns when the reader of calls has read all."""
    application = house.serving.application
    head = house.serving.run(application.store.log.head())

    async def wait() -> None:
        while application.hub.feed.readers["calls"].cursor < head:
            await asyncio.sleep(0.01)

    house.serving.run(wait())


LEGS: dict[str, dict[str, float | str | None]] = {
    "customer": {"codec": "PCMA", "mos": 4.3, "loss": 0.01, "jitter_ms": 3.5, "round_trip_ms": None},
}


def test_calls_are_listed(house: House) -> None:
    contact = call_of(house, caller="+4989777001", by="customer", cause="hung_up", digits=2, legs=LEGS)
    followed(house)
    (item,) = house.call("GET", f"/calls?contact={contact.id}", "agent").json()["items"]
    assert (item["caller"], item["called"], item["direction"], item["way"]) == (
        "+4989777001",
        "+4930999",
        "in",
        "trunk",
    )
    assert item["agent"] == {"id": house.users["agent"].id, "name": "The_agent"}
    assert item["legs"]["customer"] == LEGS["customer"]
    assert item["cause"] == "hung_up" and item["ended_at"] >= item["started_at"]
    assert house.call("GET", f"/calls/{item['id']}", "agent").json() == item
    assert house.call("GET", f"/calls/{item['id']}", "colleague").status_code == 403
    assert house.call("GET", "/calls/none").status_code == 404

    def ids(query: str, role: str = "supervisor") -> list[str]:
        return [each["contact"] for each in house.call("GET", f"/calls?limit=200&{query}", role).json()["items"]]

    assert ids("number=777001") == [contact.id] and ids("number=777001", "colleague") == []
    assert contact.id in ids(f"agent={house.users['agent'].id}") and contact.id not in ids("direction=out")
    assert contact.id in ids("queue=recorded") and contact.id not in ids("queue=asked")
    assert ids(f"started_from={item['started_at']}&started_to={item['started_at'] + 1}") == [contact.id]
    first = house.call("GET", "/calls?limit=2").json()
    second = house.call("GET", f"/calls?limit=2&after={first['next']}").json()
    assert not {each["id"] for each in first["items"]} & {each["id"] for each in second["items"]}


def test_calls_by_what_became_of_them(house: House) -> None:
    contact = call_of(house, caller="+4989777002", by="customer", cause="no_such_cause", legs=LEGS)
    followed(house)

    def found(query: str) -> list[str]:
        return [item["contact"] for item in house.call("GET", f"/calls?number=777002&{query}").json()["items"]]

    assert found("cause=no_such_cause") == [contact.id] and found("cause=busy") == []
    (item,) = house.call("GET", f"/calls?contact={contact.id}").json()["items"]
    assert found(f"result={item['result']}") == [contact.id] and found("result=running") == []
    recorded = bool(item["recordings"])
    assert found(f"recorded={str(recorded).lower()}") == [contact.id]
    assert found(f"recorded={str(not recorded).lower()}") == []
    assert found("outcome=none") == []
    for bad in ("result=perhaps", "sort=colour", "order=up", "recorded=maybe"):
        answer = house.call("GET", f"/calls?{bad}")
        assert answer.status_code == 422 and bad.partition("=")[0] in answer.text, answer.text
    waits = [item["wait_ms"] for item in house.call("GET", "/calls?limit=200&sort=wait&order=asc").json()["items"]]
    assert waits == sorted(waits) and len(waits) > 2

    summary = house.call("GET", "/call-summary?number=777002").json()
    assert (summary["calls"], summary[item["result"]], summary["mean_mos"]) == (1, 1, 4.3)
    mine = house.call("GET", "/call-summary?number=777002", "colleague").json()
    assert mine["calls"] == 0 and mine["mean_mos"] is None
    other = house.users["agent"].id
    assert house.call("GET", f"/call-summary?agent={other}", "colleague").status_code == 403
    assert house.call("GET", f"/calls?agent={other}", "colleague").status_code == 403


def test_calls_as_csv(house: House) -> None:
    contact = call_of(house, caller="=cmd|'/C calc'!A0", by="customer", cause="hung_up", legs=LEGS)
    followed(house)
    answer = house.call("GET", "/calls.csv", "supervisor")
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert house.call("GET", "/calls.csv", "agent").status_code == 403
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    every = house.call("GET", "/calls?limit=200").json()["items"]
    assert [row["id"] for row in rows] == [item["id"] for item in every]
    row = next(row for row in rows if row["contact"] == contact.id)
    assert row["caller"] == "'=cmd|'/C calc'!A0" and row["called"] == "+4930999"
    assert (row["customer_codec"], row["customer_mos"], row["customer_round_trip_ms"]) == ("PCMA", "4.3", "")
    assert row["started"].endswith("+00:00") and row["talk_s"] == "0.0" and row["abandoned"] == "no"
    few = house.call("GET", f"/calls.csv?contact={contact.id}", "supervisor").content.decode("utf-8-sig")
    assert len(few.splitlines()) == 2
    (entry, *_) = house.call("GET", "/audit?kind=call").json()["items"]
    assert (entry["action"], entry["after"]) == ("export", {"contact": contact.id})
