"""Calls and recordings in the store, on both databases."""

from msgspec.structs import replace

from hub import commands as c
from hub.call_records import CallRecord
from hub.call_tables import CallFilter, CallOrder, CallSort, CallSummary, RecordingFilter
from hub.model import Channel, Customer
from hub.recording import Recording, RecordingState
from hub.store import SqlStore
from tests.talk import T0, Talk


def recording(id: str, contact: str = "ct_1", at: int = T0, **values: object) -> Recording:
    return replace(Recording(id, contact, at, f"2023/11/14/{id}", queue="support"), **values)


async def test_a_recordings_life(store: SqlStore) -> None:
    table = store.recordings
    begun = recording("rc_1", paused=((1000, 2000),), agents=("us_1",), hold="Fall 7 – 中文")
    assert await table.add(begun)
    # A retry finds it there and changes nothing.
    assert not await table.add(replace(begun, path="elsewhere"))
    assert await table.get("rc_1") == begun
    assert await table.get("rc_none") is None
    assert await table.unfinished() == [begun]
    done = replace(begun, state=RecordingState.COMPLETE, ended_at=T0 + 5, ms=5, bytes=80, format="wav", hold="")
    await table.update(done)
    assert await table.get("rc_1") == done
    assert await table.unfinished() == []


async def test_pages_of_recordings_by_filter(store: SqlStore) -> None:
    his = await Talk(store.log).begin(channel=Channel.VOICE)
    await his.accept("us_1")
    other = await Talk(store.log).begin(channel=Channel.VOICE)
    await other.accept("us_2")
    for n in range(6):
        await store.recordings.add(
            recording(
                f"rc_{n}",
                (his if n % 2 else other).contact.id,
                # Two of one moment: the id decides.
                T0 + (n if n else 1) * 1000,
                queue="sales" if n == 5 else "support",
                state=RecordingState.DELETED if n == 2 else RecordingState.COMPLETE,
            )
        )

    async def ids(**where: object) -> list[str]:
        return [each.id for each in await store.recordings.page(replace(RecordingFilter(), **where))]

    assert await ids() == ["rc_5", "rc_4", "rc_3", "rc_1", "rc_0"]
    assert await ids(deleted=True) == ["rc_5", "rc_4", "rc_3", "rc_2", "rc_1", "rc_0"]
    assert await ids(agent="us_1") == ["rc_5", "rc_3", "rc_1"]
    assert await ids(agent="us_9") == []
    assert await ids(contact=other.contact.id) == ["rc_4", "rc_0"]
    assert await ids(queues=("sales",)) == ["rc_5"]
    assert await ids(started_from=T0 + 3000, started_to=T0 + 5000) == ["rc_4", "rc_3"]
    assert await ids(states=(RecordingState.RECORDING,)) == []
    first = await store.recordings.page(RecordingFilter(), limit=4)
    rest = await store.recordings.page(RecordingFilter(), after=first[-1].id, limit=4)
    assert [each.id for each in first + rest] == await ids()
    assert await store.recordings.page(RecordingFilter(), after="rc_none") == []
    found = await store.recordings.of_contacts([his.contact.id, "ct_none"])
    assert {key: [each.id for each in value] for key, value in found.items()} == {
        his.contact.id: ["rc_1", "rc_3", "rc_5"]
    }
    assert await store.recordings.of_contacts([]) == {}


async def test_recordings_whose_time_is_over(store: SqlStore) -> None:
    table = store.recordings
    await table.add(recording("rc_1", expires_at=T0 + 1))
    await table.add(recording("rc_2", expires_at=T0 + 2, hold="court"))
    await table.add(recording("rc_3", expires_at=T0 + 3))
    await table.add(recording("rc_4"))
    assert [each.id for each in await table.due(T0)] == []
    assert [each.id for each in await table.due(T0 + 9)] == ["rc_1", "rc_3"]
    assert [each.id for each in await table.due(T0 + 9, limit=1)] == ["rc_1"]
    await table.update(recording("rc_2", expires_at=T0 + 2))
    await table.update(recording("rc_1", expires_at=T0 + 1, deleted_at=T0, state=RecordingState.DELETED))
    assert [each.id for each in await table.due(T0 + 9)] == ["rc_2", "rc_3"]


def call(id: str, contact: str, at: int, **values: object) -> CallRecord:
    record = CallRecord(id, contact, "trunk", "in", "+49 30 123", "+49 30 999", "main", at, queue="support")
    return replace(record, **values)


async def test_calls_in_pages_by_filter(store: SqlStore) -> None:
    his = await Talk(store.log).begin(channel=Channel.VOICE)
    await his.accept("us_1")
    contact = his.contact.id
    rows = [
        call("c1", contact, T0, legs={"customer": {"mos": 4.1, "codec": "PCMU", "round_trip_ms": None}}),
        call("c2", contact, T0 + 1, direction="out", caller="100_1", called="+86 10 555%"),
        call("c3", "ct_other", T0 + 2, queue="sales"),
    ]
    await store.calls.put(rows, reader="calls", cursor=7)
    assert await store.cursor("calls") == 7
    assert await store.calls.get("c1") == rows[0]
    assert await store.calls.get("none") is None

    async def ids(**where: object) -> list[str]:
        return [each.id for each in await store.calls.page(replace(CallFilter(), **where))]

    assert await ids() == ["c3", "c2", "c1"]
    assert await ids(agent="us_1") == ["c2", "c1"]
    assert await ids(direction="out") == ["c2"]
    assert await ids(number="+493012") == ["c3", "c1"]
    assert await ids(number="8610 555") == ["c2"]
    # Not a pattern: nothing but itself is meant.
    assert await ids(number="100_") == ["c2"] and await ids(number="_____") == []
    assert await ids(queues=("sales",), contact="ct_other") == ["c3"]
    assert await ids(started_from=T0 + 1, started_to=T0 + 2) == ["c2"]
    first = await store.calls.page(CallFilter(), limit=2)
    assert [each.id for each in await store.calls.page(CallFilter(), after=first[-1].id)] == ["c1"]
    # What is told of a call again replaces it; without any the reader's place is noted all the same.
    await store.calls.put([replace(rows[0], ended_at=T0 + 9)], reader="calls", cursor=8)
    await store.calls.put([], reader="calls", cursor=9)
    assert (await store.calls.get("c1")) == replace(rows[0], ended_at=T0 + 9)
    assert await store.cursor("calls") == 9


async def test_whoever_dials_has_a_part_in_the_contact(store: SqlStore) -> None:
    talk = Talk(store.log)
    customer = Customer("cu_dialled", created_at=T0)
    await talk.do(
        c.Create(Channel.VOICE, "demo", customer.id, None, "", "en", {}, True),
        c.Dial("us_1", "support"),
        customer=customer,
    )
    await store.calls.put([call("c1", talk.contact.id, T0, direction="out")], reader="calls", cursor=1)
    assert [each.id for each in await store.calls.page(CallFilter(agent="us_1"))] == ["c1"]


def many_calls() -> list[CallRecord]:
    """Answered well, badly and without figures; abandoned, unanswered, running."""

    def mos(customer: float, agent: float | None) -> dict[str, dict[str, float | str | None]]:
        return {"customer": {"mos": customer}, "agent": {"mos": agent}}

    talked = {"connected_at": T0, "ended_at": T0 + 99, "cause": "hung_up"}
    return [
        call("c0", "ct_0", T0, wait_ms=3000, talk_ms=50, legs=mos(4.3, 4.1), recordings=("rc_1",), **talked),
        call("c1", "ct_1", T0 + 1, wait_ms=1000, talk_ms=70, legs=mos(2.5, None), outcome="solved", **talked),
        call("c2", "ct_2", T0 + 2, wait_ms=1000, talk_ms=60, **talked),
        call("c3", "ct_3", T0 + 2, wait_ms=9000, abandoned=True, ended_at=T0 + 9, cause="left"),
        call("c4", "ct_4", T0 + 3, direction="out", ended_at=T0 + 9, cause="busy"),
        call("c5", "ct_5", T0 + 4, wait_ms=0, connected_at=T0 + 5),
    ]


async def test_calls_by_what_became_of_them(store: SqlStore) -> None:
    await store.calls.put(many_calls(), reader="calls", cursor=1)

    async def ids(**where: object) -> list[str]:
        return [each.id for each in await store.calls.page(replace(CallFilter(), **where))]

    assert await ids(result="answered") == ["c2", "c1", "c0"]
    assert await ids(result="abandoned") == ["c3"]
    assert await ids(result="unanswered") == ["c4"]
    assert await ids(result="running") == ["c5"]
    assert await ids(cause="busy") == ["c4"] and await ids(outcome="solved") == ["c1"]
    assert await ids(recorded=True) == ["c0"]
    assert await ids(recorded=False, result="answered") == ["c2", "c1"]


async def test_calls_in_any_order_page_by_page(store: SqlStore) -> None:
    await store.calls.put(many_calls(), reader="calls", cursor=1)
    orders: dict[tuple[CallSort, bool], str] = {
        ("started", True): "543210",
        ("started", False): "012345",
        ("wait", True): "302154",
        ("wait", False): "542103",
        ("talk", True): "120543",
        ("talk", False): "543021",
        # Those without a figure last, the newest first.
        ("mos", True): "015432",
        ("mos", False): "105432",
    }
    for (by, down), expected in orders.items():
        for limit in (1, 2, 6):
            found: list[str] = []
            while page := await store.calls.page(
                CallFilter(), order=CallOrder(by, down), after=found[-1] if found else None, limit=limit
            ):
                found += [each.id for each in page]
            assert "".join(found).replace("c", "") == expected, (by, down, limit)


async def test_figures_of_many_calls(store: SqlStore) -> None:
    await store.calls.put(many_calls(), reader="calls", cursor=1)
    assert await store.calls.summary(CallFilter()) == CallSummary(6, 3, 1, 1, 1, 1, 3500, 60, (4.1 + 2.5) / 2)
    assert await store.calls.summary(CallFilter(direction="out")) == CallSummary(1, 0, 0, 1, 0, 0, None, None, None)
    assert await store.calls.summary(CallFilter(number="777")) == CallSummary(0, 0, 0, 0, 0, 0, None, None, None)
