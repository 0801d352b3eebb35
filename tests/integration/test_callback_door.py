"""Callbacks asked for in the widget, over real sockets: the form's fences, what only its customer sees, the mails."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from channels.callback import door
from channels.callback.door import TRIED
from channels.callback.keys import code_of, make_token
from channels.callback.texts import PER_CALLBACK
from channels.email import puzzle
from channels.voice.sip.transport import Listen
from hub.callbacks.model import Callback, State
from hub.events import CallbackMoved
from hub.ids import derived_id
from hub.mails import StoredMail
from hub.model import Channel, Customer, Phase
from hub.ports import Change
from mail.parse import parse
from tests.clients import Client, Json, visitor
from tests.integration.serving import Serving, serving
from tests.integration.test_callbacks_rest import ALL_DAY, VOICE
from tests.ports import free_port

CONSENT = {"consent": "You may call me.", "consent_version": "1"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    settings = {"enabled": True, "slot_capacity": 2, "per_number": 2, "per_address": 1000, "sms": "no_email"} | ALL_DAY
    outside = {"email": {"enabled": True}, "server": {"public_url": "https://hub.test"}}
    folder = tmp_path_factory.mktemp("hub")
    # A trunk that calls could be made over; no agent is there to accept one.
    (line,) = VOICE.trunks
    voice = replace(
        VOICE,
        enabled=True,
        listen=(Listen("udp", "127.0.0.1", free_port()),),
        trunks=(replace(line, host="127.0.0.1", port=free_port(), networks=("127.0.0.1",)),),
    )
    with pytest.MonkeyPatch.context() as patch, serving(folder, voice, callbacks=settings, **outside) as running:
        patch.setattr(door, "SOONEST_MS", 10)  # what is a machine's pace is tested by itself below
        week = {day: [["08:00", "18:00"]] for day in ALL_DAY["days"]}
        running.put("calendar", "office", name="Office", timezone="Europe/Berlin", week=week)
        running.put("queue", "support", name="Support")
        running.put("queue", "sales", name="Sales", hours="office")
        box = {"name": "Support", "address": "support@hub.test", "queue": "support", "outbound": {"kind": "demo"}}
        running.put("mailbox", "support", **box)
        texts = {"url": "http://127.0.0.1:9/", "types": ["callback.message"], "secret": "a secret of its own"}
        running.put("webhook", "texts", name="Texts", **texts)
        topics = [{"id": id, "label": {"en": id.title()}, "queue": id} for id in ("support", "sales")]
        running.put("site", "demo", name="Shop", topics=topics)
        yield running


@asynccontextmanager
async def at_the_door(hub: Serving, heard: list[Json] | None = None) -> AsyncIterator[Client]:
    def hear(name: str, data: Any) -> None:
        if heard is not None and name == "callback":
            heard.append(data)

    # A page of the hub's own would frame it; without an Origin it is no browser.
    client = await visitor(hub.origin, on_event=hear).open()
    try:
        yield client
    finally:
        await client.close()


async def ticket(client: Client) -> Json:
    """A form begun, its puzzle solved, after the time that a person takes."""
    begun = await client.call("callback:begin", {})
    assert begun["ok"], begun
    made = puzzle.Puzzle(begun["nonce"], "", 0, begun["bits"])
    counter = await asyncio.to_thread(lambda: next(n for n in range(2**24) if puzzle.solved(made, n)))
    await asyncio.sleep(begun["wait_ms"] / 1000)
    return {"ticket": begun["ticket"], "counter": counter}


async def ask(client: Client, phone: str, **values: Any) -> Json:
    answer: Json = await client.call("callback:ask", await ticket(client) | CONSENT | {"phone": phone} | values)
    return answer


def refusal(answer: Json) -> tuple[str, Any]:
    assert not answer["ok"], answer
    return answer["error"]["code"], answer["error"]["details"].get("path")


def held(answer: Json) -> Json:
    assert answer["ok"], answer
    return {"reference": answer["callback"]["reference"], "token": answer["token"]}


def tomorrow(hour: int, days: int = 1) -> datetime:
    return (datetime.now(UTC) + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)


def id_of(answer: Json) -> str:
    return "cb_" + str(answer["token"]).partition(".")[0]


def mails_of(hub: Serving, answer: Json) -> list[StoredMail]:
    row = hub.run(hub.application.store.callbacks.get(id_of(answer)))
    assert row is not None
    return hub.run(hub.application.store.mails.of_contact(row.contact))


async def mail(hub: Serving, answer: Json, count: int) -> StoredMail:
    """The last of so many mails about it."""
    while len(found := await asyncio.to_thread(mails_of, hub, answer)) < count:
        await asyncio.sleep(0.05)
    return found[-1]


async def code_for(hub: Serving, key: Json) -> str:
    secret = await asyncio.to_thread(hub.application.config.secret_key)
    return code_of("cb_" + key["token"].partition(".")[0], secret)


def letter(hub: Serving, mail: StoredMail) -> Any:
    """As whoever gets it reads it."""
    out = hub.application.mail_out
    assert out is not None
    return parse(hub.run(out.outbox.letters.compose(mail, mail.at)))


async def test_a_time_is_chosen_changed_and_cancelled(hub: Serving) -> None:
    heard: list[Json] = []
    async with at_the_door(hub, heard) as client:
        asked = {"topic": "support", "phone": "030 5551001", "country": "DE", "timezone": "Europe/Berlin"}
        offered = await client.call("callback:slots", asked)
        times = [slot["start"] for slot in offered["slots"] if slot["left"]]
        first, second = times[40], times[44]
        when = datetime.fromtimestamp(first / 1000, UTC).isoformat()
        answer = await ask(client, "030 5551001", country="DE", when=when, topic="support", name="Eva")
        key = held(answer)
        callback = answer["callback"]
        assert (callback["state"], callback["slot"]["start"]) == ("scheduled", first)
        assert (callback["phone"], callback["can_move"], callback["can_cancel"]) == ("+49 30 5551001", True, True)
        seen = await client.call("callback:status", key)
        assert seen["callback"] == callback
        others = await client.call("callback:slots", key)
        assert second in [slot["start"] for slot in others["slots"] if slot["left"]]
        assert refusal(await client.call("callback:slots", key | {"token": "wrong"}))[0] == "callback.not_found"
        move = key | {"when": datetime.fromtimestamp(second / 1000, UTC).isoformat(), "client_id": "move-00001"}
        moved = await client.call("callback:move", move)
        assert moved["callback"]["slot"]["start"] == second
        cancelled = await client.call("callback:cancel", key | {"client_id": "cancel-00001"})
        assert cancelled["callback"]["state"] == "cancelled"
        assert (await client.call("callback:cancel", key | {"client_id": "cancel-00002"}))["ok"]
        late = await client.call("callback:move", move | {"client_id": "move-00002"})
        assert refusal(late)[0] == "callback.state"
        while not heard or heard[-1]["state"] != "cancelled":
            await asyncio.sleep(0.02)


async def test_a_form_that_is_sent_twice_is_one_callback_also_from_two_windows(hub: Serving) -> None:
    async with at_the_door(hub) as one, at_the_door(hub) as two:
        form = await ticket(one) | CONSENT | {"phone": "+49 30 5552001", "when": tomorrow(10).isoformat()}
        answers = await asyncio.gather(*(client.call("callback:ask", form) for client in (one, two, one)))
        assert len({answer["token"] for answer in answers}) == 1
        other = form | {"phone": "+49 30 5552002"}
        assert refusal(await one.call("callback:ask", other))[0] == "form.used"
        # Somebody else learns that the number is called, and nothing more.
        assert await ask(two, "+49 30 5552001") == {"ok": True, "joined": True}


HOSTILE: list[tuple[Json, str]] = [
    ({"ticket": "nonsense"}, "form.expired"),
    ({"counter": 2**40}, "form.unsolved"),
    ({"website": "https://spam.example"}, "form.trap"),
    ({"phone": "+1 900 555 0123"}, "callback.number_refused"),
    ({"phone": "+49305553001;ext=1"}, "callback.number_refused"),
    ({"phone": "sip:eva@example.org"}, "callback.number_refused"),
    ({"phone": "+49 30 5553001\r\nX-Evil: 1"}, "callback.number_refused"),
    ({"consent": "  "}, "input.invalid"),
    ({"when": "tomorrow"}, "input.invalid"),
    ({"topic": "nothing"}, "input.invalid"),
    ({"email": "eva@berg.example\r\nBcc: all@example.org"}, "input.invalid"),
    ({"country": "../"}, "input.invalid"),
    ({"timezone": "../../etc/passwd", "contact": "ct_of_somebody"}, "auth.forbidden"),
    ({"surprise": 1}, "input.invalid"),
]


async def test_what_is_hostile_is_refused(hub: Serving) -> None:
    async with at_the_door(hub) as client:
        form = await ticket(client) | CONSENT | {"phone": "+49 30 5553001"}
        for changes, code in HOSTILE:
            assert refusal(await client.call("callback:ask", form | changes))[0] == code, changes


async def test_a_form_that_comes_at_once_is_no_persons(hub: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "SOONEST_MS", 60_000)
    async with at_the_door(hub) as client:
        begun = await client.call("callback:begin", {})
        made = puzzle.Puzzle(begun["nonce"], "", 0, begun["bits"])
        counter = next(n for n in range(2**24) if puzzle.solved(made, n))
        form = {"ticket": begun["ticket"], "counter": counter, "phone": "+49 30 5553009"} | CONSENT
        answer = await client.call("callback:ask", form)
        assert refusal(answer)[0] == "form.early"
        assert 0 < answer["error"]["details"]["retry_after_ms"] <= begun["wait_ms"]
        # A ticket for a mail lets no callback in.
        mail = await client.call("email:begin", {})
        wrong = form | {"ticket": mail["ticket"]}
        assert refusal(await client.call("callback:ask", wrong))[0] == "form.expired"


async def test_a_number_is_checked_as_it_is_typed(hub: Serving) -> None:
    async with at_the_door(hub) as client:

        async def check(phone: str, country: str = "DE") -> tuple[str, str, str, int]:
            found = await client.call("callback:check", {"phone": phone, "country": country})
            return found["reason"], found["country"], found["number"], found["short"]

        assert await check("030 5551001") == ("", "DE", "+49 30 5551001", 0)
        assert await check("+44 20 7946 0018") == ("", "GB", "+44 20 7946 0018", 0)
        assert await check("212 555 01", "US") == ("unknown", "", "", 2)
        assert await check("212 555 01234", "US") == ("unknown", "", "", -1)
        assert await check("0900 1234567") == ("premium", "DE", "", 0)
        assert await check("+39 02 12345678") == ("country", "IT", "", 0)
        assert await check("nonsense") == ("malformed", "", "", 0)


async def test_only_who_has_the_secret_sees_a_callback(hub: Serving) -> None:
    async with at_the_door(hub) as client, at_the_door(hub) as stranger:
        answer = await ask(client, "+49 30 5554001", when=tomorrow(9).isoformat())
        key = held(answer)
        assert (await stranger.call("callback:status", key))["ok"], "by the link in a mail, from anywhere"
        id = "cb_" + key["token"].partition(".")[0]
        forged = [
            key | {"reference": "AAAAAAAA"},
            key | {"token": ""},
            key | {"token": key["token"][:-1] + ("a" if key["token"][-1] != "a" else "b")},
            key | {"token": make_token(id, b"another hub's secret, of 32 bytes")},
            key | {"token": "\u0000" * 40},
        ]
        for wrong in forged:
            for event, more in (
                ("callback:status", {}),
                ("callback:cancel", {"client_id": "forged-0001"}),
                ("callback:move", {"when": tomorrow(12).isoformat(), "client_id": "forged-0002"}),
                ("callback:confirm", {"code": "000000"}),
            ):
                assert refusal(await stranger.call(event, wrong | more))[0] == "callback.not_found", (event, wrong)


async def test_a_closed_queue_offers_its_times_and_full_ones_say_so(hub: Serving) -> None:
    at = tomorrow(9, days=3)
    async with at_the_door(hub) as client:
        when = {"when": at.isoformat(), "topic": "sales"}
        for n in range(2):
            assert (await ask(client, f"+49 30 555500{n}", **when))["ok"]
        assert refusal(await ask(client, "+49 30 5555003", **when))[0] == "callback.full"
        night = {"when": tomorrow(1, days=3).isoformat(), "topic": "sales"}
        assert refusal(await ask(client, "+49 30 5555004", **night))[0] == "callback.hours"
        assert (await client.call("callback:slots", {}))["topic"] == "support", "the first, as nobody is anywhere"
        assert refusal(await client.call("callback:slots", {"topic": "nothing"})) == ("input.invalid", "topic")
        found = await client.call("callback:slots", {"topic": "sales"})
        left = {slot["start"]: slot["left"] for slot in found["slots"]}
        assert left[int(at.timestamp() * 1000)] == 0
        hours = {datetime.fromtimestamp(start / 1000, UTC).hour for start in left}
        assert hours <= set(range(6, 18)), "of eight to six in Berlin, in summer and winter"
        assert found["soon_at"] is not None


async def test_who_waits_in_a_chat_keeps_his_place(hub: Serving) -> None:
    async with at_the_door(hub) as client, at_the_door(hub) as stranger:
        start = {"client_id": "chat-00001", "name": "Clara", "topic": "support", "text": "Hello"}
        begun = await client.call("chat:start", start)
        contact = begun["contact"]["id"]
        assert refusal(await ask(stranger, "+49 30 5556001", contact=contact))[0] == "auth.forbidden"
        assert refusal(await stranger.call("callback:slots", {"contact": contact}))[0] == "auth.forbidden"
        assert (await client.call("callback:slots", {"contact": contact}))["ok"]
        before = hub.run(hub.application.hub.contacts.get(contact)).contact
        answer = await ask(client, "+49 30 5556001", contact=contact, when=tomorrow(10).isoformat())
        assert answer["ok"], answer
        row = hub.run(hub.application.store.callbacks.get("cb_" + answer["token"].partition(".")[0]))
        assert row is not None
        assert (row.contact, row.customer, row.age) == (contact, before.customer, before.queued_at)
        # Asked again by the same visitor it is the same one, and he may come back to it.
        again = await ask(client, "+49 30 5556001")
        assert (again["joined"], again["token"]) == (True, answer["token"])


async def test_mails_tell_of_a_chosen_time_its_change_and_its_end(hub: Serving) -> None:
    at, later = tomorrow(10, days=2), tomorrow(12, days=2)
    async with at_the_door(hub) as client:
        values = {"email": "Eva@Berg.example", "when": at.isoformat(), "timezone": "Asia/Kathmandu", "locale": "en"}
        name = "Eva\u202e {{ 7*7 }} {phone}"
        answer = await ask(client, "+49 30 5557001", name=name, **values)
        key = held(answer)
        confirmed = await mail(hub, answer, 1)
        read = letter(hub, confirmed)
        assert [each.address for each in confirmed.to] == ["eva@berg.example"]
        assert confirmed.subject == f"We will call you back ({key['reference']})"
        assert "between 15:45 and 16:15 (Asia/Kathmandu, UTC+5:45)" in read.text
        page = "https://hub.test/widget/panel?site=demo&locale=en"
        assert f"{page}#callback={key['reference']}.{key['token']}" in read.text
        assert "49" in read.text and "7*7" not in read.text and name not in read.text
        (file,) = [each for each in read.attachments if each.type == "text/calendar"]
        entry = file.data.decode()
        assert at.strftime("DTSTART:%Y%m%dT%H%M%SZ") in entry and "METHOD:PUBLISH" in entry
        assert (at + timedelta(minutes=30)).strftime("DTEND:%Y%m%dT%H%M%SZ") in entry
        uid = re.search(r"^UID:(.+)$", entry, re.M)
        await client.call("callback:move", key | {"when": later.isoformat(), "client_id": "mails-0001"})
        changed = letter(hub, await mail(hub, answer, 2)).attachments[0].data.decode()
        assert later.strftime("DTSTART:%Y%m%dT%H%M%SZ") in changed and uid and uid[0] in changed
        await client.call("callback:cancel", key | {"client_id": "mails-0002"})
        gone = letter(hub, await mail(hub, answer, 3)).attachments[0].data.decode()
        assert "METHOD:CANCEL" in gone and "STATUS:CANCELLED" in gone and uid[0] in gone
        sequences = [int(re.findall(r"^SEQUENCE:(\d+)", one, re.M)[0]) for one in (entry, changed, gone)]
        assert sequences == sorted(set(sequences))
        # Until it is due nobody waits for it, and no agent is offered anything.
        contact = hub.run(hub.application.hub.contacts.get(confirmed.contact)).contact
        assert (contact.channel, contact.phase, contact.queue) == (Channel.CALLBACK, Phase.CLOSED, None)


def texts_of(hub: Serving, answer: Json) -> list[Json]:
    """What the webhook has to bring out."""
    webhooks = hub.application.store.webhooks
    found = hub.run(webhooks.page("texts", limit=500))
    sent = [json.loads(each.body) for each in found]
    assert [each.contact for each in found] == [each["data"]["event"]["contact"] for each in sent], "in order with it"
    return [each["data"]["event"] for each in sent if each["data"]["stream"] == id_of(answer)][::-1]


async def texts(hub: Serving, answer: Json, count: int) -> list[Json]:
    while len(found := await asyncio.to_thread(texts_of, hub, answer)) < count:
        await asyncio.sleep(0.02)
    return found


async def test_who_gives_no_address_is_told_by_text_message(hub: Serving) -> None:
    at = tomorrow(10, days=3)
    async with at_the_door(hub) as client:
        about = {"when": at.isoformat(), "timezone": "Asia/Kathmandu", "locale": "en", "name": "{when} 7*7"}
        answer = await ask(client, "+49 30 5557101", **about)
        key = held(answer)
        (promised,) = await texts(hub, answer, 1)
        assert (promised["kind"], promised["number"], promised["language"]) == ("slot", "+49305557101", "en")
        assert promised["text"].startswith("Shop: We will call you on ")
        assert "between 15:45 and 16:15 (Asia/Kathmandu, UTC+5:45)" in promised["text"]
        assert "7*7" not in promised["text"]
        assert (promised["reference"], promised["until"]) == (key["reference"], int(at.timestamp() * 1000))
        # Each new time is told, up to a bound: messages cost money.
        for n in range(PER_CALLBACK + 1):
            moved = {"when": (at + timedelta(minutes=30 * (n + 1))).isoformat(), "client_id": f"moves-{n:04}"}
            assert (await client.call("callback:move", key | moved))["ok"]
            await texts(hub, answer, min(n + 2, PER_CALLBACK))
        await client.call("callback:cancel", key | {"client_id": "ends-0001"})
        mailed = await ask(client, "+49 30 5557102", email="eva@berg.example", when=at.isoformat())
        await mail(hub, mailed, 1)
        other = await ask(client, "+49 30 5557103", when=(at + timedelta(hours=5)).isoformat())
        await texts(hub, other, 1)
        assert len(await asyncio.to_thread(texts_of, hub, answer)) == PER_CALLBACK
        assert await asyncio.to_thread(texts_of, hub, mailed) == [], "he has his mail"


def store_slot(hub: Serving, id: str, due: int, asked_at: int, number: str = "+49305559001") -> None:
    """One that was asked for some time ago."""
    now = hub.application.hub.clock.now()
    customer = Customer(f"cu_{id[3:]}", "Eva", "eva@berg.example", phone=number, created_at=now)
    callback = Callback(
        id, 1, State.SCHEDULED, id[-8:].upper(), customer.phone, email=customer.email, queue="support", site="demo",
        zones=("Europe/Berlin",), contact=f"ct_{id[3:]}", customer=customer.id, asked_at=asked_at, wished_at=due,
        slot=due, due_at=due, next_at=due,
    )  # fmt: skip
    event = CallbackMoved(str(callback.state), callback.contact, "", due)
    hub.run(
        hub.application.store.log.append(Change(id, 0, (event,), now, "test", customer=customer, callback=callback))
    )


async def test_a_reminder_comes_before_the_time_and_once(hub: Serving) -> None:
    now = hub.application.hub.clock.now()
    id = derived_id("cb", 0, "reminded")
    await asyncio.to_thread(store_slot, hub, id, now + 40 * 60_000, now - 3 * 3_600_000)
    answer = {"token": id.removeprefix("cb_") + "."}
    last = await mail(hub, answer, 2)
    read = letter(hub, last)
    assert (
        last.subject == f"We call you soon ({id[-8:].upper()})"
        and "We will call you at +49 30 5559001 on " in read.text
    )
    assert last.automatic and not last.attachments
    # Another change of another one makes it look again; nothing goes twice.
    async with at_the_door(hub) as client:
        other = await ask(client, "+49 30 5559002", email="o@berg.example", when=tomorrow(9).isoformat())
        await mail(hub, other, 1)
    assert len(await asyncio.to_thread(mails_of, hub, answer)) == 2


async def test_what_was_told_by_mail_comes_into_its_queue_when_it_is_due(hub: Serving) -> None:
    now = hub.application.hub.clock.now()
    id = derived_id("cb", 0, "due soon")
    await asyncio.to_thread(store_slot, hub, id, now + 1_500, now - 60_000, number="+49305559003")
    told = await mail(hub, {"token": id.removeprefix("cb_") + "."}, 1)
    while True:
        contact = (await asyncio.to_thread(lambda: hub.run(hub.application.hub.contacts.fresh(told.contact)))).contact
        if contact.phase is not Phase.CLOSED:
            break
        await asyncio.sleep(0.05)
    assert (contact.channel, contact.phase, contact.queue) == (Channel.CALLBACK, Phase.QUEUED, "support")
    async with at_the_door(hub) as client:
        secret = await asyncio.to_thread(hub.application.config.secret_key)
        key = {"reference": id[-8:].upper(), "token": make_token(id, secret)}
        seen = (await client.call("callback:status", key))["callback"]
        assert (seen["state"], seen["position"], seen["can_move"]) == ("queued", 1, True)
        await client.call("callback:cancel", key | {"client_id": "due-soon-1"})


async def test_beyond_the_cap_a_code_by_mail_confirms_it(hub: Serving) -> None:
    when = {"when": tomorrow(11, days=4).isoformat()}
    async with at_the_door(hub) as client:
        for n in range(2):
            key = held(await ask(client, "+49 30 5558001", **when))
            await client.call("callback:cancel", key | {"client_id": f"caps-{n:05}"})
        answer = await ask(client, "+49 30 5558001", email="eva@berg.example", **when)
        key = held(answer)
        assert answer["callback"]["state"] == "asked"
        code = await code_for(hub, key)
        assert code in letter(hub, await mail(hub, answer, 1)).text
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        assert refusal(await client.call("callback:confirm", key | {"code": wrong}))[0] == "callback.code"
        confirmed = await client.call("callback:confirm", key | {"code": f" {code[:3]} {code[3:]}"})
        assert confirmed["callback"]["state"] == "scheduled"
        await client.call("callback:cancel", key | {"client_id": "caps-00009"})
        another = held(await ask(client, "+49 30 5558001", email="eva@berg.example", **when))
        code = await code_for(hub, another)
        for n in range(TRIED):
            tried = another | {"code": f"{(int(code) + 1 + n) % 1_000_000:06}"}
            assert refusal(await client.call("callback:confirm", tried))[0] == "callback.code"
        assert refusal(await client.call("callback:confirm", another | {"code": code}))[0] == "rate.limited"
        await client.call("callback:cancel", another | {"client_id": "caps-00010"})
        # Twice as many as the cap, and no code helps.
        last = await ask(client, "+49 30 5558001", email="eva@berg.example", **when)
        assert refusal(last)[0] == "rate.limited"
