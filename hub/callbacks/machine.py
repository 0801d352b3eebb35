"""A callback's life as a pure machine: `step` says what becomes of it when something happened.

`TABLE` says in which states what may happen; anything else is refused and leaves the callback as it is. Every state
that is no end has a time (`next_at`) at which something is due, so the clock alone brings each callback to an end:

| state      | what is due at `next_at`                                                     |
|------------|------------------------------------------------------------------------------|
| asked      | it was not confirmed: closed                                                 |
| scheduled  | it goes into the queue; outside the callee's hours to the next time in them  |
| queued     | the callee's hours are over: scheduled for the next ones, at its age         |
| connecting | the preview is over: dialled; then a look at whether its call lives (`Lost`) |
| dialling, ringing, talking | the same (`Ended` with "interrupted" when it does not)       |

Whether an attempt counts is decided before the customer's phone is called (`Place`): from then on nothing but a new
attempt, after its delay, calls it again, whatever fails.

A callback that is `ahead` while it is queued is offered to nobody: its customer is called when an agent is about to be
free (`pacing.py`), and who answers then waits for him on the line.
"""

from __future__ import annotations

from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from hub.callbacks.model import LIVING, ON_THE_LINE, Attempt, Callback, Policy, Result, State
from hub.callbacks.opening import Opening
from hub.errors import Refused
from hub.model import Millis

S = State


class Ask(Struct, frozen=True):
    """It was asked for, to be tried at `at`; with `confirm` the customer has to confirm it first."""

    at: Millis
    confirm: bool = False


class Confirm(Struct, frozen=True):
    """The customer showed that it was he who asked."""


class Move(Struct, frozen=True):
    """Another time was chosen; `slot` is the start of its slot."""

    at: Millis
    slot: Millis | None = None


class CallNow(Struct, frozen=True):
    """It is due at once, if the callee's hours allow it."""


class Give(Struct, frozen=True):
    """Only this agent is asked, or (None) anybody again."""

    agent: str | None


class Due(Struct, frozen=True):
    """`next_at` has come; `age` is since when its contact waits, if it does. `ahead`: its customer is called before an
    agent has it."""

    age: Millis = 0
    ahead: bool = False


class AgentFirst(Struct, frozen=True):
    """Its customer is not called ahead of an agent any more: its contact waits for one."""


class Accepted(Struct, frozen=True):
    """For so long the agent may read before it is dialled."""

    agent: str
    preview_ms: Millis = 0


class Dial(Struct, frozen=True):
    """The agent who has it has read enough."""

    agent: str


class PutOff(Struct, frozen=True):
    """The agent who has it does not call now: later (`at`), or (None) somebody else does."""

    agent: str
    at: Millis | None = None
    why: str = ""


class Lost(Struct, frozen=True):
    """Whoever had accepted it has it no more, before anybody was called."""


class Place(Struct, frozen=True):
    """The customer's phone is about to be called, or his `page` rung; `version` is that of his contact."""

    version: int = 0
    page: bool = False


class Fall(Struct, frozen=True):
    """Nobody answered at his page, which rings no more: in the same attempt his phone is about to be called."""


class Answered(Struct, frozen=True):
    """A person answered who was called ahead of an agent."""


class Rings(Struct, frozen=True):
    pass


class Talks(Struct, frozen=True):
    """He talks, with this agent when he was called ahead of one."""

    agent: str = ""


class Told(Struct, frozen=True):
    """The agent says who or what answered."""

    result: Result


class Ended(Struct, frozen=True):
    """The call is over, or its signalling or ours failed."""

    result: Result
    status: int | None = None
    talk_ms: Millis = 0
    cost: int = 0


class Postpone(Struct, frozen=True):
    """It cannot be tried now, for a reason that is not the customer's (a trunk is down, a breaker opened)."""

    reason: str


class StillOn(Struct, frozen=True):
    """A look showed that what is under way is under way."""


class CalledIn(Struct, frozen=True):
    """The customer called us himself; what he wanted is settled there."""


class Close(Struct, frozen=True):
    """It is given up; `reason` is a word for programs."""

    reason: str


class Cancel(Struct, frozen=True):
    """Not wanted any more."""

    by: str


Input = (
    Ask
    | Confirm
    | Move
    | CallNow
    | Give
    | Due
    | AgentFirst
    | Accepted
    | Dial
    | PutOff
    | Lost
    | Place
    | Fall
    | Answered
    | Rings
    | Talks
    | Told
    | Ended
    | Postpone
    | StillOn
    | CalledIn
    | Close
    | Cancel
)

_BEFORE = frozenset({S.ASKED, S.SCHEDULED, S.QUEUED})
_CALL = ON_THE_LINE | {S.CONNECTING}
TABLE: dict[type[Struct], frozenset[State]] = {
    Ask: frozenset({S.NEW}),
    Confirm: frozenset({S.ASKED}),
    Move: frozenset({S.ASKED, S.SCHEDULED, S.QUEUED}),
    CallNow: frozenset({S.SCHEDULED, S.QUEUED}),
    Give: frozenset({S.ASKED, S.SCHEDULED, S.QUEUED}),
    Due: LIVING,
    AgentFirst: frozenset({S.QUEUED}),
    Accepted: frozenset({S.QUEUED}),
    # The log may not have said yet that somebody has accepted.
    Dial: frozenset({S.QUEUED, S.CONNECTING}),
    PutOff: frozenset({S.QUEUED, S.CONNECTING}),
    Lost: frozenset({S.CONNECTING}),
    Place: frozenset({S.CONNECTING, S.QUEUED}),
    Fall: frozenset({S.DIALLING, S.RINGING}),
    Answered: frozenset({S.DIALLING, S.RINGING}),
    Rings: frozenset({S.DIALLING}),
    Talks: frozenset({S.DIALLING, S.RINGING}),
    Told: ON_THE_LINE,
    Ended: ON_THE_LINE,
    Postpone: frozenset({S.SCHEDULED, S.QUEUED, S.CONNECTING}),
    StillOn: _CALL,
    CalledIn: _BEFORE | {S.CONNECTING},
    Close: _BEFORE | {S.CONNECTING},
    Cancel: LIVING - {S.TALKING},
}


def step(callback: Callback, input: Input, policy: Policy, opening: Opening, now: Millis) -> Callback:
    """The callback after `input`, at the next version; the same one when nothing changed.

    `opening` are the times at which the callee may be called. Raises Refused `callback.state` for what cannot happen
    to it now, `callback.hours` for a time at which nobody may be called.
    """
    if callback.state not in TABLE[type(input)] or not _meant(callback, input):
        raise Refused(
            f"That cannot be done with a callback that is {callback.state}.",
            code="callback.state",
            details={"state": str(callback.state)},
        )
    after = _after(callback, input, policy, opening, now)
    if after.at_page and after.state not in ON_THE_LINE:
        after = replace(after, at_page=False)
    return callback if after == callback else replace(after, version=callback.version + 1)


def _meant(callback: Callback, input: Input) -> bool:
    """Whether it can happen to one that is called ahead of an agent, or after him."""
    if callback.state is S.QUEUED and isinstance(input, Place | Accepted | Dial | PutOff | AgentFirst):
        if isinstance(input, Place) and input.page:
            return False  # a page is rung when an agent has it
        return callback.ahead == isinstance(input, Place | AgentFirst)
    return not isinstance(input, Answered) or callback.attempts[-1].ahead


def _after(callback: Callback, input: Input, policy: Policy, opening: Opening, now: Millis) -> Callback:
    match input:
        case Ask():
            asked = replace(callback, asked_at=now, wished_at=input.at if input.at > now else None)
            if not input.confirm:
                return _scheduled(asked, input.at, "", policy, opening)
            return replace(asked, state=S.ASKED, due_at=input.at, next_at=now + policy.confirm_ms)
        case Confirm():
            return _scheduled(replace(callback, code=""), max(callback.due_at, now), "", policy, opening)
        case Move():
            if not opening.is_open(input.at):
                raise Refused("Nobody may be called at that time.", code="callback.hours")
            moved = replace(callback, wished_at=input.at, due_at=input.at, slot=input.slot)
            return moved if callback.state is S.ASKED else _scheduled(moved, input.at, "", policy, opening)
        case CallNow():
            if not opening.is_open(now):
                raise Refused("Nobody may be called there at this time.", code="callback.hours")
            queued = callback.state is S.QUEUED
            return callback if queued else replace(callback, due_at=now, next_at=now)
        case Give():
            return replace(callback, only_agent=input.agent)
        case Due():
            return _due(callback, input, policy, opening, now)
        case AgentFirst():
            return replace(callback, ahead=False)
        case Accepted():
            until = now + input.preview_ms if input.preview_ms else None
            next_at = until or now + policy.call_ms
            return replace(callback, state=S.CONNECTING, agent=input.agent, preview_until=until, next_at=next_at)
        case Dial():
            if callback.state is S.CONNECTING and callback.preview_until is None:
                return callback
            return _read(replace(callback, state=S.CONNECTING, agent=input.agent), policy, now)
        case PutOff():
            return _put_off(callback, input, policy, opening, now)
        case Lost():
            return _back(callback, opening, now)
        case Place():
            return _place(callback, input, policy, opening, now)
        case Fall():
            return _fall(callback, policy, opening, now)
        case Rings():
            return replace(callback, state=S.RINGING, next_at=now + policy.call_ms)
        case Answered():
            return replace(_last(callback, answered_at=now), next_at=now + policy.call_ms)
        case Talks():
            talking = replace(callback, state=S.TALKING, next_at=now + policy.call_ms)
            return replace(_last(talking, agent=input.agent), agent=input.agent) if input.agent else talking
        case Told():
            return replace(callback, told=input.result)
        case Ended():
            return _ended(callback, input, policy, opening, now)
        case Postpone():
            return _postponed(callback, input.reason, policy, opening, now)
        case StillOn():
            return callback if callback.preview_until is not None else replace(callback, next_at=now + policy.call_ms)
        case CalledIn():
            return _over(callback, S.REACHED, "called_in", now)
        case Close():
            return _over(callback, S.CLOSED, input.reason, now)
        case Cancel():
            return _over(callback, S.CANCELLED, input.by, now)
        case _:
            assert_never(input)


def _over(callback: Callback, state: State, reason: str, now: Millis) -> Callback:
    """The end. An attempt under way is left as it stands: its result is not known."""
    return replace(
        callback,
        state=state,
        reason=reason,
        next_at=None,
        ended_at=now,
        agent=None,
        code="",
        preview_until=None,
        ahead=False,
    )


def _last(callback: Callback, **changes: Any) -> Callback:
    """With its last attempt changed."""
    return replace(callback, attempts=(*callback.attempts[:-1], replace(callback.attempts[-1], **changes)))


def _read(callback: Callback, policy: Policy, now: Millis) -> Callback:
    """The preview is over: now its call is made."""
    return replace(callback, preview_until=None, next_at=now + policy.call_ms)


def _back(callback: Callback, opening: Opening, now: Millis) -> Callback:
    """To the same queue at the same age; should the hours be over, the next look says so."""
    return replace(callback, state=S.QUEUED, agent=None, preview_until=None, next_at=_end_of_hours(opening, now))


def _put_off(callback: Callback, input: PutOff, policy: Policy, opening: Opening, now: Millis) -> Callback:
    if callback.state is S.CONNECTING and (callback.preview_until is None or callback.agent != input.agent):
        raise Refused("This callback is being dialled already.", code="callback.dialled")
    only = None if callback.only_agent == input.agent else callback.only_agent
    free = replace(callback, only_agent=only, why=input.why)
    return _back(free, opening, now) if input.at is None else _scheduled(free, input.at, "put_off", policy, opening)


def _scheduled(callback: Callback, at: Millis, reason: str, policy: Policy, opening: Opening) -> Callback:
    """For the first time from `at` on at which the callee may be called; without one in due time it is closed."""
    due = opening.first(at)
    if due is None:
        return _over(callback, S.CLOSED, "no_hours", at)
    if due > (callback.wished_at or callback.asked_at) + policy.longest_ms:
        return _over(callback, S.CLOSED, "expired", at)
    waits = replace(callback, state=S.SCHEDULED, due_at=due, next_at=due, reason=reason)
    return replace(waits, agent=None, preview_until=None, ahead=False)


def _end_of_hours(opening: Opening, now: Millis) -> Millis:
    """When the hours that `now` lies in end; a day from now where they do not."""
    return (opening.until(now) or now + 24 * 3_600_000) if opening.is_open(now) else now


def _due(callback: Callback, input: Due, policy: Policy, opening: Opening, now: Millis) -> Callback:
    if callback.next_at is None or callback.next_at > now:
        return callback
    match callback.state:
        case S.ASKED:
            return _over(callback, S.CLOSED, "not_confirmed", now)
        case S.SCHEDULED if opening.is_open(now):
            kept = callback.age or input.age or now
            queued = replace(callback, state=S.QUEUED, age=kept, next_at=_end_of_hours(opening, now), reason="")
            return replace(queued, ahead=input.ahead and not callback.page)
        case S.SCHEDULED | S.QUEUED:
            if callback.state is S.QUEUED and opening.is_open(now):
                return replace(callback, next_at=_end_of_hours(opening, now))
            return _scheduled(callback, now, "hours", policy, opening)
        case S.CONNECTING if callback.preview_until is not None:
            return _read(callback, policy, now)
        case _:
            return callback  # somebody has to look


def _place(callback: Callback, input: Place, policy: Policy, opening: Opening, now: Millis) -> Callback:
    if not opening.is_open(now):
        return _scheduled(callback, now, "hours", policy, opening)
    attempt = Attempt(now, callback.agent or "", input.version, ahead=callback.ahead)
    return replace(
        callback,
        state=S.DIALLING,
        ahead=False,
        attempts=(*callback.attempts, attempt),
        told=None,
        preview_until=None,
        next_at=now + policy.call_ms,
        at_page=input.page,
    )


def _fall(callback: Callback, policy: Policy, opening: Opening, now: Millis) -> Callback:
    if not callback.at_page or not callback.number:
        raise Refused("There is no telephone that could be called now.", code="callback.state")
    if not opening.is_open(now):
        raise Refused("Nobody may be called there at this time.", code="callback.hours")
    return replace(callback, state=S.DIALLING, at_page=False, next_at=now + policy.call_ms)


def _ended(callback: Callback, input: Ended, policy: Policy, opening: Opening, now: Millis) -> Callback:
    result = callback.told or input.result
    met = callback.state is S.TALKING or result is Result.MACHINE
    if not met and callback.attempts[-1].answered_at is not None:
        # Whoever hung up, or failed: a person answered, and nobody talked to him.
        result = Result.UNSERVED
    ended = _last(callback, result=result, status=input.status, talk_ms=input.talk_ms, cost=input.cost, ended_at=now)
    tried = replace(ended, told=None)
    if result is Result.REACHED:
        return _over(tried, S.REACHED, "", now)
    delay = policy.delays_ms.get(str(result))
    if delay is None:
        return _over(tried, S.CLOSED, str(result), now)
    if result is Result.UNREACHABLE:
        # The customer knows nothing of it: it is no attempt of his.
        if tried.postponed >= policy.postponements:
            return _over(tried, S.CLOSED, str(result), now)
        tried = replace(tried, postponed=tried.postponed + 1)
    elif counted(tried) >= policy.attempts:
        return _over(tried, S.CLOSED, "attempts", now)
    return _scheduled(tried, now + delay, str(result), policy, opening)


def counted(callback: Callback) -> int:
    """How many attempts there were at which the customer's phone rang, or may have."""
    return sum(attempt.result is not Result.UNREACHABLE for attempt in callback.attempts)


def _postponed(callback: Callback, reason: str, policy: Policy, opening: Opening, now: Millis) -> Callback:
    if callback.postponed >= policy.postponements:
        return _over(callback, S.CLOSED, reason, now)
    later = replace(callback, postponed=callback.postponed + 1)
    return _scheduled(later, now + policy.postpone_ms, reason, policy, opening)


def result_of(
    by: str, cause: str, status: int | None, *, talked: bool, rang: bool, unconfirmed: bool = False
) -> Result:
    """What an ended call says of its attempt, by who ended it, why, and the network's status (RFC 3261, 3326, 8197).

    The agent who hangs up while it rings has waited long enough: that is no answer. A network that says nothing until
    its time is over, or that no phone rang by then, put nothing through. `unconfirmed`: whoever answered was
    asked whether he wanted it, and did not say so.
    """
    if talked:
        return Result.REACHED
    if by == "system" and cause == "machine":
        return Result.MACHINE
    if unconfirmed or (by == "system" and cause == "not_confirmed"):
        return Result.NOT_CONFIRMED
    if by == "system" and cause != "no_answer":
        return Result.INTERRUPTED
    if status in (486, 600):
        return Result.BUSY
    if status in (603, 607, 608):
        return Result.REJECTED
    if status in (404, 410, 484, 604):
        return Result.WRONG_NUMBER
    if by == "network" and status == 408 and not rang:
        return Result.UNREACHABLE
    if status in (408, 480, 487) or cause == "no_answer" or by not in ("network", "customer"):
        return Result.NO_ANSWER
    if by == "customer":
        return Result.REJECTED
    return Result.UNREACHABLE
