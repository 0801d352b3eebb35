"""What is learned from mails: by words, in English and Chinese, and never more than there is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="needs the extra contacthub[classifier]")

from channels.email.classifier_messages import Sample
from channels.email.classifying import FEW, FEWEST, learn, words

TOPICS = {
    "billing": ("invoice refund payment charged card amount", "发票 退款 付款 金额"),
    "shipping": ("parcel delivery tracking courier late address", "包裹 快递 物流 地址"),
    "support": ("crash screen broken repair warranty button", "坏了 维修 保修 屏幕"),
}
FILLER = ["hello", "please", "thanks", "can", "you", "help", "with", "my", "order", "today", "regards"]


def corpus(queues: list[str], n: int = 40) -> list[Sample]:
    chance = random.Random(7)
    found = []
    for queue in queues:
        english, chinese = TOPICS[queue]
        for number in range(n):
            own = chance.sample((chinese if number % 4 == 0 else english).split(), 3)
            text = own + chance.sample(FILLER, 5)
            chance.shuffle(text)
            found.append(Sample(queue, " ".join(text)))
    chance.shuffle(found)
    return found


def test_words_of_languages_with_and_without_spaces() -> None:
    assert words("Straße, INVOICE no. 4711 a") == ["strasse", "invoice", "no"]
    assert words("我的发票错了 ok") == ["我的", "的发", "发票", "票错", "错了", "ok"]
    assert words("票") == ["票"]


@pytest.mark.parametrize("queues", [list(TOPICS), ["billing", "support"]])
def test_it_learns_and_says_by_which_words(queues: list[str]) -> None:
    model, learned = learn(corpus(queues))
    assert model is not None
    assert (learned.problem, learned.mails) == ("", 40 * len(queues))
    assert learned.accuracy is not None and learned.accuracy > 0.95
    assert [each.queue for each in learned.queues] == sorted(queues)
    for text, queue, word in (("I want a refund", "billing", "refund"), ("屏幕坏了", "support", "屏幕")):
        first, *others = model.guesses(text)
        assert first.queue == queue
        assert word in first.words
        assert all(word not in other.words for other in others)
        assert first.confidence + sum(other.confidence for other in others) == pytest.approx(1)
    telling = {each.queue: each.words for each in learned.queues}
    assert "refund" in telling["billing"] and "屏幕" in telling["support"]
    assert not set(telling["billing"]) & set(telling["support"])


def test_of_too_little_nothing_is_learned() -> None:
    for samples in (
        [],
        corpus(["billing"]),
        corpus(list(TOPICS), FEW - 1),
        corpus(["billing", "support"], FEWEST // 2 - 1),
    ):
        model, learned = learn(samples)
        assert model is None
        assert "at least 50 mails" in learned.problem
    few = [sample for sample in corpus(list(TOPICS)) if sample.queue != "support"] + corpus(["support"], FEW - 1)
    assert [each.queue for each in learn(few)[1].queues] == ["billing", "shipping"]


def test_mails_without_words_teach_nothing() -> None:
    model, learned = learn([Sample(queue, "4711 !?") for queue in ("a", "b")] * 30)
    assert model is None
    assert learned.problem.startswith("Nothing can be learned")


@given(st.text(max_size=300))
def test_any_text_is_words(text: str) -> None:
    assert all(1 <= len(word) <= 120 for word in words(text))
