"""Which thread a mail belongs to: subjects, tokens, and who may enter by which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email import threads
from hub.mails import MailAddress, MailState, StoredMail
from mail import token
from mail.model import Address, Mail

SECRET = b"s" * 32
EVA, US = Address("Eva@example.org", "Eva"), Address("support@demo.test")


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("Where is my parcel?", "where is my parcel?"),
        ("Re: RE: AW:  Where is   my parcel?", "where is my parcel?"),
        ("[shop] Re[2]: Fwd: Where is my parcel?", "where is my parcel?"),
        ("回复：订单 42", "订单 42"),
        ("答复: 轉寄: 订单 42", "订单 42"),
        ("Antw: Sv: Vs: x", "x"),
        ("Regards: x", "regards: x"),
        ("[urgent] x", "[urgent] x"),
        ("", ""),
    ],
)
def test_what_stays_of_a_subject(subject: str, key: str) -> None:
    assert threads.subject_key(subject) == key


@given(st.text(max_size=300))
def test_a_key_is_its_own_key(subject: str) -> None:
    key = threads.subject_key(subject)
    assert len(key) <= threads.KEY_LIMIT
    assert len(threads.subject_key(f"Re: {subject}")) <= threads.KEY_LIMIT


def test_only_answers_say_so() -> None:
    assert all(map(threads.is_answer, ("Re: x", "AW: x", "[list] re: x", "回复：x")))
    assert not any(map(threads.is_answer, ("x", "Fwd: Re: x", "[list] x", "Real estate: x", "")))


def test_a_token_is_found_wherever_a_client_leaves_it() -> None:
    one, two = (token.make_token(f"ct_{name}", SECRET) for name in ("aaa", "bbb"))
    to = Mail(to=(Address(f"support+{one}@demo.test"),), references=(token.message_id(two, "x1", "demo.test"),))
    assert threads.by_token(to, (), SECRET) == ["ct_aaa", "ct_bbb"]
    assert threads.by_token(to, (f"SUPPORT+{two.upper()}@demo.test",), SECRET) == ["ct_bbb", "ct_aaa"]
    assert threads.by_token(Mail(in_reply_to=token.message_id(one, "x", "d")), (), SECRET) == ["ct_aaa"]
    assert threads.by_token(to, (), b"another" * 5) == []


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", min_size=17, max_size=60))
def test_a_guessed_token_leads_nowhere(guess: str) -> None:
    mail = Mail(to=(Address(f"support+{guess}@demo.test"),), in_reply_to=f"{guess}.x@demo.test")
    assert threads.by_token(mail, (f"support+{guess}@demo.test",), SECRET) == []


def known(*addresses: str) -> set[str]:
    to = tuple(MailAddress(address) for address in addresses)
    mail = StoredMail("m", "ct", "ms", "in", "support", MailState.RECEIVED, 1, MailAddress("EVA@example.org"), to)
    return threads.people([mail])


def test_who_speaks_in_a_thread() -> None:
    people = known("boss@example.org")
    assert threads.speaks_in(Mail(from_=EVA), people)
    assert threads.speaks_in(Mail(from_=Address("boss@example.org"), reply_to=(EVA,)), people)
    assert not threads.speaks_in(Mail(from_=Address("mallory@example.net")), people)
    # Answers would go to somebody else.
    assert not threads.speaks_in(Mail(from_=EVA, reply_to=(Address("mallory@example.net"),)), people)
    assert not threads.speaks_in(Mail(from_=Address("")), people)


def test_the_nearest_answered_mail_comes_first() -> None:
    mail = Mail(in_reply_to="c", references=("a", "b", "c"))
    assert threads.answered(mail) == ["c", "b", "a"]
    assert threads.answered(Mail()) == []
