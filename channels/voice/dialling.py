"""Which numbers may be dialled, and to where a trunk may send a call of ours on."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from channels.voice.settings import DialSettings
from channels.voice.sip.uri import BadUri, SipUri
from channels.voice.sip.wire import is_address
from hub.errors import HubError, InvalidInput, Refused

# What costs the caller more than a call; 87x and 88x are shared: ships, satellites, international networks.
REFUSED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "premium",
    PhoneNumberType.PERSONAL_NUMBER: "premium",
    PhoneNumberType.PAGER: "premium",
}
SATELLITE = (870, 878, 881, 882, 883, 888, 979)


def dialled(number: str, settings: DialSettings, region: str | None) -> str:
    """The number in E.164. Raises InvalidInput for what is no number, Refused `dial.refused` for one that may not be
    called (`details.reason`: country, premium or satellite)."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        raise InvalidInput("number", "expected a number with its country code, such as +49 30 1234567") from None
    if parsed.country_code in SATELLITE:
        raise _refused("satellite", "Satellite and international networks are not called from here.")
    if not phonenumbers.is_valid_number(parsed):
        raise InvalidInput("number", "expected a number that exists in its country")
    if (reason := REFUSED_TYPES.get(phonenumbers.number_type(parsed))) is not None:
        raise _refused(reason, "Premium and shared-cost numbers are not called from here.")
    if phonenumbers.region_code_for_number(parsed) not in settings.countries:
        raise _refused("country", "Numbers of this country are not called from here.")
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


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


def _refused(reason: str, sentence: str) -> Refused:
    return Refused(sentence, code="dial.refused", details={"reason": reason})
