"""Parts of outgoing mail that need no hub: what becomes of tries, paces, who is acknowledged, where an answer goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from channels.email.acknowledge import in_language, silent_because
from channels.email.beginning import reply_all, text_as_html
from channels.email.delivery import GIVE_UP_MS, after_verdict, again, later, pause_ms, pending
from channels.email.html_out import outward, written
from channels.email.posting import forward_subject, reply_subject, threaded
from channels.email.senders import BURST, Pace
from channels.email.smtp_out import Reply, Verdict
from hub.mails import MailAddress, MailState, StoredMail

MAIL = StoredMail(
    "ma_1", "ct_1", "ms_1", "out", "support", MailState.SENDING, 1000, MailAddress("s@hub.example"),
    to=(MailAddress("a@x.example"), MailAddress("b@x.example")), message_id="1@hub.example", subject="Hello",
)  # fmt: skip
PEOPLE = ["a@x.example", "b@x.example", "c@x.example"]
said_to_each = st.fixed_dictionaries({to: st.sampled_from(["taken", "refused", "later"]) for to in PEOPLE})
answers = st.lists(said_to_each, min_size=1, max_size=60)


@given(answers, st.floats(0, 1))
def test_each_recipient_gets_it_at_most_once_and_all_is_over_in_five_days(
    tries: list[dict[str, str]], chance: float
) -> None:
    mail, now, given_to = MAIL, 0, []
    for said in tries:
        left = pending(mail, PEOPLE)
        of = {kind: [to for to in left if said[to] == kind] for kind in ("taken", "refused", "later")}
        given_to += of["taken"]
        verdict = Verdict(
            tuple(of["taken"]),
            {to: Reply(550, "no") for to in of["refused"]},
            {to: Reply(451, "not now") for to in of["later"]},
        )
        mail = after_verdict(mail, PEOPLE, verdict, now, chance)
        assert set(mail.taken) | set(mail.refused) <= set(PEOPLE)
        assert not set(mail.taken) & set(mail.refused)
        if mail.state is not MailState.QUEUED:
            break
        assert mail.next_at is not None and now < mail.next_at
        now = mail.next_at
    assert len(given_to) == len(set(given_to))
    assert sorted(mail.taken) == sorted(given_to)
    assert now <= GIVE_UP_MS
    if mail.state is MailState.QUEUED:
        assert pending(mail, PEOPLE)
    else:
        assert not pending(mail, PEOPLE)
        assert mail.state is (MailState.SENT if given_to else MailState.FAILED)
        assert mail.next_at is None
        assert all(mail.refused.values())


def test_a_mail_that_nobody_takes_is_given_up_after_five_days_of_slower_and_slower_tries() -> None:
    mail, now, times = MAIL, 0, []
    while mail.state is not MailState.FAILED:
        mail = after_verdict(mail, PEOPLE, Verdict(later=dict.fromkeys(PEOPLE, Reply(451, "not now"))), now, 0.5)
        times.append(now)
        now = mail.next_at or now
    assert mail.error == "Given up after five days: 451 not now"
    assert 30 <= len(times) <= 45
    assert times[1] <= 150_000
    assert times[-1] > 4.7 * 24 * 3600_000


def test_trouble_of_the_mailbox_counts_as_no_try() -> None:
    mail = later(MAIL, PEOPLE, "no connection", None, 0, 10_000)
    assert (mail.attempts, mail.state, mail.next_at, mail.error) == (0, MailState.QUEUED, 10_000, "no connection")


def test_sending_again_spares_those_who_have_it_unless_it_came_back() -> None:
    half = replace(MAIL, state=MailState.FAILED, taken=("a@x.example",), refused={"b@x.example": "550 no"})
    assert pending(again(half, 5), PEOPLE[:2]) == ["b@x.example"]
    assert pending(again(replace(half, state=MailState.BOUNCED), 5), PEOPLE[:2]) == PEOPLE[:2]


@given(st.integers(-5, 100), st.floats(0, 1))
def test_pauses_are_spread_by_a_tenth(attempts: int, chance: float) -> None:
    assert 100_000 <= pause_ms(attempts, chance) <= 4.4 * 3600_000


@given(st.integers(1, 6000), st.integers(20, 120))
def test_a_pace_lets_some_go_at_once_and_the_others_in_line(per_minute: int, mails: int) -> None:
    pace = Pace(per_minute)
    now = 1_000_000
    slots = [pace.slot(f"ma_{n}", now) for n in range(mails)]
    assert slots == sorted(slots)
    assert slots[: BURST - 1] == [now] * (BURST - 1)
    for slot in slots:
        within = [other for other in slots if slot <= other < slot + 60_000]
        assert len(within) <= per_minute + BURST
    assert [pace.slot(f"ma_{n}", now) for n in range(BURST, mails)] == slots[BURST:]
    assert pace.slot(f"ma_{mails - 1}", slots[-1]) == slots[-1]


FROM_CLARA = replace(MAIL, direction="in", state=MailState.RECEIVED, from_=MailAddress("clara@berg.example"))


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        ({}, False),
        ({"reply_to": (MailAddress("Clara@Berg.example"),)}, False),
        ({"reply_to": (MailAddress("clara+x@berg.example"),)}, False),
        ({"reply_to": (MailAddress("victim@other.example"),)}, True),
        ({"kind": "auto_reply"}, True),
        ({"kind": "bounce"}, True),
        ({"kind": "feedback"}, True),
        ({"kind": "list"}, True),
        ({"from_": MailAddress("")}, True),
        ({"from_": MailAddress("support@hub.example")}, True),
        ({"from_": MailAddress("Support+token@Hub.example")}, True),
        ({"from_": MailAddress("MAILER-DAEMON@x.example")}, True),
        ({"from_": MailAddress("no-reply@x.example")}, True),
        ({"from_": MailAddress("owner-list@x.example")}, True),
        ({"from_": MailAddress("list-request@x.example")}, True),
        ({"from_": MailAddress("a b@x.example")}, True),
    ],
)
def test_who_is_acknowledged(changes: dict[str, object], silent: bool) -> None:
    mail = replace(FROM_CLARA, **changes)
    assert (silent_because(mail, {"support@hub.example"}) is not None) is silent


def test_texts_in_the_customers_language_or_the_nearest() -> None:
    texts = {"en": "Hello", "zh-CN": "你好", "de": "Hallo"}
    for language, text in (("zh-CN", "你好"), ("zh-TW", "你好"), ("zh", "你好"), ("de-AT", "Hallo"), ("fr", "Hello")):
        assert in_language(texts, language) == text
    assert in_language({"fr": "Salut"}, "de") == "Salut"
    assert in_language({}, "de") == ""


def test_an_answer_to_all_leaves_ourselves_out() -> None:
    mail = replace(
        FROM_CLARA,
        to=(MailAddress("support+abc@hub.example"), MailAddress("boss@berg.example")),
        cc=(MailAddress("Clara@berg.example"), MailAddress("sales@hub.example"), MailAddress("boss@berg.example")),
    )
    to, cc = reply_all(mail, {"support@hub.example", "sales@hub.example"}, (mail.from_,))
    assert [each.address for each in to] == ["clara@berg.example"]
    assert [each.address for each in cc] == ["boss@berg.example"]


def test_subjects_and_references() -> None:
    assert reply_subject("Hello") == "Re: Hello"
    said = ["RE: Hello", "Aw: Hello", "回复：你好", "答覆: 你好", "Antw: Hello", "Re[2]: Hello"]
    assert [reply_subject(each) for each in said] == said
    assert reply_subject("转发：你好") == "Re: 转发：你好"
    assert [forward_subject(each) for each in ("Re: Hello", "回复：你好")] == ["Fwd: Re: Hello", "Fwd: 回复：你好"]
    said = ["Fwd: Hello", "FW: Hello", "WG: Hello", "转发：你好", "轉寄: 你好"]
    assert [forward_subject(each) for each in said] == said
    asked = replace(
        FROM_CLARA, id="ma_2", message_id="2@berg", in_reply_to="1@hub.example", references=("0@x", "1@hub.example")
    )
    assert threaded(asked, [MAIL, asked]) == ("2@berg", ("0@x", "1@hub.example", "2@berg"))
    assert threaded(None, [MAIL]) == ("1@hub.example", ("1@hub.example",))
    assert threaded(asked, [], forwards=True) == ("", ("0@x", "1@hub.example", "2@berg"))
    assert threaded(None, [replace(MAIL, state=MailState.CANCELLED)]) == ("", ())


def test_html_on_its_way() -> None:
    file, known = "fi_0123456789abcdefghjkmnpqrs", "old@mail"
    html = (
        f'<p onclick="x()">a<img src="/files/{file}"><img src="cid:{known}"><img src="cid:nowhere">'
        '<img src="https://x.example/p.png?a=1&b=2"><script>x()</script></p>'
    )
    found = written(html, "hub.example", {file}.__contains__, {known}.__contains__)
    assert found.files == {f"{file}@hub.example": file}
    assert found.known == (known,)
    assert f"cid:{file}@hub.example" in found.html
    assert "nowhere" not in found.html and "onclick" not in found.html and "script" not in found.html
    sent = outward(found.html)
    assert 'src="https://x.example/p.png?a=1&amp;b=2"' in sent
    assert "remote:" not in sent


@given(st.text(max_size=200))
def test_text_as_html_says_the_same_and_nothing_runs(text: str) -> None:
    html = text_as_html(text)
    assert "<script" not in html.lower()
    assert html.count("<p>") == html.count("</p>")
