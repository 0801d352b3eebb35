"""Which telephone numbers are called from here: by what they cost, where they are, and whether they are numbers at all.

A number is looked at as it would be dialled, never as it was typed: what could be a number with something behind it
(`;ext=`, a SIP address, a line break) is none. The plans are those of the library phonenumbers, read by country when
the first number of a country comes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from unicodedata import normalize

import phonenumbers
from msgspec import Struct
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from phonenumbers import timezone as number_zones

from hub.config_rows import zone as zone_of
from hub.model import Millis

_TYPED = re.compile(r"\+?[0-9 ()./-]{3,40}")
SATELLITE = frozenset({870, 878, 881, 882, 883, 888, 979})
"""Country codes that are shared: ships, satellites, international networks."""
REFUSED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
SENTENCES = {
    "malformed": "This is no telephone number.",
    "unknown": "There is no such number.",
    "premium": "Premium-rate numbers are not called from here.",
    "shared_cost": "Shared-cost numbers are not called from here.",
    "personal": "Personal numbers, whose price nobody knows, are not called from here.",
    "pager": "Pagers are not called from here.",
    "voicemail": "Mailboxes are not called from here.",
    "satellite": "Satellite and international networks are not called from here.",
    "country": "Numbers of this country are not called from here.",
}
# Zones that lie further apart than this say nothing: a number that may be anywhere in its plan.
WIDEST_H = 10.0


class Verdict(Struct, frozen=True):
    """`number` in E.164 and its `country` (ISO, "" for none); it may be called when `reason` is ""."""

    number: str = ""
    country: str = ""
    reason: str = ""

    @property
    def sentence(self) -> str:
        return SENTENCES.get(self.reason, "")


def verdict(typed: str, countries: Collection[str], region: str | None = None) -> Verdict:
    """Whether a number may be called, `countries` being those that may. National numbers are read as `region`'s."""
    text = normalize("NFKC", typed.strip(" "))
    if not _TYPED.fullmatch(text):
        return Verdict(reason="malformed")
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return Verdict(reason="malformed")
    number = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if parsed.country_code in SATELLITE:
        return Verdict(number, "", "satellite")
    if not phonenumbers.is_valid_number(parsed):
        return Verdict(number, "", "unknown")
    country = phonenumbers.region_code_for_number(parsed) or ""
    # What it would cost is said before where it is: nobody is to think that another country would do.
    reason = REFUSED_TYPES.get(phonenumbers.number_type(parsed), "")
    return Verdict(number, country, reason or ("" if country in countries else "country"))


def international(number: str) -> str:
    """A number in E.164 as people write it: "+49 30 1234567"; "" stays ""."""
    return "" if not number else phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)


def calling_code(country: str) -> int:
    """What is dialled before a country's numbers; 0 for what is no country (ISO)."""
    return phonenumbers.country_code_for_region(country)


def digits_short(typed: str, region: str | None = None) -> int:
    """By how many digits what was typed is too short for any number of its country; less than 0: too long, 0: neither,
    or nobody can say."""
    try:
        parsed = phonenumbers.parse(normalize("NFKC", typed), region)
    except phonenumbers.NumberParseException:
        return 0
    country = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    plan = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    if plan is None or plan.general_desc is None or not plan.general_desc.possible_length:
        return 0
    lengths, length = plan.general_desc.possible_length, len(phonenumbers.national_significant_number(parsed))
    return max(0, min(lengths) - length) or min(0, max(lengths) - length)


def named_zones(number: str) -> tuple[str, ...]:
    """The time zones that a number in E.164 may be in; none of no number."""
    if not number:
        return ()
    found = number_zones.time_zones_for_number(phonenumbers.parse(number))
    return tuple(name for name in found if name != number_zones.UNKNOWN_TIMEZONE)


def zones_of(names: Iterable[str], at: Millis) -> tuple[str, ...]:
    """Of some time zones one of those that are alike; none when they say nothing: it may be anywhere.

    Reads the zones' files when they are asked for first.
    """
    winter, summer = (datetime.fromtimestamp(at / 1000, UTC).replace(month=month, day=1) for month in (1, 7))
    found: dict[tuple[float, float], str] = {}
    for name in names:
        zone = zone_of(name)
        offsets = [moment.astimezone(zone).utcoffset() for moment in (winter, summer)]
        first, second = (0.0 if offset is None else offset.total_seconds() / 3600 for offset in offsets)
        found.setdefault((first, second), name)
    hours = [offset for pair in found for offset in pair]
    if not hours or max(hours) - min(hours) > WIDEST_H:
        return ()
    return tuple(found.values())
