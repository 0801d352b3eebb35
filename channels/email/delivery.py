"""What becomes of a mail that is tried: pure, so that five days pass in no time."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from channels.email.smtp_out import Reply, Verdict
from hub.mails import MailState, StoredMail
from hub.model import Millis

GIVE_UP_MS = 5 * 24 * 3600_000
MINUTE_MS = 60_000
# Greylisting servers take a mail after some minutes, full ones after hours.
PAUSES_MS = tuple(minutes * MINUTE_MS for minutes in (2, 5, 10, 20, 40, 80, 160, 240))
ERROR_LIMIT = 500


def pause_ms(attempts: int, chance: float) -> Millis:
    """How long to wait after so many attempts, spread by a tenth either way; `chance` is from 0 to 1."""
    pause = PAUSES_MS[min(max(attempts, 1), len(PAUSES_MS)) - 1]
    return int(pause * (0.9 + 0.2 * chance))


def pending(mail: StoredMail, recipients: list[str]) -> list[str]:
    """Whom it is still to be given for."""
    return [to for to in recipients if to not in mail.taken and to not in mail.refused]


def after_verdict(mail: StoredMail, recipients: list[str], verdict: Verdict, now: Millis, chance: float) -> StoredMail:
    """The mail after a server's answer. It is over when nobody is left to try for, or its time is."""
    taken = (*mail.taken, *(to for to in verdict.taken if to not in mail.taken))
    refused = mail.refused | {to: told(reply) for to, reply in verdict.refused.items()}
    mail = replace(mail, attempts=mail.attempts + 1, taken=taken, refused=refused)
    status = next((reply.code for reply in (*verdict.refused.values(), *verdict.later.values())), None)
    if pending(mail, recipients):
        why = "; ".join(dict.fromkeys(told(reply) for reply in verdict.later.values()))
        return later(mail, recipients, why, status, now, pause_ms(mail.attempts, chance))
    return _over(mail, status)


def later(
    mail: StoredMail, recipients: list[str], why: str, status: int | None, now: Millis, pause: Millis
) -> StoredMail:
    """Tried again after `pause`, or given up when that is past its end."""
    given_up_at = mail.given_up_at or now + GIVE_UP_MS
    mail = replace(mail, error=why[:ERROR_LIMIT], status=status, given_up_at=given_up_at)
    if now + pause > given_up_at:
        given_up = dict.fromkeys(pending(mail, recipients), f"Given up after five days: {why}"[:ERROR_LIMIT])
        return _over(replace(mail, refused=mail.refused | given_up), status)
    return replace(mail, state=MailState.QUEUED, next_at=now + pause)


def failed(mail: StoredMail, why: str) -> StoredMail:
    """It cannot be sent at all, whatever the servers are like."""
    return replace(mail, state=MailState.FAILED, error=why[:ERROR_LIMIT], next_at=None, status=None)


def _over(mail: StoredMail, status: int | None) -> StoredMail:
    if not mail.taken:
        why = "; ".join(dict.fromkeys(mail.refused.values()))
        return replace(mail, state=MailState.FAILED, error=why[:ERROR_LIMIT], next_at=None, status=status)
    why = "; ".join(f"{to}: {reason}" for to, reason in mail.refused.items())
    return replace(mail, state=MailState.SENT, error=why[:ERROR_LIMIT], next_at=None, status=status)


def told(reply: Reply) -> str:
    return reply.text if reply.code is None or reply.text.startswith(str(reply.code)) else f"{reply.code} {reply.text}"


def again(mail: StoredMail, now: Millis) -> StoredMail:
    """A mail that failed or came back, put in line once more for those who have not got it."""
    taken = () if mail.state is MailState.BOUNCED else mail.taken
    return replace(
        mail,
        state=MailState.QUEUED,
        next_at=now,
        given_up_at=None,
        attempts=0,
        error="",
        status=None,
        taken=taken,
        refused={},
    )


def summary(refused: Mapping[str, str]) -> str:
    """Who did not get it and why, for a line of the conversation."""
    return "; ".join(f"{to}: {why}" for to, why in refused.items())[:ERROR_LIMIT]
