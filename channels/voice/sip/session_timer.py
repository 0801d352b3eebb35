"""Session timers (RFC 4028): the two ends of a call agree who shows in which interval that the call still lives."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from channels.voice.sip.fields import number_field, option_tags
from channels.voice.sip.headers import Headers, read_params

Fields = tuple[tuple[str, str], ...]
Refresher = Literal["local", "remote"]
SHORTEST = 90  # seconds; RFC 4028 section 4


class Terms(Struct, frozen=True):
    """Agreed: the call ends `interval` seconds after the last refresh, which `refresher` has to send."""

    interval: int
    refresher: Refresher

    @property
    def refresh_after(self) -> float:
        return self.interval / 2

    @property
    def expires_after(self) -> float:
        """When the side that does not refresh gives up: a little before, so that its BYE still comes in time."""
        return self.interval - min(32.0, self.interval / 3)


class TooBrief(Exception):
    """422: the peer asks for less than `least` seconds."""

    def __init__(self, least: int) -> None:
        super().__init__(f"a session interval below {least} s")
        self.least = least


def ask(interval: int, least: int, refresher: Refresher | None) -> Fields:
    """The fields of an INVITE or UPDATE of ours; nothing is asked for with `interval` 0."""
    if not interval:
        return ()
    role = {"local": ";refresher=uac", "remote": ";refresher=uas", None: ""}[refresher]
    fields: Fields = (("Session-Expires", f"{max(interval, least)}{role}"),)
    return (*fields, ("Min-SE", str(least))) if least > SHORTEST else fields


def answer(request: Headers, interval: int, least: int, refresher: Refresher | None) -> tuple[Terms | None, Fields]:
    """What we agree to when the peer asks (section 9), and the fields of our 2xx. Raises TooBrief.

    `interval`, `refresher`: what we want; 0 takes only what the peer wants.
    """
    peer_can = "timer" in option_tags(request, "Supported") | option_tags(request, "Require")
    asked = number_field(request, "Session-Expires")
    if asked is not None:
        if asked < least and peer_can:
            raise TooBrief(least)
        floor = max(least, number_field(request, "Min-SE") or 0)
        agreed = asked if not interval else min(asked, max(interval, floor))
        agreed = max(agreed, SHORTEST // 3)
    elif interval:
        agreed = max(interval, least, number_field(request, "Min-SE") or 0)
    else:
        return None, ()
    wanted = _role(request)
    if not peer_can or wanted == "uas":
        ours = True
    elif wanted == "uac":
        ours = False
    else:
        ours = refresher == "local"
    if asked is None and not peer_can and refresher == "remote":
        return None, ()
    fields: Fields = (("Session-Expires", f"{agreed};refresher={'uas' if ours else 'uac'}"),)
    if not ours:
        fields = (*fields, ("Require", "timer"))
    return Terms(agreed, "local" if ours else "remote"), fields


def agreed(response: Headers, asked: int) -> Terms | None:
    """What a 2xx to our INVITE or UPDATE says (section 7.2); None: there is no timer. `asked` is what we asked for."""
    interval = number_field(response, "Session-Expires")
    if interval is None:
        return None
    interval = max(interval, SHORTEST // 3)
    return Terms(min(interval, asked) if asked else interval, "remote" if _role(response) == "uas" else "local")


def _role(headers: Headers) -> str | None:
    _, semicolon, params = (headers.get("Session-Expires") or "").partition(";")
    role = read_params(semicolon + params).get("refresher")
    return role.lower() if role else None
