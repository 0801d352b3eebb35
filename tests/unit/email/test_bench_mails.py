"""The mails of bench/mail.py: each is another one, and what it says is what the corpus has."""

from __future__ import annotations

from itertools import islice

from bench.mail_makers import ADDRESS, fresh, mix
from channels.email.keeping import content_hash
from mail.parse import parse
from tests.peers import CHECKOUT

CORPUS = [path.read_bytes() for path in sorted((CHECKOUT / "tests/fixtures/mime").glob("*.msg"))]


def test_each_is_another_mail_of_another_customer_or_answers_one_before() -> None:
    found = dict(islice(mix(2, CORPUS), 300))
    assert len({content_hash(raw) for raw in found.values()}) == 300
    read = {number: parse(raw) for number, raw in found.items()}
    answers = 0
    for number, mail in read.items():
        assert mail.message_id == f"{number}@berg.example"
        assert [each.address for each in mail.to] == [ADDRESS]
        if mail.in_reply_to:
            answers += 1
            before = read[int(mail.in_reply_to.partition("@")[0])]
            assert mail.from_ == before.from_
    assert 20 <= answers <= 100


def test_what_a_mail_says_stays() -> None:
    same = [parse(raw).text.strip() == parse(fresh(raw, n)).text.strip() for n, raw in enumerate(CORPUS)]
    # Some begin their text in what should be the head.
    assert sum(same) >= len(CORPUS) - 5
