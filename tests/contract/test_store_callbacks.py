"""Callbacks, numbers that are never called and breakers in the store, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.callbacks.model import Attempt, Callback, Consent, Result, State
from hub.callbacks.records import Breaker, CallbackFilter, DoNotCall
from hub.errors import Refused, VersionConflict
from hub.events import CallbackMoved
from hub.ports import Change, Fence
from hub.store import SqlStore, open_store, restore_store
from tests.talk import T0

MINUTE, HOUR = 60_000, 3_600_000


def callback(id: str, **values: Any) -> Callback:
    known: dict[str, Any] = {"state": State.SCHEDULED, "number": f"+49301{id[-4:]:0>4}", "queue": "support"}
    known |= {"site": "shop", "address": "192.0.2.1", "contact": f"ct_{id}", "customer": "cu_1"}
    known |= {"asked_at": T0, "due_at": T0 + HOUR, "next_at": T0 + HOUR}
    return Callback(id, 1, **(known | values))


def change(found: Callback, *, room: int | None = None, key: str | None = None, fence: Fence | None = None) -> Change:
    event = CallbackMoved(str(found.state), found.contact, found.reason, found.next_at, len(found.attempts))
    version = found.version - 1
    return Change(found.id, version, (event,), T0, "us_ada", key, callback=found, room=room, fence=fence)


async def put(store: SqlStore, *found: Callback) -> None:
    await asyncio.gather(*(store.log.append(change(each)) for each in found))


def over(found: Callback, state: State = State.REACHED) -> Callback:
    return replace(found, version=found.version + 1, state=state, next_at=None, ended_at=T0)


async def test_a_callback_is_written_with_its_event(store: SqlStore) -> None:
    attempt = Attempt(T0, "us_ada", 7, Result.BUSY, 486, 0, 12, T0 + 1)
    first = callback("cb_0001", name="Eva 中文", attempts=(attempt,), consent=Consent("Yes", "2", T0), zones=("UTC",))
    await store.log.append(change(first, key="ask-0001"))
    assert await store.callbacks.get("cb_0001") == first
    assert await store.callbacks.by_contact("ct_cb_0001") == first
    assert await store.callbacks.living(first.number) == first
    again = await store.log.append(change(first, key="ask-0001"))
    assert again.repeated
    with pytest.raises(VersionConflict):
        await store.log.append(change(first))
    assert await store.callbacks.get("cb_0009") is None


async def test_of_a_number_one_callback_lives(store: SqlStore) -> None:
    first = callback("cb_0001")
    second = replace(callback("cb_0002"), number=first.number)
    outcomes = await asyncio.gather(
        store.log.append(change(first)), store.log.append(change(second)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [(each.code, each.details) for each in refused] == [("callback.known", {"callback": "cb_0001"})]
    await put(store, over(first))
    await put(store, second)
    assert await store.callbacks.living(first.number) == second
    assert (await store.callbacks.get("cb_0001")) == over(first)


async def test_a_number_is_free_in_the_step_that_ends_its_callback(store: SqlStore) -> None:
    first = callback("cb_0001")
    await put(store, first)
    second = replace(callback("cb_0002"), number=first.number)
    await put(store, over(first), second)
    assert await store.callbacks.living(first.number) == second


async def test_a_slot_takes_so_many(store: SqlStore) -> None:
    asked = [callback(f"cb_{n:04}", slot=T0, wished_at=T0) for n in range(6)]
    outcomes = await asyncio.gather(*(store.log.append(change(each, room=3)) for each in asked), return_exceptions=True)
    taken = [each for each, outcome in zip(asked, outcomes, strict=True) if not isinstance(outcome, Exception)]
    assert len(taken) == 3
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} == {"callback.full"}
    assert await store.callbacks.loads("support", T0, T0 + 1) == {T0: 3}
    assert await store.callbacks.loads("sales", T0, T0 + 1) == {}

    moved = replace(taken[0], version=2, slot=T0 + HOUR)
    await store.log.append(change(moved, room=3))
    late = callback("cb_0010", slot=T0)
    await store.log.append(change(late, room=3))
    with pytest.raises(Refused, match="another time"):
        await store.log.append(change(replace(moved, version=3, slot=T0), room=3))
    # A step that leaves it where it is needs no room.
    await store.log.append(change(replace(late, version=2, name="Eva"), room=1))
    assert await store.callbacks.loads("support", T0, T0 + 2 * HOUR) == {T0: 3, T0 + HOUR: 1}


async def test_who_has_lost_the_right_writes_nothing(store: SqlStore) -> None:
    with pytest.raises(Refused, match="Another node"):
        await store.log.append(change(callback("cb_0001"), fence=Fence("dispatcher", 4)))
    assert await store.callbacks.get("cb_0001") is None


async def test_what_is_due(store: SqlStore) -> None:
    found = [callback(f"cb_{n:04}", next_at=T0 + n * MINUTE) for n in range(5)]
    await put(store, *found)
    await put(store, over(found[0]))
    assert await store.callbacks.next_due() == T0 + MINUTE
    assert [each.id for each in await store.callbacks.due(T0 + 3 * MINUTE)] == ["cb_0001", "cb_0002", "cb_0003"]
    assert [each.id for each in await store.callbacks.due(T0 + 3 * MINUTE, 1)] == ["cb_0001"]
    talking = replace(found[4], version=2, state=State.TALKING)
    await put(store, talking)
    assert await store.callbacks.under_way() == [talking]


async def test_pages(store: SqlStore) -> None:
    found = [callback(f"cb_{n:04}", asked_at=T0 + n, due_at=T0 + n * HOUR, queue="sales") for n in range(4)]
    await put(store, *found)
    page = await store.callbacks.page(CallbackFilter(queues=("sales",)), limit=3)
    assert [each.id for each in page] == ["cb_0003", "cb_0002", "cb_0001"]
    rest = await store.callbacks.page(CallbackFilter(), after=page[-1].id)
    assert [each.id for each in rest] == ["cb_0000"]
    assert await store.callbacks.page(CallbackFilter(due_from=T0 + HOUR, due_to=T0 + 2 * HOUR)) == [found[1]]
    assert await store.callbacks.page(CallbackFilter(number=found[2].number, living=True)) == [found[2]]
    assert await store.callbacks.page(CallbackFilter(states=("reached",))) == []


async def test_they_are_found_by_agent_number_and_reference(store: SqlStore) -> None:
    tried = Attempt(T0, "us_ada", result=Result.BUSY, ended_at=T0 + 1)
    hostile = '"agent":"us_ada" %'
    rows = [
        callback("cb_0000aaaa1", number="+49301110001", attempts=(tried,)),
        callback("cb_0000aaaa2", number="+49301110002", only_agent="us_ada"),
        callback("cb_0000aaaa3", number="+49301110003", agent="us_ada1", note=hostile),
    ]
    await put(store, *rows)

    async def ids(where: CallbackFilter) -> set[str]:
        return {found.id for found in await store.callbacks.page(where)}

    assert await ids(CallbackFilter(agent="us_ada")) == {"cb_0000aaaa1", "cb_0000aaaa2"}
    # Whoever had it once is found by, too.
    after = replace(rows[1], only_agent=None, version=2)
    event = CallbackMoved("scheduled", after.contact)
    await store.log.append(Change(after.id, 1, (event,), T0, "test", callback=after))
    assert await ids(CallbackFilter(agent="us_ada")) == {"cb_0000aaaa1", "cb_0000aaaa2"}
    assert await ids(CallbackFilter(agent="us_ada", living=True, text="111 0002")) == {"cb_0000aaaa2"}
    first = (await store.callbacks.page(CallbackFilter(agent="us_ada"), limit=1))[0].id
    assert await store.callbacks.page(CallbackFilter(agent="us_ada"), after=first) != []
    assert await ids(CallbackFilter(agent="us%")) == await ids(CallbackFilter(text="%")) == set()
    assert await ids(CallbackFilter(text="030 111 0002")) == {"cb_0000aaaa2"}
    assert await ids(CallbackFilter(text="000AAAA3")) == {"cb_0000aaaa3"}
    assert len(await ids(CallbackFilter(text="+49 30 111"))) == 3


async def test_what_slots_have_to_bear(store: SqlStore) -> None:
    start = T0 // HOUR * HOUR
    due = [start, start + MINUTE, start + HOUR]
    rows = [callback(f"cb_{n:04}", due_at=at, next_at=at, slot=start if n == 0 else None) for n, at in enumerate(due)]
    await put(store, *rows)
    assert await store.callbacks.due_loads("support", start, start + 2 * HOUR, HOUR) == {start: 2, start + HOUR: 1}
    await put(store, over(rows[1]))
    assert await store.callbacks.due_loads("support", start, start + 2 * HOUR, HOUR) == {start: 1, start + HOUR: 1}
    assert await store.callbacks.due_loads("sales", start, start + 2 * HOUR, HOUR) == {}


async def test_what_was_asked_and_spent(store: SqlStore) -> None:
    talked = (Attempt(T0 + 5, "us_ada", 1, Result.REACHED, None, 60_000, 250, T0 + 9),)
    first = over(callback("cb_0001", attempts=talked))
    running = callback("cb_0002", state=State.RINGING, attempts=(Attempt(T0 + 9, "us_bob"),), address="192.0.2.2")
    await put(store, callback("cb_0001"))
    await put(store, first, running)
    asked = await store.callbacks.asked(T0, number=first.number, address="192.0.2.2", site="shop")
    assert (asked.number, asked.address, asked.site, asked.total) == (1, 1, 2, 2)
    assert (await store.callbacks.asked(T0 + 1, number=first.number, address="", site="")).total == 0
    assert (await store.callbacks.asked(T0, number="", address="", site="shop", most=1)).site == 1
    assert await store.callbacks.known("cb_0001", running.number) == (first, running, False)
    assert await store.callbacks.known("cb_0009", first.number) == (None, None, False)
    spent = await store.callbacks.spent(T0)
    assert (spent.talk_ms, spent.cost, spent.running) == (60_000, 250, 1)
    assert (await store.callbacks.spent(T0 + 6)).talk_ms == 0

    late = Attempt(T0 + 3 * HOUR, "us_ada", 1, Result.NO_ANSWER, 480, 0, 0, T0 + 4 * HOUR)
    await put(store, callback("cb_0003", attempts=(late, late), wished_at=T0 + HOUR))
    report = await store.callbacks.report(T0, T0 + 1, 15 * MINUTE)
    assert (report.asked, report.living, report.reached, report.cancelled) == (3, 2, 1, 0)
    assert (report.tried, report.attempts, report.on_time) == (3, 4, 2)
    assert report.delay_ms == pytest.approx((5 + 9 + 2 * HOUR) / 3)
    assert (await store.callbacks.report(T0, T0 + 1, 0, ["sales"])).asked == 0


async def test_numbers_that_are_never_called(store: SqlStore) -> None:
    entries = [DoNotCall(f"+4930{n:06}", T0, "import", "us_root") for n in range(1200)]
    assert await store.callbacks.block([*entries, entries[0]]) == 1200
    assert await store.callbacks.block([DoNotCall(entries[3].number, T0 + 1, "customer")]) == 0
    assert await store.callbacks.do_not_call(entries[3].number) == entries[3]
    page = await store.callbacks.blocked(limit=2)
    assert page == entries[:2]
    assert await store.callbacks.blocked(after=page[-1].number, limit=1) == [entries[2]]
    assert await store.callbacks.unblock(entries[3].number)
    assert not await store.callbacks.unblock(entries[3].number)
    assert await store.callbacks.do_not_call(entries[3].number) is None


async def test_breakers_and_callbacks_survive_a_backup(store: SqlStore, tmp_path: Path) -> None:
    spend = Breaker("spend", T0, "500 of 500", T0 - 1, "us_root")
    await store.callbacks.set_breaker(spend)
    await store.callbacks.set_breaker(replace(spend, open_at=None))
    await put(store, callback("cb_0001", attempts=(Attempt(T0, "us_ada"),)))
    await store.callbacks.block([DoNotCall("+49301234567", T0, "customer")])
    await store.backup(tmp_path / "hub.backup")
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    await restore_store(url, tmp_path / "hub.backup")
    restored = open_store(url)
    await restored.open()
    try:
        assert await restored.callbacks.breakers() == {"spend": replace(spend, open_at=None)}
        assert await restored.callbacks.get("cb_0001") == await store.callbacks.get("cb_0001")
        assert (await restored.callbacks.spent(T0)).running == 0
        assert await restored.callbacks.do_not_call("+49301234567") is not None
    finally:
        await restored.close()
