"""The section [callbacks] of hub.toml: how callbacks are tried, and how many are taken."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec.structs import replace

from hub.config_base import Count, Section, meta
from hub.errors import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


class Callbacks(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Callbacks: calls that customers ask for. Which countries are called stands in voice.countries."""

    enabled: Annotated[
        bool | None,
        meta(
            "Whether callbacks are taken and made; without it, once a trunk is set up that calls out.", "true or false"
        ),
    ] = None
    in_line: Annotated[bool, meta("Callers who wait may press 1 to keep their place and be called back.")] = True
    announce: Annotated[
        bool, meta("Whoever answers hears first that it is the call he asked for, and that 9 ends all further ones.")
    ] = False
    machine: Annotated[
        Literal["connect", "hang_up", "message"],
        meta(
            "What is done when an answering machine answers: nobody listens for one (connect), or a moment of listening"
            " goes before each talk, and a machine is left (hang_up) or left a message.",
            "connect, hang_up or message",
        ),
    ] = "connect"
    attempts: Annotated[Count, meta("How often a customer's phone is called before his callback is given up.")] = 3
    busy_minutes: Annotated[Count, meta("Minutes until the next attempt after a busy one.")] = 5
    no_answer_minutes: Annotated[Count, meta("Minutes until the next attempt when nobody answered.")] = 30
    machine_minutes: Annotated[Count, meta("Minutes until the next attempt after a machine or a refusal.")] = 120
    hours: Annotated[
        str, meta("When a phone may ring, by the clocks where it is.", "two times such as 08:00-20:00")
    ] = "08:00-20:00"
    days: Annotated[
        tuple[str, ...], meta("The days on which a phone may ring.", "a list of mon, tue, wed, thu, fri, sat, sun")
    ] = DAYS[:6]
    give_up_days: Annotated[Count, meta("Days after the time wished for at which a callback is given up.")] = 7
    slot_minutes: Annotated[Count, meta("How long a slot is that can be chosen, in minutes.")] = 30
    slot_capacity: Annotated[Count, meta("Callbacks that each queue takes in a slot.")] = 4
    horizon_days: Annotated[Count, meta("How many days ahead a slot can be chosen.")] = 30
    reminder_minutes: Annotated[
        int,
        meta("Minutes before a chosen time at which its customer is reminded; 0: never.", ge=0, le=24 * 60),
    ] = 60
    page_seconds: Annotated[
        int,
        meta("For how many seconds the page of who asked for that rings before his phone is called.", ge=5, le=600),
    ] = 30
    sms: Annotated[
        Literal["off", "no_email", "always"],
        meta(
            "Whether customers are told by text message, which a webhook brings out (the event callback.message): those"
            " who gave no e-mail address (no_email), or all.",
            "off, no_email or always",
        ),
    ] = "off"
    per_number: Annotated[Count, meta("Callbacks that one number gets in 24 hours.")] = 3
    per_address: Annotated[Count, meta("Callbacks that one network address may ask for in 24 hours.")] = 10
    per_site: Annotated[Count, meta("Callbacks that are taken on one site in 24 hours.")] = 1_000
    per_day: Annotated[Count, meta("Callbacks that are taken in 24 hours in all.")] = 5_000
    talk_minutes: Annotated[
        Count, meta("Minutes of talk in 24 hours at which all callbacks stop until an administrator lets them go on.")
    ] = 6_000
    spend: Annotated[
        Count, meta("What 24 hours of callbacks may cost, in whole units of the currency, before they stop likewise.")
    ] = 500
    price: Annotated[Count, meta("What a minute costs, in thousandths of the currency.")] = 50
    lines: Annotated[Count, meta("Callbacks on the line at once, before they stop likewise.")] = 100


def round_the_clock(callbacks: Callbacks) -> Callbacks:
    """The demo's: whoever tries it at night is called, too, unless its hub.toml says otherwise."""
    usual = Callbacks()
    if (callbacks.hours, callbacks.days) != (usual.hours, usual.days):
        return callbacks
    return replace(callbacks, hours="00:00-24:00", days=DAYS)


def check_callbacks(callbacks: Callbacks) -> None:
    """Raises ConfigError."""
    start, _, end = callbacks.hours.partition("-")
    if not _TIME.fullmatch(start) or not _TIME.fullmatch(end) or start >= end:
        raise ConfigError(f'callbacks.hours: expected two times such as 08:00-20:00, got "{callbacks.hours}"')
    for index, day in enumerate(callbacks.days):
        if day not in DAYS:
            raise ConfigError(f'callbacks.days[{index}]: expected one of {", ".join(DAYS)}, got "{day}"')
    if not callbacks.days:
        raise ConfigError("callbacks.days: expected at least one day")
    if 24 * 60 % callbacks.slot_minutes:
        raise ConfigError(f"callbacks.slot_minutes: expected a number that divides a day, got {callbacks.slot_minutes}")
