"""Full-text search, the same on both databases."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub import commands as c
from hub.events import CustomerChanged
from hub.model import Channel, Customer
from hub.ports import Change, ContactFilter, Scope, SearchHit
from hub.store import SqlStore
from hub.store.words import parse
from tests.talk import T0, Talk


@pytest.fixture
async def talks(store: SqlStore) -> dict[str, Talk]:
    """Conversations by what they are about, oldest first."""
    maria = Customer("cu_m", "María Müller-Østergård", "maria.m@example.com", "+49301234567", created_at=T0)
    li = Customer("cu_l", "李小龙", "li@example.cn", created_at=T0)
    jacket = await Talk(store.log, now=T0).begin("Return of order AB-1234", customer=maria)
    await jacket.say("Hello, the blue jacket is too small.")
    await jacket.say("Refund please, straße 5")
    chinese = await Talk(store.log, now=T0 + 60_000).begin("退货问题", customer=li, queue="sales")
    await chinese.say("你好,我想退货,衣服太小了。")
    await chinese.say("customer prefers Chinese, 客户很急", by="note")
    form = await Talk(store.log, now=T0 + 120_000).begin(
        customer=replace(maria, id="cu_x", name="Max", email="", phone=""), fields={"order": "ZX-99"}
    )
    await form.say("日本語のテスト ｶﾀｶﾅ")
    return {"jacket": jacket, "chinese": chinese, "form": form}


async def found(store: SqlStore, talks: dict[str, Talk], query: str, **where: Any) -> list[str]:
    hits = await store.contacts.search(query, ContactFilter(**where))
    names = {talk.contact.id: name for name, talk in talks.items()}
    return [names[hit.contact.contact.id] for hit in hits]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("jacket", ["jacket"]),
        ("JACK", ["jacket"]),  # the last word is a beginning
        ("small blue", ["jacket"]),
        ("blue refund", []),  # all words, in one message
        ("acket", []),
        ("STRASSE", ["jacket"]),
        ("muller", ["jacket"]),
        ("MÜLLER østergard", ["jacket"]),
        ("maria.m@example.com", ["jacket"]),
        ("example", ["chinese", "jacket"]),  # newest first
        ("+49 30 1234567", ["jacket"]),
        ("030/1234567", ["jacket"]),
        ("1234567", ["jacket"]),
        ("AB-1234", ["jacket"]),
        ("zx-99", ["form"]),
        ("退货", ["chinese"]),
        ("货", ["chinese"]),
        ("衣服太小", ["chinese"]),
        ("服衣", []),
        ("客户", ["chinese"]),
        ("李小龙", ["chinese"]),
        ("你 小", ["chinese"]),
        ("カタカナ", ["form"]),
        ("テスト", ["form"]),
        ("", []),
        ('"" * -- :;', []),
    ],
)
async def test_finds(store: SqlStore, talks: dict[str, Talk], query: str, expected: list[str]) -> None:
    assert await found(store, talks, query) == expected


async def test_within_a_filter_and_in_pages(store: SqlStore, talks: dict[str, Talk]) -> None:
    assert await found(store, talks, "example", queues=("sales",)) == ["chinese"]
    assert await found(store, talks, "example", channels=(Channel.EMAIL,)) == []
    assert await found(store, talks, "example", scope=Scope("us_1", ("support",))) == ["jacket"]
    first = await store.contacts.search("example", ContactFilter(), limit=1)
    rest = await store.contacts.search("example", ContactFilter(), before=first[0].contact.contact.id)
    assert [hit.contact.contact.id for hit in first + rest] == [
        talks["chinese"].contact.id,
        talks["jacket"].contact.id,
    ]


async def test_shows_where_it_was_found(store: SqlStore, talks: dict[str, Talk]) -> None:
    async def only(query: str) -> SearchHit:
        (hit,) = await store.contacts.search(query, ContactFilter())
        return hit

    jacket = await only("jack")
    assert jacket.n == 1
    assert jacket.snippet == (("Hello, the blue ", False), ("jacket", True), (" is too small.", False))
    assert (await only("退货")).snippet[:2] == (("你好,我想", False), ("退货", True))
    own = await only("muller")
    assert own.n is None
    assert ("Müller", True) in own.snippet
    # A subject is found too, and of several messages the newest is shown.
    assert (await only("order")).snippet == (("Return of ", False), ("order", True), (" AB-1234", False))
    await talks["jacket"].say("Another jacket")
    assert (await only("jacket")).n == 3


async def test_follows_what_changes(store: SqlStore, talks: dict[str, Talk]) -> None:
    talk = talks["jacket"]
    await talk.do(c.Edit("us_1", subject="Exchange"))
    assert await found(store, talks, "exchange") == ["jacket"]
    assert await found(store, talks, "order of") == []
    customer = await store.people.customer("cu_m")
    assert customer is not None
    renamed = replace(customer, name="Marlene Dietrich", phone="", version=1)
    event = CustomerChanged(by="us_1", fields=("name", "phone"))
    await store.log.append(Change("cu_m", 0, (event,), T0, "us_1", customer=renamed))
    assert await found(store, talks, "dietrich") == ["jacket"]
    assert await found(store, talks, "muller") == []
    assert [each.id for each in await store.people.list_customers(query="marlene diet")] == ["cu_m"]
    assert await store.people.list_customers(query="***") == []


async def test_a_long_text_is_found_by_its_beginning(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    await talk.say("needle " + " ".join(f"{n:x}{'Ωω' * 30}" for n in range(20_000)))
    assert len(await store.contacts.search("needle", ContactFilter())) == 1
    await talk.say("w" * 60_000 + " tail")
    assert len(await store.contacts.search("w" * 70, ContactFilter())) == 1
    assert len(await store.contacts.search("tail", ContactFilter())) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(query=st.text(max_size=40) | st.text("\"'*:()&|!<->\\^-+ NEAROTD%_\u4e2d\u6587a1", max_size=30))
def test_any_query_is_answered(query: str) -> None:
    """No text is a syntax error; see the next test for the same on the databases."""
    parse(query)


HOSTILE = [
    '"', "'", "\\", "a\\", "a'b", 'a"b', "a* OR b", "NEAR(a b)", "words:a", "^a", "a - b", "(", ")", "a & | !b",
    "a <-> b", ":*", "a:*", "'a':b", "%", "_", "a\0b", "\udc80x", "🙂", "½ ㈱ ﷺ ²", "a" * 5000, "中" * 3000,
    "1 " * 3000,
    "\u202eevil", "İi̇ß", "¼⅓", "ﬁne ﬀ", "e\u0301", "가나다", "ไทย",
]  # fmt: skip


async def test_no_query_is_an_error(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    for query in HOSTILE:
        storable = query.replace("\0", "").encode("utf-8", "ignore").decode()
        if storable:
            await talk.say(storable)
    for query in HOSTILE:
        await store.contacts.search(query, ContactFilter())
        await store.people.list_customers(query=query)


async def test_what_was_written_is_found(store: SqlStore) -> None:
    """Each word of each script, searched as it was written, finds its message."""
    european = ["½ cup", "²squared", "ﬁne", "cafe\u0301", "İstanbul", "Ελλάδα", "Москва"]
    texts = [*european, "שלום", "हिन्दी", "가나다", "ไทย", "ｆｕｌｌ"]
    for text in texts:
        talk = await Talk(store.log).begin()
        await talk.say(text)
        hits = await store.contacts.search(text, ContactFilter())
        assert [hit.contact.contact.id for hit in hits] == [talk.contact.id], text
        assert any(hit for _, hit in hits[0].snippet), text
