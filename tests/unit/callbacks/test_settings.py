"""What hub.toml says of callbacks, as the channel takes it."""

from __future__ import annotations

import pytest

from channels.callback.channel import configured
from hub.config import parse
from hub.config_callbacks import DAYS, Callbacks, round_the_clock
from hub.errors import ConfigError


def test_what_is_not_said_is_as_described() -> None:
    settings = configured(Callbacks(), ("DE",), None)
    assert settings.only_by_trunk, "while no trunk calls out none is promised"
    assert (settings.in_line, settings.announce, settings.machine) == (True, False, "connect")
    assert not configured(Callbacks(enabled=True), ("DE",), None).only_by_trunk


def test_the_demo_calls_at_any_hour_unless_it_is_told_otherwise() -> None:
    always = round_the_clock(Callbacks())
    assert (always.hours, always.days) == ("00:00-24:00", DAYS)
    own = Callbacks(hours="09:00-17:00")
    assert round_the_clock(own) is own


def test_a_mistake_says_what_can_be_done_with_a_machine() -> None:
    with pytest.raises(ConfigError, match=r"callbacks\.machine: expected connect, hang_up or message"):
        parse({"callbacks": {"machine": "shout"}})
