"""What happens while a customer shares his page with an agent, as events of the log.

The stream of each is `cobrowse/` and the contact's id; a contact's sharings follow each other in it.
"""

from __future__ import annotations

from enum import StrEnum

from hub.event_base import Event
from hub.model import Millis


class Capability(StrEnum):
    VIEW = "view"
    POINT = "point"
    DRAW = "draw"
    SCROLL = "scroll"
    TYPE = "type"
    CLICK = "click"
    NAVIGATE = "navigate"
    RECORD = "record"  # what is shown is kept, to be played back


class Pause(StrEnum):
    """Why nothing is shown; a session goes on when no reason is left."""

    PAGE = "page"  # the site shares no page like this one
    CUSTOMER = "customer"  # he wants a moment for himself
    AWAY = "away"  # his page is not connected


class Ending(StrEnum):
    REFUSED = "refused"
    STOPPED = "stopped"  # by the customer
    LEFT = "left"  # by the agent
    UNANSWERED = "unanswered"
    EXPIRED = "expired"
    LOST = "lost"
    CONTACT = "contact"  # the contact is over
    SITE = "site"  # the site no longer allows it


class Asked(Event, frozen=True, gc=False, tag="cobrowse.asked"):
    """The agent would like to see the customer's page, or to do more there.

    `visitor` None: asked by a code that somebody has to enter. Once shared: asked for more."""

    session: str
    contact: str
    site: str
    agent: str
    visitor: str | None
    capabilities: frozenset[Capability]
    answer_by: Millis


class Joined(Event, frozen=True, gc=False, tag="cobrowse.joined"):
    """A visitor has entered the session's code, on a page of `site`; if that records, he is asked for that as well."""

    visitor: str
    answer_by: Millis
    site: str = ""
    record: bool = False


class Granted(Event, frozen=True, gc=False, tag="cobrowse.granted"):
    """The customer allows it. `capabilities` are all that hold from now on."""

    capabilities: frozenset[Capability]
    expires_at: Millis


class Denied(Event, frozen=True, gc=False, tag="cobrowse.denied"):
    """Nothing more than before; the sharing goes on."""


class Revoked(Event, frozen=True, gc=False, tag="cobrowse.revoked"):
    """The customer no longer allows these."""

    capabilities: frozenset[Capability]


class Paused(Event, frozen=True, gc=False, tag="cobrowse.paused"):
    """Nothing is shown: the page is not shared, the customer wants a moment for himself, or his page is away."""

    why: Pause
    at: Millis


class Resumed(Event, frozen=True, gc=False, tag="cobrowse.resumed"):
    """This reason to show nothing is gone; shown again once there is none."""

    why: Pause


class TakenOver(Event, frozen=True, gc=False, tag="cobrowse.taken_over"):
    """Another agent has the contact: he sees, for the rest he has to ask."""

    agent: str


class Ended(Event, frozen=True, gc=False, tag="cobrowse.ended"):
    """The sharing is over."""

    why: Ending


class Watched(Event, frozen=True, gc=False, tag="cobrowse.watched"):
    """Somebody began to look at the shared page."""

    by: str


class Unwatched(Event, frozen=True, gc=False, tag="cobrowse.unwatched"):
    """He no longer looks."""

    by: str


class Acted(Event, frozen=True, gc=False, tag="cobrowse.acted"):
    """The agent did something on the shared page; `field` is the element's own id or name there. Never a value."""

    operation: str
    field: str
    result: str


CobrowseEvent = (
    Asked | Joined | Granted | Denied | Revoked | Paused | Resumed | TakenOver | Ended | Watched | Unwatched | Acted
)
