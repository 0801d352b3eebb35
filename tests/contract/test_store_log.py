"""The log: versions, idempotency, order, group commit."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from hub import commands as c
from hub.errors import HubError, InvalidInput, Refused, VersionConflict
from hub.events import ContactCreated, ContactEdited, MessageAdded, PresenceChanged, Recorded
from hub.machine import apply
from hub.model import Channel, Contact, Presence, PresenceState
from hub.ports import Change
from hub.store import SqlStore, open_store
from tests.talk import T0, Talk


async def test_appends_and_reads_back(store: SqlStore) -> None:
    talk = await Talk(store.log).begin("A question")
    said = await talk.say("Hello")
    events = await store.log.read(0)
    assert [recorded.seq for recorded in events] == [1, 2, 3]
    assert [recorded.version for recorded in events] == [1, 2, 3]
    assert isinstance(events[0].event, ContactCreated)
    assert isinstance(events[2].event, MessageAdded)
    assert events[2].event.message == said.id
    assert await store.log.head() == 3
    assert await store.log.read(1, limit=1) == events[1:2]
    assert await store.log.stream(talk.contact.id, after_version=2) == events[2:]
    row = await store.contacts.get(talk.contact.id)
    assert row is not None
    assert (row.contact, row.seq) == (talk.contact, 3)
    (message,) = await store.contacts.messages(talk.contact.id)
    assert message == replace(said, seq=3)


async def test_a_moved_stream_refuses(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    stale = Talk(store.log, talk.contact)
    await talk.say("first")
    with pytest.raises(VersionConflict) as refused:
        await stale.say("too late")
    assert refused.value.details == {"version": 3}
    assert await store.log.head() == 3
    assert [message.text for message in await store.contacts.messages(talk.contact.id)] == ["first"]


async def test_of_many_that_decide_at_once_one_wins(store: SqlStore) -> None:
    """Accept, abandon and decline on the same version, in the same group."""
    talk = await Talk(store.log).begin()
    await talk.do(c.MakeOffer("us_1", 1, talk.now + 60_000, 1))
    rivals: list[c.ContactCommand] = [c.Accept("us_1", 1), c.End("visitor", "left", 0), c.Decline("us_1", 1, 1000)]
    outcomes = await asyncio.gather(
        *(Talk(store.log, talk.contact, talk.now).do(command) for command in rivals), return_exceptions=True
    )
    assert len([outcome for outcome in outcomes if not isinstance(outcome, Exception)]) == 1
    assert len([outcome for outcome in outcomes if isinstance(outcome, VersionConflict)]) == 2
    events = await store.log.stream(talk.contact.id)
    row = await store.contacts.get(talk.contact.id)
    assert row is not None
    assert row.contact.version == len(events)


async def test_the_second_of_a_group_sees_the_first(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    first = talk.change(c.Edit("us_1", subject="one"))
    talk.contact = apply_change(first)
    second = talk.change(c.Edit("us_1", subject="two"))
    await asyncio.gather(store.log.append(first), store.log.append(second))
    row = await store.contacts.get(talk.contact.id)
    assert row is not None
    assert (row.contact.subject, row.contact.version, row.seq) == ("two", 4, 4)


def apply_change(change: Change) -> Contact:
    assert change.contact is not None
    return change.contact


async def test_a_repeated_command_returns_what_it_did_first(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    message = await talk.say("once", command="c-1")
    first = await store.log.find(talk.contact.id, "vi_1", "c-1")
    assert first is not None
    assert first.repeated
    await talk.say("something else")
    for known in (talk.contact, Contact(talk.contact.id)):  # whatever version the repeater believes in
        again = Change(
            stream=talk.contact.id,
            expected_version=known.version,
            events=(MessageAdded(message="ms_other", n=9, author_kind="visitor", kind="text"),),
            at=T0,
            actor="vi_1",
            command_id="c-1",
            contact=replace(known, version=known.version + 1),
            messages=(replace(message, id="ms_other", n=9),),
        )
        repeated = await store.log.append(again)
        assert repeated == first
    assert len(await store.contacts.messages(talk.contact.id)) == 2
    assert await store.log.find(talk.contact.id, "us_1", "c-1") is None
    # The same id of another actor is another command.
    talk.contact = (await store.contacts.many([talk.contact.id]))[talk.contact.id].contact
    other = talk.change(c.Edit("us_1", subject="x"), command="c-1", actor="us_1")
    assert not (await store.log.append(other)).repeated


async def test_a_command_is_carried_out_once_by_many_at_once(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    change = talk.change(c.Edit("us_1", subject="x"), command="same")
    outcomes = await asyncio.gather(*(store.log.append(change) for _ in range(20)))
    assert sum(not outcome.repeated for outcome in outcomes) == 1
    assert {outcome.events for outcome in outcomes} == {outcomes[0].events}
    assert await store.log.head() == 3


async def test_a_command_of_several_events_comes_back_whole(store: SqlStore) -> None:
    talk = Talk(store.log)
    change = talk.change(c.Create(Channel.CHAT, "demo", "cu_1"), c.Enqueue("support", {}), command="start")
    first = await store.log.append(change)
    assert len(first.events) == 2
    again = await store.log.append(change)
    assert again.repeated
    assert again.events == first.events


async def test_listeners_get_each_commit_in_order_before_the_answer(store: SqlStore) -> None:
    heard: list[Recorded] = []
    store.log.on_commit(heard.extend)

    async def talk() -> None:
        conversation = await Talk(store.log).begin()
        for _ in range(10):
            message = await conversation.say()
            assert any(isinstance(r.event, MessageAdded) and r.event.message == message.id for r in heard)

    await asyncio.gather(*(talk() for _ in range(20)))
    assert [recorded.seq for recorded in heard] == list(range(1, 20 * 12 + 1))
    assert heard == await store.log.read(0, limit=1000)


async def test_readers_see_no_gap_and_no_lower_number_later(store: SqlStore) -> None:
    """50 writers, and readers that poll meanwhile: whatever a reader has seen is final."""
    writing = True
    seen: list[list[int]] = [[] for _ in range(3)]

    async def read(numbers: list[int]) -> None:
        while writing or len(numbers) < await store.log.head():
            batch = await store.log.read(numbers[-1] if numbers else 0, limit=100)
            numbers += [recorded.seq for recorded in batch]
            await asyncio.sleep(0)

    async def write() -> None:
        talk = await Talk(store.log).begin()
        for _ in range(10):
            await talk.say()

    readers = [asyncio.create_task(read(numbers)) for numbers in seen]
    await asyncio.gather(*(write() for _ in range(50)))
    writing = False
    await asyncio.gather(*readers)
    for numbers in seen:
        assert numbers == list(range(1, 50 * 12 + 1))


async def test_two_processes_share_one_log(store: SqlStore, url: str) -> None:
    """Two stores on one database (two nodes, or the command line beside the server)."""
    other = open_store(url)
    await other.open()
    try:

        async def write(log: SqlStore) -> None:
            talk = await Talk(log.log).begin()
            for _ in range(10):
                await talk.say()

        await asyncio.gather(*(write(each) for each in (store, other) for _ in range(5)))
    finally:
        await other.close()
    events = await store.log.read(0, limit=1000)
    assert [recorded.seq for recorded in events] == list(range(1, 121))


async def test_folding_the_log_gives_the_rows(store: SqlStore) -> None:
    async def live(n: int) -> None:
        talk = await Talk(store.log).begin(f"Subject {n}")
        await talk.say("hi")
        if n % 2:
            await talk.accept()
            await talk.say("hello", by="agent")
            await talk.do(c.Mark("visitor", delivered=2, read=1))
        if n % 3:
            await talk.end()

    await asyncio.gather(*(live(n) for n in range(12)))
    folded: dict[str, Contact] = {}
    last: dict[str, int] = {}
    for recorded in await store.log.read(0, limit=1000):
        contact = folded.get(recorded.stream, Contact(recorded.stream))
        folded[recorded.stream] = apply(contact, [recorded.event], recorded.at)  # type: ignore[list-item]
        last[recorded.stream] = recorded.seq
    rows = await store.contacts.many(list(folded))
    assert {id: row.contact for id, row in rows.items()} == folded
    assert {id: row.seq for id, row in rows.items()} == last


async def test_one_that_breaks_a_rule_spoils_nobody_elses(store: SqlStore) -> None:
    """A message id that exists, among good appends and other writes in one group."""
    talk = await Talk(store.log).begin()
    message = await talk.say("mine")
    thief = await Talk(store.log).begin()
    stolen = thief.change(
        c.Say(message.id, "visitor", "text"), messages=(replace(message, contact=thief.contact.id, n=1),)
    )
    good = [await Talk(store.log).begin() for _ in range(5)]
    before = await store.log.head()
    outcomes = await asyncio.gather(
        *(each.say("fine") for each in good[:3]),
        store.log.append(stolen),
        store.set_cursor("reader", 7),
        *(each.say("fine") for each in good[3:]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [Refused]
    assert await store.log.head() == before + 5
    assert await store.cursor("reader") == 7
    assert [r.seq for r in await store.log.read(before)] == list(range(before + 1, before + 6))
    assert (await store.contacts.messages(thief.contact.id)) == []


@pytest.mark.parametrize("text", ["a\0b", "\0", "half \ud83d", "\udc00"])
async def test_text_that_cannot_be_stored_is_refused_alike(store: SqlStore, text: str) -> None:
    talk = await Talk(store.log).begin()
    attempts = [
        talk.say(text),
        talk.do(c.Edit("us_1", subject=text)),
        talk.do(c.Edit("us_1", subject="x"), command=text),
        store.configs.put("skill", "x", {"name": text}, version=None, actor="us_1", at=T0),
        store.people.nonce_used("demo", text, T0, T0),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidInput):
            await attempt
    assert await store.log.head() == 2


async def test_text_of_all_kinds_survives(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    texts = [
        "\\u0000 is only six characters",
        "'; DROP TABLE events; --",
        "👩‍👩‍👧 שלום 你好 \u202e",
        "\x01\x1f",
        "%_\\",
    ]
    for text in texts:
        await talk.say(text)
    assert [message.text for message in await store.contacts.messages(talk.contact.id)] == texts


async def test_a_change_must_hold_together(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    change = talk.change(c.Edit("us_1", subject="x"))
    assert change.contact is not None
    with pytest.raises(ValueError, match="version"):
        await store.log.append(replace(change, contact=replace(change.contact, version=9)))
    with pytest.raises(ValueError, match="messages"):
        await store.log.append(
            replace(change, events=(MessageAdded(message="ms_x", n=1, author_kind="visitor", kind="text"),))
        )


async def test_streams_that_are_no_contacts(store: SqlStore) -> None:
    """An agent's presence: the row follows from the event in the same step."""
    presence = Presence("us_1", PresenceState.AWAY, "lunch", T0, 1)
    change = Change(
        stream="us_1",
        expected_version=0,
        events=(PresenceChanged(PresenceState.AWAY, 1, "lunch", "us_1"),),
        at=T0,
        actor="us_1",
        presence=presence,
    )
    await store.log.append(change)
    assert await store.people.presences() == {"us_1": presence}
    with pytest.raises(VersionConflict):
        await store.log.append(change)


async def test_writes_that_wait_are_written_at_close(url: str) -> None:
    first = open_store(url)
    await first.open()
    talks = [Talk(first.log) for _ in range(30)]
    writing = [asyncio.create_task(talk.begin()) for talk in talks]
    await asyncio.sleep(0)
    await first.close()
    await asyncio.gather(*writing)
    with pytest.raises(HubError) as refused:
        await talks[0].say()
    assert refused.value.code == "server.stopping"
    second = open_store(url)
    await second.open()
    assert await second.log.head() == 60
    await second.close()


async def test_who_gave_up_waiting_stops_nobody(store: SqlStore) -> None:
    talks = [await Talk(store.log).begin() for _ in range(10)]
    writing = [asyncio.create_task(talk.say(f"{n}")) for n, talk in enumerate(talks)]
    await asyncio.sleep(0)
    for task in writing[::2]:
        task.cancel()
    outcomes: Sequence[object] = await asyncio.gather(*writing, return_exceptions=True)
    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [True, False] * 5
    await talks[1].say("again")


async def test_the_subject_changes_under_the_log(store: SqlStore) -> None:
    talk = await Talk(store.log).begin("one")
    await talk.do(c.Edit("us_1", subject="two", tags=("a",)))
    (edited,) = await store.log.read(2)
    assert edited.event == ContactEdited(by="us_1", subject="two", tags=("a",))
