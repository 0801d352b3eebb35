"""Which numbers may be dialled, and to where a trunk may send a call of ours on."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from channels.voice.settings import DialSettings
from channels.voice.sip.uri import BadUri, SipUri
from channels.voice.sip.wire import is_address
from hub.errors import HubError, InvalidInput, Refused
from hub.numbers import verdict

# What is told apart no further: whatever costs the caller more than a call is "premium".
REASONS = {"country": "country", "satellite": "satellite"}


def dialled(number: str, settings: DialSettings, region: str | None) -> str:
    """The number in E.164. Raises InvalidInput for what is no number, Refused `dial.refused` for one that may not be
    called (`details.reason`: country, premium or satellite)."""
    found = verdict(number, settings.countries, region)
    if found.reason == "malformed":
        raise InvalidInput("number", "expected a number with its country code, such as +49 30 1234567")
    if found.reason == "unknown":
        raise InvalidInput("number", "expected a number that exists in its country")
    if found.reason:
        raise Refused(found.sentence, code="dial.refused", details={"reason": REASONS.get(found.reason, "premium")})
    return found.number


def may_follow(uri: str, number: str, places: Iterable[str], settings: DialSettings, region: str | None) -> bool:
    """Whether a call to `number` may be sent on to `uri`: a host among `places` (names, addresses, networks), and the
    same number or one that an agent could have dialled. Else whoever answers our calls could run up our bill."""
    try:
        target = SipUri.parse(uri)
    except BadUri:
        return False
    if not any(_is_in(target.host, place) for place in places):
        return False
    user = (target.user or "").partition(";")[0].partition(":")[0]
    if user == number:
        return True
    try:
        dialled(user, settings, region)
    except HubError:
        return False
    return True


def _is_in(host: str, place: str) -> bool:
    if not is_address(host):
        return host.casefold().rstrip(".") == place.casefold().rstrip(".")
    try:
        return ip_address(host) in ip_network(place, strict=False)
    except ValueError:
        return False
