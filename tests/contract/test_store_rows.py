"""What is read beside the log: contacts, people, configuration, accounts, files, webhooks, cursors."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from hub import commands as c
from hub.errors import NotFound, Refused, VersionConflict
from hub.events import ConfigChanged
from hub.model import AuditEntry, Channel, Customer, Role, Scan, Scanned, Session, StoredFile, Token, User
from hub.ports import ContactFilter, Delivery, Scope
from hub.store import SqlStore
from tests.talk import T0, Talk

# --- contacts -------------------------------------------------------------------------------------------------------


async def test_messages_in_pages(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    for n in range(1, 8):
        await talk.say(f"{n}", by="note" if n == 4 else "visitor")
    contact = talk.contact.id

    async def texts(**where: Any) -> str:
        return "".join(message.text for message in await store.contacts.messages(contact, **where))

    assert await texts() == "1234567"
    assert await texts(internal=False) == "123567"
    assert await texts(limit=2) == "12"
    assert await texts(before_n=6, limit=2) == "45"
    assert await texts(before_n=6, limit=2, internal=False) == "35"
    all_of_them = await store.contacts.messages(contact)
    assert await texts(after_seq=all_of_them[4].seq) == "67"
    assert await store.contacts.message(all_of_them[0].id) == all_of_them[0]
    assert await store.contacts.message("ms_none") is None


async def test_last_messages_and_unread(store: SqlStore) -> None:
    first, second, silent = [await Talk(store.log).begin() for _ in range(3)]
    await first.say("one")
    await first.say("two")
    await first.say("a note", by="note")
    await second.say("three")
    ids = [talk.contact.id for talk in (first, second, silent)]
    last = await store.contacts.last_messages(ids)
    assert {id: message.text for id, message in last.items()} == {ids[0]: "two", ids[1]: "three"}
    assert await store.contacts.unread({ids[0]: 1, ids[1]: 0, ids[2]: 0}) == {ids[0]: 1, ids[1]: 1, ids[2]: 0}
    assert await store.contacts.last_messages([]) == {}


async def test_pages_of_contacts_by_filter(store: SqlStore) -> None:
    talks = [
        await Talk(store.log, now=T0 + n * 10_000).begin(
            queue="sales" if n % 2 else "support", channel=Channel.EMAIL if n == 5 else Channel.CHAT, visitor=f"vi_{n}"
        )
        for n in range(6)
    ]
    await talks[0].accept("us_1")
    await talks[2].accept("us_2")
    await talks[3].end()
    id = [talk.contact.id for talk in talks]

    async def found(**where: Any) -> list[int]:
        return [id.index(row.contact.id) for row in await store.contacts.page(ContactFilter(**where))]

    assert await found() == [5, 4, 3, 2, 1, 0]
    assert await found(queues=("sales",)) == [5, 3, 1]
    assert await found(queues=("sales", "support"), open=True) == [5, 4, 2, 1, 0]
    assert await found(open=False) == [3]
    assert await found(phases=("queued",), channels=("chat",)) == [4, 1]
    assert await found(agents=("us_1", "us_2")) == [2, 0]
    assert await found(visitor="vi_4") == [4]
    assert await found(customer=talks[1].contact.customer) == [1]
    assert await found(site="other") == []
    created = talks[2].contact.created_at
    assert await found(created_from=created, created_to=created + 20_000) == [3, 2]

    first = await store.contacts.page(ContactFilter(), limit=4)
    rest = await store.contacts.page(ContactFilter(), after=first[-1].contact.id, limit=4)
    assert [id.index(row.contact.id) for row in first + rest] == [5, 4, 3, 2, 1, 0]
    assert await store.contacts.page(ContactFilter(), after="ct_none") == []


async def test_what_an_agent_may_see(store: SqlStore) -> None:
    shared = Customer("cu_shared", created_at=T0)
    mine = await Talk(store.log).begin(customer=shared)
    earlier = await Talk(store.log).begin(customer=shared, queue="other")
    await earlier.end()
    waiting = await Talk(store.log).begin(queue="sales")
    elsewhere = await Talk(store.log).begin(queue="other")
    was_mine = await Talk(store.log).begin(queue="other")
    await was_mine.accept("us_1")
    await was_mine.do(c.Transfer("us_1", "other", {}))
    await was_mine.accept("us_2")
    of_another = await Talk(store.log).begin(queue="sales")
    await of_another.accept("us_2")

    async def seen() -> set[str]:
        where = ContactFilter(scope=Scope("us_1", ("sales",)))
        return {row.contact.id for row in await store.contacts.page(where)}

    assert await seen() == {waiting.contact.id, was_mine.contact.id}
    await mine.accept("us_1")
    assert await seen() == {talk.contact.id for talk in (mine, earlier, waiting, was_mine)}
    await mine.end()
    assert await seen() == {talk.contact.id for talk in (mine, waiting, was_mine)}
    handled = await store.contacts.page(ContactFilter(handled_by=("us_2",)))
    assert {row.contact.id for row in handled} == {was_mine.contact.id, of_another.contact.id}
    assert elsewhere.contact.id not in await seen()


async def test_the_living_are_streamed(store: SqlStore) -> None:
    talks = await asyncio.gather(*(Talk(store.log).begin() for _ in range(520)))
    await talks[0].end()
    living = {row.contact.id async for row in store.contacts.living()}
    assert living == {talk.contact.id for talk in talks[1:]}


async def test_queue_figures(store: SqlStore) -> None:
    answered, abandoned, waiting = [await Talk(store.log).begin() for _ in range(3)]
    await answered.accept()
    await answered.end()
    await abandoned.end()
    assert await store.contacts.queue_stats(T0) == {"support": {"offered": 3, "answered": 1, "abandoned": 1}}
    assert await store.contacts.queue_stats(waiting.now + 1) == {}
    # Talk's clock advances a second with each step: queued, accepted, ended, closed.
    assert set(await store.contacts.handle_times(T0)) == {
        ("support", "chat", 1000, None, True),
        ("support", "chat", 1000, 2000, False),
    }
    assert await store.contacts.handle_times(answered.now + 1) == []
    assert len(await store.contacts.handle_times(T0, limit=1)) == 1


# --- people ---------------------------------------------------------------------------------------------------------


async def test_customers_and_identities(store: SqlStore) -> None:
    anna = Customer("cu_anna", "Anna", "anna@example.com", created_at=T0)
    bert = Customer("cu_bert", "Bert", created_at=T0 + 1)
    await Talk(store.log).begin(customer=anna, visitor="vi_a")
    await Talk(store.log).begin(customer=bert, visitor="vi_b")
    people = store.people
    assert await people.customer("cu_anna") == anna
    assert await people.customers(["cu_anna", "cu_none"]) == {"cu_anna": anna}
    assert await people.list_customers() == [bert, anna]
    assert await people.list_customers(after="cu_bert") == [anna]
    assert await people.list_customers(limit=1) == [bert]
    # An address that somebody typed is no identity before it is verified.
    assert await people.by_identity("email", "anna@example.com") is None
    await people.add_identity("cu_anna", "email", "anna@example.com")
    await people.add_identity("cu_anna", "email", "anna@example.com")
    assert await people.by_identity("email", "anna@example.com") == anna
    with pytest.raises(Refused) as taken:
        await people.add_identity("cu_bert", "email", "anna@example.com")
    assert taken.value.code == "identity.taken"
    assert await people.by_identity("visitor", "vi_b") == bert


async def test_a_visitor_is_bound_and_released(store: SqlStore) -> None:
    anna, guest = Customer("cu_anna", created_at=T0), Customer("cu_guest", created_at=T0)
    await Talk(store.log).begin(customer=anna)
    await Talk(store.log).begin(customer=guest, visitor="vi_1")
    await store.people.bind_visitor("vi_1", "cu_anna")
    visitor = await store.people.visitor("vi_1")
    assert visitor is not None
    assert visitor.customer == "cu_anna"
    assert await store.people.by_identity("visitor", "vi_1") == anna
    await store.people.forget_visitor_binding("vi_1")
    assert await store.people.by_identity("visitor", "vi_1") == guest
    assert await store.people.visitor("vi_none") is None
    with pytest.raises(NotFound):
        await store.people.bind_visitor("vi_none", "cu_anna")
    with pytest.raises(Refused):
        await store.people.bind_visitor("vi_1", "cu_none")


async def test_a_nonce_is_good_once(store: SqlStore) -> None:
    used = store.people.nonce_used
    assert [await used("demo", "n1", T0 + 100, T0), await used("demo", "n1", T0 + 100, T0)] == [False, True]
    assert not await used("other", "n1", T0 + 100, T0)
    assert sorted(await asyncio.gather(*(used("demo", "n2", T0 + 100, T0) for _ in range(5)))) == [False] + [True] * 4
    # Past its time it is forgotten: the signature is refused by then.
    assert not await used("demo", "n1", T0 + 300, T0 + 200)


# --- configuration --------------------------------------------------------------------------------------------------


async def test_config_rows_have_versions_and_an_audit_trail(store: SqlStore) -> None:
    configs = store.configs
    created = await configs.put("queue", "support", {"name": "Support"}, version=None, actor="us_1", at=T0)
    assert created.version == 1
    updated = await configs.put("queue", "support", {"name": "Help"}, version=1, actor="us_2", at=T0 + 1)
    assert (updated.version, updated.updated_at) == (2, T0 + 1)
    assert await configs.get("queue", "support") == updated
    assert await configs.rows("queue") == [updated]
    assert await configs.rows("skill") == []
    with pytest.raises(VersionConflict) as conflict:
        await configs.put("queue", "support", {"name": "Mine"}, version=1, actor="us_1", at=T0)
    assert (conflict.value.code, conflict.value.details) == ("queue.conflict", {"version": 2})
    with pytest.raises(Refused) as exists:
        await configs.put("queue", "support", {"name": "Mine"}, version=None, actor="us_1", at=T0)
    assert exists.value.code == "queue.exists"
    with pytest.raises(NotFound):
        await configs.put("queue", "none", {"name": "Mine"}, version=1, actor="us_1", at=T0)
    with pytest.raises(VersionConflict):
        await configs.delete("queue", "support", version=1, actor="us_1", at=T0)
    await configs.delete("queue", "support", version=2, actor="us_1", at=T0 + 2)
    with pytest.raises(NotFound):
        await configs.delete("queue", "support", version=2, actor="us_1", at=T0)
    assert await configs.get("queue", "support") is None

    trail = [(e.actor, e.action, e.before, e.after) for e in await configs.audit_log(kind="queue", row="support")]
    assert trail == [
        ("us_1", "delete", {"name": "Help"}, None),
        ("us_2", "update", {"name": "Support"}, {"name": "Help"}),
        ("us_1", "create", None, {"name": "Support"}),
    ]
    events = [recorded.event for recorded in await store.log.read(0)]
    assert events == [
        ConfigChanged("queue", "support", action, by)
        for action, by in (("create", "us_1"), ("update", "us_2"), ("delete", "us_1"))
    ]


async def test_of_two_editors_one_is_told(store: SqlStore) -> None:
    await store.configs.put("queue", "support", {"name": "0"}, version=None, actor="us_1", at=T0)
    edits = [
        store.configs.put("queue", "support", {"name": f"{n}"}, version=1, actor="us_1", at=T0) for n in range(1, 5)
    ]
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 3
    assert len(await store.configs.audit_log()) == 2


async def test_the_audit_log_shows_no_secret(store: SqlStore) -> None:
    site = {"name": "Demo", "identity_secret": "very secret"}
    await store.configs.put("site", "demo", site, version=None, actor="us_1", at=T0)
    user = User("us_9", "nine", "Nine", Role.AGENT, password_hash="$argon2id$hash")
    await store.accounts.put_user(user, version=None, actor="us_1", at=T0)
    shown = repr(await store.configs.audit_log())
    assert "very secret" not in shown
    assert "argon2id" not in shown
    row = await store.configs.get("site", "demo")
    assert row is not None
    assert row.data == site


async def test_audit_entries_in_pages(store: SqlStore) -> None:
    for n in range(5):
        await store.configs.audit(AuditEntry(0, T0 + n, "us_1", "sign_in", "user", f"us_{n}", None, {"n": n}))
    newest = await store.configs.audit_log(limit=2)
    assert [entry.row for entry in newest] == ["us_4", "us_3"]
    assert [entry.row for entry in await store.configs.audit_log(before=newest[-1].id)] == ["us_2", "us_1", "us_0"]
    assert await store.configs.audit_log(kind="queue") == []


# --- accounts -------------------------------------------------------------------------------------------------------


def session(id: str, user: str = "us_1", seen_at: int = T0, **fields: Any) -> Session:
    return Session(id, user, f"hash-{id}", "csrf", T0, seen_at, T0, **fields)


async def test_users(store: SqlStore) -> None:
    accounts = store.accounts
    user = User("us_1", "Admin", "Ada", Role.ADMINISTRATOR, skills={"sales": 3})
    created = await accounts.put_user(user, version=None, actor="us_0", at=T0)
    assert created.version == 1
    assert await accounts.user_by_name("aDMIN") == created == await accounts.user("us_1")
    changed = await accounts.put_user(replace(created, name="Ada L."), version=1, actor="us_0", at=T0)
    assert await accounts.users() == [changed]
    with pytest.raises(VersionConflict):
        await accounts.put_user(created, version=1, actor="us_0", at=T0)
    with pytest.raises(Refused) as exists:
        await accounts.put_user(User("us_2", "ADMIN", "Eve", Role.AGENT), version=None, actor="us_0", at=T0)
    assert exists.value.code == "user.exists"
    assert [entry.action for entry in await store.configs.audit_log(kind="user")] == ["update", "create"]


async def test_sessions(store: SqlStore) -> None:
    accounts = store.accounts
    for name in ("us_1", "us_2"):
        await accounts.put_user(User(name, name, name, Role.AGENT), version=None, actor="us_0", at=T0)
    first, second, other = session("se_1"), session("se_2"), session("se_3", "us_2")
    for each in (first, second, other):
        await accounts.put_session(each)
    assert await accounts.session("hash-se_1") == first == await accounts.session_by_id("se_1")
    rotated = replace(first, secret_hash="new", previous_hash="hash-se_1", seen_at=T0 + 5)
    assert await accounts.update_session(rotated)
    assert await accounts.session("new") == rotated == await accounts.session("hash-se_1")
    assert await accounts.delete_sessions_of("us_1", keep="se_1") == ["se_2"]
    assert not await accounts.update_session(second)
    assert await accounts.session("hash-se_2") is None
    assert await accounts.delete_sessions_before(seen_before=T0 + 1, created_before=T0) == 1
    assert await accounts.session_by_id("se_3") is None
    assert await accounts.delete_sessions_before(seen_before=0, created_before=T0 + 1) == 1
    await accounts.delete_session("se_none")
    with pytest.raises(Refused):
        await accounts.put_session(session("se_4", "us_none"))


async def test_tokens(store: SqlStore) -> None:
    accounts = store.accounts
    await accounts.put_user(User("us_1", "a", "a", Role.AGENT), version=None, actor="us_0", at=T0)
    token = Token("to_1", "us_1", "script", "hash", T0)
    await accounts.put_token(token)
    assert await accounts.token("hash") == token
    await accounts.token_used("to_1", T0 + 9)
    assert await accounts.tokens() == [replace(token, used_at=T0 + 9)]
    assert [await accounts.delete_token("to_1"), await accounts.delete_token("to_1")] == [True, False]
    assert await accounts.token("hash") is None
    await accounts.token_used("to_1", T0)


# --- files, webhooks, cursors ---------------------------------------------------------------------------------------


async def test_file_rows(store: SqlStore) -> None:
    file = StoredFile("fi_1", "ct_1", "vi_1", "中文.png", 1000, "image/png", "ab" * 32, T0, 10, 20, True)
    await store.files.put(file)
    await store.files.put(replace(file, id="fi_2", size=5, created_at=T0 + 10))
    assert await store.files.get("fi_1") == file
    assert await store.files.get("fi_none") is None
    assert await store.files.bytes_since("vi_1", T0) == 1005
    assert await store.files.bytes_since("vi_1", T0 + 1) == 5
    assert await store.files.bytes_since("vi_none", 0) == 0
    for id in ("fi_1", "fi_none"):
        await store.files.set_scan(id, Scanned(Scan.INFECTED, "Eicar"))
    assert await store.files.get("fi_1") == replace(file, scan=Scan.INFECTED, threat="Eicar")
    assert await store.files.get("fi_none") is None


def delivery(id: str, seq: int, contact: str | None = "ct_1", webhook: str = "wh_1", at: int = T0) -> Delivery:
    return Delivery(id, webhook, seq, contact, "message.added", "{}", at)


async def test_deliveries_keep_the_order_of_a_contact(store: SqlStore) -> None:
    webhooks = store.webhooks
    one, two = delivery("de_1", 1), delivery("de_2", 2)
    elsewhere, to_another = delivery("de_3", 3, "ct_2"), delivery("de_4", 1, webhook="wh_2")
    about_none = delivery("de_5", 4, None)
    everything = [one, two, elsewhere, to_another, about_none]
    await webhooks.enqueue(everything, reader="webhooks", cursor=4)
    await webhooks.enqueue([one], reader="webhooks", cursor=4)
    assert await store.cursor("webhooks") == 4

    async def due(now: int = T0) -> list[str]:
        return sorted(each.id for each in await webhooks.due(now))

    assert await due() == ["de_1", "de_3", "de_4", "de_5"]
    assert await due(T0 - 1) == []
    assert len(await webhooks.due(T0, limit=2)) == 2
    # It failed and waits: what is behind it waits too, and is not what the clock is set by.
    await webhooks.update(replace(one, attempts=1, next_at=T0 + 60_000, status=500))
    for each in (elsewhere, to_another, about_none):
        await webhooks.update(replace(each, state="delivered", delivered_at=T0))
    assert await due() == []
    assert await webhooks.next_due() == T0 + 60_000
    assert await due(T0 + 60_000) == ["de_1"]
    await webhooks.update(replace(one, state="failed"))
    assert await due() == ["de_2"]
    await webhooks.update(replace(two, state="delivered"))
    assert await webhooks.next_due() is None
    assert await webhooks.get("de_1") == replace(one, state="failed")
    assert await webhooks.get("de_none") is None


async def test_deliveries_that_are_over_go_after_a_time(store: SqlStore) -> None:
    waiting, *over = (delivery(f"de_{n}", n, f"ct_{n}") for n in range(4))
    await store.webhooks.enqueue([waiting, *over], reader="w", cursor=4)
    for each in over:
        await store.webhooks.update(replace(each, state="delivered", delivered_at=T0))
    assert await store.webhooks.prune(T0) == 0
    assert await store.webhooks.prune(T0 + 1, limit=2) == 2
    assert await store.webhooks.prune(T0 + 1, limit=2) == 1
    assert [each.id for each in await store.webhooks.page("wh_1")] == [waiting.id]


async def test_deliveries_in_pages(store: SqlStore) -> None:
    await store.webhooks.enqueue([delivery(f"de_{n}", n) for n in range(5)], reader="w", cursor=5)
    first = await store.webhooks.page("wh_1", limit=3)
    rest = await store.webhooks.page("wh_1", after=first[-1].id, limit=3)
    assert [each.seq for each in first + rest] == [4, 3, 2, 1, 0]
    assert await store.webhooks.page("wh_2") == []


async def test_cursors(store: SqlStore) -> None:
    assert await store.cursor("reports") == 0
    await store.set_cursor("reports", 7)
    await store.set_cursor("reports", 9)
    assert await store.cursor("reports") == 9
