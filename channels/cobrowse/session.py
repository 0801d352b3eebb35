"""One shared page as a pure machine: what was asked, what the customer allows, for how long, and why it ended.

`decide` says what follows from a command, `evolve` what it makes of the session, so that a session is what its events
say and can be folded from them again. Nothing is seen before the customer has allowed it, nothing is allowed for ever,
and what is allowed is never more than was asked. Times are milliseconds, arguments like everything else.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from hub.cobrowse_events import (
    Asked,
    Capability,
    Denied,
    Ended,
    Ending,
    Granted,
    Joined,
    Pause,
    Paused,
    Resumed,
    Revoked,
    TakenOver,
    Unwatched,
    Watched,
)
from hub.errors import Forbidden, Refused
from hub.model import Millis

# What happens is the log's; whoever drives the machine finds it here.
__all__ = [
    "Asked",
    "Capability",
    "Denied",
    "Ended",
    "Ending",
    "Granted",
    "Joined",
    "Pause",
    "Paused",
    "Resumed",
    "Revoked",
    "TakenOver",
    "Unwatched",
    "Watched",
]


class Stage(StrEnum):
    NEW = "new"
    ASKED = "asked"  # the customer's answer is awaited
    SHARED = "shared"
    PAUSED = "paused"  # allowed, but nothing is shown now
    ENDED = "ended"


class Limits(Struct, frozen=True):
    answer_ms: Millis = 60_000
    code_ms: Millis = 600_000
    share_ms: Millis = 3_600_000
    away_ms: Millis = 120_000
    pause_ms: Millis = 900_000


class Pages(Struct, frozen=True):
    """Which of a site's pages are shared: patterns with `*` for anything, over the path or, with `://`, the address."""

    on: bool = False
    off: tuple[str, ...] = ()

    def shared(self, url: str) -> bool:
        if not self.on or not re.match(r"https?://", url):
            return False
        plain = re.split(r"[?#]", url, maxsplit=1)[0]
        path = re.sub(r"^https?://[^/]*", "", plain) or "/"
        return not any(_matches(pattern, plain if "://" in pattern else path) for pattern in self.off)


def _matches(pattern: str, text: str) -> bool:
    """Without expressions: a site's pattern must not be able to take long. Case and a last slash do not matter."""
    first, *rest = pattern.lower().rstrip("/").split("*")
    text = text.lower().rstrip("/")
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    *middle, last = rest
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(last) and text.endswith(last)


class Session(Struct, frozen=True):
    """`agent` is who may see; `visitor` None until a code was entered. `asked` is what waits for an answer. `watchers`
    look at it now, the agent or others."""

    id: str = ""
    contact: str = ""
    site: str = ""
    agent: str = ""
    visitor: str | None = None
    stage: Stage = Stage.NEW
    asked: frozenset[Capability] = frozenset()
    granted: frozenset[Capability] = frozenset()
    pauses: frozenset[Pause] = frozenset()
    answer_by: Millis | None = None
    expires_at: Millis | None = None
    paused_at: Millis | None = None
    away_at: Millis | None = None
    ending: Ending | None = None
    watchers: frozenset[str] = frozenset()

    def may(self, capability: Capability) -> bool:
        """Whether the agent may do this at this moment."""
        return self.stage is Stage.SHARED and capability in self.granted


Event = Asked | Joined | Granted | Denied | Revoked | Paused | Resumed | TakenOver | Ended | Watched | Unwatched


# --- what is asked of it -----------------------------------------------------------------------------------------


class Ask(Struct, frozen=True):
    """The agent asks, for the first time or for more. `visitor` None: whoever enters the code."""

    session: str
    contact: str
    site: str
    agent: str
    visitor: str | None
    capabilities: frozenset[Capability]


class Offer(Struct, frozen=True):
    """The customer shares without being asked: he has answered what he offers."""

    session: str
    contact: str
    site: str
    agent: str
    visitor: str
    capabilities: frozenset[Capability]


class Enter(Struct, frozen=True):
    """A visitor has entered the session's code, on a page of `site`: what that one keeps to itself is not shown."""

    visitor: str
    site: str
    record: bool = False


class Answer(Struct, frozen=True):
    """Of what was asked, what the customer allows; nothing: he would rather not."""

    visitor: str
    capabilities: frozenset[Capability]


class Revoke(Struct, frozen=True):
    visitor: str
    capabilities: frozenset[Capability]


class Hold(Struct, frozen=True):
    """The customer wants a moment for himself (`on`), or goes on."""

    visitor: str
    on: bool


class Page(Struct, frozen=True):
    """The customer's page is connected and is this one; `shared` is what `Pages.shared` says of it."""

    visitor: str
    shared: bool


class Away(Struct, frozen=True):
    """The customer's page is no longer connected."""


class Watch(Struct, frozen=True):
    """Somebody who may begins to look."""

    by: str


class Unwatch(Struct, frozen=True):
    by: str


class Stop(Struct, frozen=True):
    """`by` is the visitor or the agent."""

    by: str


class Transfer(Struct, frozen=True):
    agent: str


class Over(Struct, frozen=True):
    why: Ending


class Tick(Struct, frozen=True):
    pass


Command = Ask | Offer | Enter | Answer | Revoke | Hold | Page | Away | Watch | Unwatch | Stop | Transfer | Over | Tick

LIVE: Final = frozenset({Stage.SHARED, Stage.PAUSED})


def deadline(session: Session, limits: Limits) -> Millis | None:
    """When a `Tick` will have something to say; None: never."""
    if session.stage is Stage.ENDED:
        return None
    times = [session.answer_by, session.expires_at]
    if session.away_at is not None:
        times.append(session.away_at + limits.away_ms)
    if session.paused_at is not None:
        times.append(session.paused_at + limits.pause_ms)
    return min((time for time in times if time is not None), default=None)


def _customer(session: Session, visitor: str) -> None:
    if session.visitor != visitor:
        raise Forbidden("This is not your page.", code="cobrowse.not_yours")


def _alive(session: Session, *stages: Stage) -> None:
    if session.stage not in stages:
        raise Refused("This sharing has ended.", code="cobrowse.over", details={"stage": str(session.stage)})


def decide(session: Session, command: Command, now: Millis, limits: Limits) -> list[Event]:
    """What follows from `command` at `now`. Raises Refused or Forbidden when the session does not allow it."""
    match command:
        case Ask():
            return _ask(session, command, now, limits)
        case Offer():
            _alive(session, Stage.NEW)
            wanted = command.capabilities | {Capability.VIEW}
            asked = Asked(command.session, command.contact, command.site, command.agent, command.visitor, wanted, now)
            return [asked, Granted(wanted, now + limits.share_ms)]
        case Enter():
            _alive(session, Stage.ASKED)
            if session.visitor is not None:
                raise Refused("Somebody has entered this code already.", code="cobrowse.code_used")
            if session.answer_by is not None and now >= session.answer_by:
                raise Refused("This code is too old.", code="cobrowse.over")
            return [Joined(command.visitor, now + limits.answer_ms, command.site, command.record)]
        case Answer():
            return _answer(session, command, now, limits)
        case Revoke():
            _customer(session, command.visitor)
            _alive(session, *LIVE)
            if Capability.VIEW in command.capabilities:
                return [Ended(Ending.STOPPED)]
            gone = command.capabilities & session.granted
            return [Revoked(gone)] if gone else []
        case Hold():
            _customer(session, command.visitor)
            _alive(session, *LIVE)
            return _pause(session, Pause.CUSTOMER, command.on, now)
        case Page():
            _customer(session, command.visitor)
            _alive(session, *LIVE)
            return [*_pause(session, Pause.PAGE, not command.shared, now), *_pause(session, Pause.AWAY, False, now)]
        case Away():
            return _pause(session, Pause.AWAY, True, now) if session.stage in LIVE else []
        case Watch():
            _alive(session, *LIVE)
            return [] if command.by in session.watchers else [Watched(command.by)]
        case Unwatch():
            return [Unwatched(command.by)] if command.by in session.watchers else []
        case Stop():
            if session.stage is Stage.ENDED:
                return []
            if command.by == session.visitor:
                return [Ended(Ending.REFUSED if session.stage is Stage.ASKED else Ending.STOPPED)]
            if command.by != session.agent:
                raise Forbidden("This is not your contact.", code="cobrowse.not_yours")
            return [Ended(Ending.LEFT)]
        case Transfer():
            if session.stage in LIVE and command.agent != session.agent:
                return [TakenOver(command.agent)]
            return [] if command.agent == session.agent or session.stage is Stage.ENDED else [Ended(Ending.LEFT)]
        case Over():
            return [] if session.stage in (Stage.ENDED, Stage.NEW) else [Ended(command.why)]
        case Tick():
            return _tick(session, now, limits)
    assert_never(command)


def _ask(session: Session, command: Ask, now: Millis, limits: Limits) -> list[Event]:
    wanted = command.capabilities | {Capability.VIEW}
    if session.stage is Stage.ASKED and command.visitor is None:
        # Another code, as long as nobody has entered the one before.
        if command.agent != session.agent:
            raise Forbidden("This is not your contact.", code="cobrowse.not_yours")
        if session.visitor is not None:
            return []
        command = replace(command, session=session.id, contact=session.contact, site=session.site)
    elif session.stage is not Stage.NEW:
        _alive(session, *LIVE)
        if command.agent != session.agent:
            raise Forbidden("This is not your contact.", code="cobrowse.not_yours")
        wanted = command.capabilities - session.granted
        if not wanted or wanted <= session.asked:
            return []
        wanted |= session.asked
        command = replace(command, session=session.id, contact=session.contact, site=session.site)
    waits = limits.answer_ms if command.visitor or session.visitor else limits.code_ms
    visitor = session.visitor or command.visitor
    return [
        Asked(command.session, command.contact, command.site, command.agent, visitor, frozenset(wanted), now + waits)
    ]


def _answer(session: Session, command: Answer, now: Millis, limits: Limits) -> list[Event]:
    _customer(session, command.visitor)
    _alive(session, Stage.ASKED, *LIVE)
    if not session.asked:
        raise Refused("Nothing was asked.", code="cobrowse.not_asked")
    if session.answer_by is not None and now >= session.answer_by:
        return _tick(session, now, limits)
    if not command.capabilities <= session.asked:
        raise Refused("Only what was asked can be allowed.", code="cobrowse.not_asked")
    if session.stage is Stage.ASKED:
        if Capability.VIEW not in command.capabilities:
            return [Ended(Ending.REFUSED)]
        return [Granted(command.capabilities, now + limits.share_ms)]
    if not command.capabilities:
        return [Denied()]
    return [Granted(session.granted | command.capabilities, now + limits.share_ms)]


def _pause(session: Session, why: Pause, on: bool, now: Millis) -> list[Event]:
    if on == (why in session.pauses):
        return []
    return [Paused(why, now) if on else Resumed(why)]


def _tick(session: Session, now: Millis, limits: Limits) -> list[Event]:
    if session.stage is Stage.ENDED:
        return []
    if session.expires_at is not None and now >= session.expires_at:
        return [Ended(Ending.EXPIRED)]
    if session.away_at is not None and now >= session.away_at + limits.away_ms:
        return [Ended(Ending.LOST)]
    if session.paused_at is not None and now >= session.paused_at + limits.pause_ms:
        return [Ended(Ending.EXPIRED)]
    if session.answer_by is not None and now >= session.answer_by:
        return [Ended(Ending.UNANSWERED)] if session.stage is Stage.ASKED else [Denied()]
    return []


def evolve(session: Session, event: Event) -> Session:
    match event:
        case Asked():
            return replace(
                session,
                id=event.session,
                contact=event.contact,
                site=event.site,
                agent=event.agent,
                visitor=event.visitor,
                stage=Stage.ASKED if session.stage is Stage.NEW else session.stage,
                asked=event.capabilities,
                answer_by=event.answer_by,
            )
        case Joined():
            return replace(
                session,
                visitor=event.visitor,
                answer_by=event.answer_by,
                site=event.site or session.site,
                asked=session.asked | ({Capability.RECORD} if event.record else frozenset()),
            )
        case Granted():
            return replace(
                _staged(session, session.pauses),
                granted=event.capabilities,
                expires_at=event.expires_at,
                asked=frozenset(),
                answer_by=None,
            )
        case Denied():
            return replace(session, asked=frozenset(), answer_by=None)
        case Revoked():
            return replace(session, granted=session.granted - event.capabilities)
        case Paused():
            paused = _staged(session, session.pauses | {event.why})
            if event.why is Pause.AWAY:
                return replace(paused, away_at=event.at)
            return replace(paused, paused_at=session.paused_at if session.paused_at is not None else event.at)
        case Resumed():
            resumed = _staged(session, session.pauses - {event.why})
            if event.why is Pause.AWAY:
                return replace(resumed, away_at=None)
            return replace(resumed, paused_at=session.paused_at if resumed.pauses - {Pause.AWAY} else None)
        case TakenOver():
            return replace(
                session,
                agent=event.agent,
                granted=session.granted & {Capability.VIEW, Capability.RECORD},
                asked=frozenset(),
                answer_by=None,
                watchers=session.watchers - {session.agent},
            )
        case Watched():
            return replace(session, watchers=session.watchers | {event.by})
        case Unwatched():
            return replace(session, watchers=session.watchers - {event.by})
        case Ended():
            return replace(
                session,
                stage=Stage.ENDED,
                ending=event.why,
                granted=frozenset(),
                asked=frozenset(),
                pauses=frozenset(),
                answer_by=None,
                expires_at=None,
                paused_at=None,
                away_at=None,
                watchers=frozenset(),
            )
    assert_never(event)


def _staged(session: Session, pauses: frozenset[Pause]) -> Session:
    return replace(session, pauses=pauses, stage=Stage.PAUSED if pauses else Stage.SHARED)
