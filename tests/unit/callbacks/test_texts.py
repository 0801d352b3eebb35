"""What customers are told by text message: in few words, in every language of the mails, and not too late."""

from __future__ import annotations

from string import Formatter
from typing import get_args

from channels.callback.notice_words import BODIES, Kind
from channels.callback.text_words import TEXTS, text_of
from channels.callback.texts import HOUR_MS, good_until

NOW = 1_800_000_000_000
SLOT = NOW + 5 * HOUR_MS


def test_every_language_says_everything_but_codes() -> None:
    assert set(TEXTS) == set(BODIES)
    for texts in TEXTS.values():
        assert set(texts) == set(get_args(Kind)) - {"code"}
        for kind, text in texts.items():
            names = {name for _, name, _, _ in Formatter().parse(text) if name}
            assert names == ({"when"} if kind in ("slot", "reminder", "cancelled") else set())


def test_who_writes_stands_before_it() -> None:
    assert text_of("soon", "en", house="Moss & Kiln", when="") == (
        "Moss & Kiln: We will call you as soon as one of us is free."
    )
    assert text_of("reminder", "zh", house="", when="X") == "我们将于X给您打电话。"


def test_what_is_promised_for_a_time_is_told_before_it_or_not_at_all() -> None:
    assert good_until("slot", SLOT, NOW) == good_until("reminder", SLOT, NOW) == SLOT
    assert good_until("soon", None, NOW) == NOW + HOUR_MS
    assert good_until("closed", SLOT, NOW) == good_until("cancelled", SLOT, NOW) == NOW + 24 * HOUR_MS
