"""The outbox: mails whose time has come are given to their servers, until they were taken or are refused for ever.

A mail lies in the store before anybody is told that it will be sent. The node that leads claims it (SENDING, with the
time at which the claim ends), composes it once and keeps the bytes, gives it to the server and writes what became of
it. After a crash in between the claim ends and the same bytes go again, under the same Message-ID: a mail may come
twice then, and never not at all. Nothing is asked of the store while nothing waits: the log tells of new mails.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from channels.email.delivery import GIVE_UP_MS, after_verdict, again, failed, later, pause_ms, pending
from channels.email.figures import Figures
from channels.email.letters import Letters, addressed
from channels.email.outcomes import Outcomes
from channels.email.senders import Pace, Senders, Way
from channels.email.smtp_out import Down, Lost, Verdict
from hub.errors import InvalidInput, NotFound, Refused, TooLarge
from hub.events import MessageAdded, Recorded
from hub.files import FileStore
from hub.mails import MailState, StoredMail
from hub.model import Millis
from hub.service import Hub
from mail.compose import Letter, needs_utf8
from mail.compose import recipients as recipients_of
from mail.compose_headers import spec

log = structlog.get_logger(__name__)

AT_ONCE = 16
AT_ONCE_PER_MAILBOX = 4
LOOKED_AT = 1000
ATTEMPT_S = 300.0
# Longer than an attempt can take: whoever finds it over knows that nobody is at it any more.
CLAIM_MS = 330_000
STOP_S = 5.0
AFTER_A_FAULT_S = 5.0
# Of a mailbox whose server cannot be reached.
DOWN_PAUSES_MS = (10_000, 20_000, 40_000, 80_000, 160_000, 300_000)
WAKE = "mail.queued"


class Trouble(Struct, frozen=True):
    """Why a mailbox cannot send now, and when it is tried again."""

    sentence: str
    until: Millis
    times: int


class Outbox:
    """`troubles` are the mailboxes that cannot send, by id; `failures` and `last_error` are of the outbox itself."""

    def __init__(self, hub: Hub, files: FileStore, senders: Senders) -> None:
        self._hub, self._files, self._senders = hub, files, senders
        self.letters = Letters(hub.store, files)
        self.outcomes = Outcomes(hub)
        self.figures = Figures(CollectorRegistry())
        self.troubles: dict[str, Trouble] = {}
        self.failures = 0
        self.last_error: str | None = None
        self._paces: dict[str, Pace] = {}
        self._wake = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        hub.leadership.on_change(lambda leads: self._wake.set())
        hub.bus.subscribe(WAKE, lambda message: self._wake.set())
        hub.directory.on_change(self._configured)

    async def start(self) -> None:
        """After the hub has started."""
        if self._hub.leadership.alone:
            await self._take_up()
        self._hub.follow("outbox", self._follow)
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def stop(self) -> None:
        """Mails that are under way have some seconds to end; what is cut short goes again at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=STOP_S)
        for task in list(self._sending.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._senders.close()

    async def _take_up(self) -> None:
        """Nobody but a former process of ours had begun what is claimed: it goes at once."""
        now = self._hub.clock.now()
        for mail in await self._hub.store.mails.due(now + CLAIM_MS, LOOKED_AT):
            if mail.state is MailState.SENDING and mail.next_at is not None and mail.next_at > now:
                await self._hub.store.mails.update(replace(mail, next_at=now))

    async def _follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader: wakes the outbox when a mail of ours was written."""
        for recorded in batch:
            event = recorded.event
            if isinstance(event, MessageAdded) and event.kind == "mail" and event.author_kind != "visitor":
                self._wake.set()

    def _configured(self, kind: str, id: str) -> None:
        if kind == "mailbox":
            self.troubles.pop(id, None)
            self._paces.pop(id, None)
            self._wake.set()

    # --- what people want of it ---------------------------------------------------------------------------------------

    async def undo(self, id: str) -> StoredMail:
        """Takes back a mail that has not gone yet. Raises NotFound, Refused `mail.gone`."""
        mail = await self._known(id)
        if mail.state is MailState.CANCELLED:
            return mail
        cancelled = replace(mail, state=MailState.CANCELLED, next_at=None)
        if mail.state is not MailState.QUEUED or mail.taken or not await self._hub.store.mails.update(cancelled):
            raise Refused("This mail has gone already.", code="mail.gone")
        await self.outcomes.tell(cancelled)
        return replace(cancelled, version=cancelled.version + 1)

    async def resend(self, id: str) -> StoredMail:
        """Puts a mail in line again that failed, came back or waits for its next try. Raises NotFound, Refused."""
        mail = await self._known(id)
        if mail.state not in (MailState.FAILED, MailState.BOUNCED, MailState.QUEUED, MailState.SENT):
            raise Refused("This mail is on its way or was taken back.", code="mail.state")
        if mail.state is MailState.SENT and not mail.refused:
            raise Refused("Everybody got this mail.", code="mail.sent")
        anew = again(mail, self._hub.clock.now())
        if not await self._hub.store.mails.update(anew):
            raise Refused("This mail is on its way.", code="mail.state")
        await self._hub.bus.publish(WAKE, {})
        await self.outcomes.tell(anew)
        return replace(anew, version=anew.version + 1)

    async def _known(self, id: str) -> StoredMail:
        mail = await self._hub.store.mails.get(id)
        if mail is None or mail.direction != "out":
            raise NotFound("mail", id)
        return mail

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        pause = 0.5
        while True:
            try:
                await self._send_due()
                await self._sleep()
                pause = 0.5
            except Exception as error:
                self._failed(error)
                await asyncio.sleep(pause * (0.5 + random.random()))
                pause = min(pause * 2, 30.0)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self.last_error = f"{type(error).__name__}: {error}"
        log.exception("outbox.failed")

    async def _sleep(self) -> None:
        wait: float | None = None
        if self._hub.leadership.leads:
            due = await self._hub.store.mails.next_due()
            if due is not None:
                left = (due - self._hub.clock.now()) / 1000
                # What is due and was not begun waits for a free place, whose end wakes us.
                wait = left if left > 0 else 1.0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._wake.wait()
        self._wake.clear()

    async def _send_due(self) -> None:
        if not self._hub.leadership.leads:
            return
        for mail in await self._hub.store.mails.due(self._hub.clock.now(), LOOKED_AT):
            if len(self._sending) >= AT_ONCE:
                return
            if mail.id in self._sending or self._busy[mail.account] >= AT_ONCE_PER_MAILBOX:
                continue
            self._busy[mail.account] += 1
            task = asyncio.create_task(self._attempt(mail), name=f"mail.{mail.id}")
            self._sending[mail.id] = task
            task.add_done_callback(lambda _, ended=mail: self._ended(ended))  # type: ignore[misc]

    def _ended(self, mail: StoredMail) -> None:
        self._sending.pop(mail.id, None)
        self._busy[mail.account] -= 1
        if self._busy[mail.account] <= 0:
            del self._busy[mail.account]
        self._wake.set()

    async def _attempt(self, mail: StoredMail) -> None:
        try:
            await self._try(mail)
        except Exception as error:
            # What was claimed comes again when the claim ends; what was not, after a while.
            self._failed(error)
            await asyncio.sleep(AFTER_A_FAULT_S)

    async def _try(self, mail: StoredMail) -> None:
        now = self._hub.clock.now()
        head = Letter(
            addressed(mail.from_),
            mail.message_id,
            now,
            to=tuple(map(addressed, mail.to)),
            cc=tuple(map(addressed, mail.cc)),
            bcc=tuple(map(addressed, mail.bcc)),
            reply_to=tuple(map(addressed, mail.reply_to)),
        )
        try:
            recipients = recipients_of(head)
            own = spec(mail.from_.address, "from")
        except InvalidInput as error:
            await self._invalid(mail, error.message)
            return
        trouble = self.troubles.get(mail.account)
        if trouble is not None and trouble.until > now:
            await self._hub.store.mails.update(replace(mail, next_at=trouble.until, error=trouble.sentence))
            return
        try:
            way = await self._senders.get(mail.account)
        except Down as down:
            await self._down(mail, recipients, down)
            return
        at = self._pace(way).slot(mail.id, now)
        if at > now:
            await self._hub.store.mails.update(replace(mail, next_at=at))
            return
        try:
            mail, raw = await self._bytes(mail, way, now)
        except (InvalidInput, TooLarge) as error:
            await self._invalid(mail, error.message)
            return
        claimed = replace(
            mail,
            state=MailState.SENDING,
            next_at=now + CLAIM_MS,
            given_up_at=mail.given_up_at or now + GIVE_UP_MS,
        )
        if not await self._hub.store.mails.update(claimed):
            return  # it was taken back just now, or another node has it
        claimed = replace(claimed, version=claimed.version + 1)
        await self.outcomes.tell(claimed)
        await self.outcomes.leave_waiting(claimed)
        # What is automatic gets no answer (RFC 3834, 3.3); but servers that ask who we are take nothing from nobody.
        nobody = mail.automatic and not way.sender.row.outbound.username
        await self._give(claimed, way, "" if nobody else own, recipients, raw, needs_utf8(head))

    def _pace(self, way: Way) -> Pace:
        id, per_minute = way.sender.id, way.sender.row.outbound.per_minute
        pace = self._paces.get(id)
        if pace is None or pace.per_minute != per_minute:
            pace = self._paces[id] = Pace(per_minute)
        return pace

    async def _bytes(self, mail: StoredMail, way: Way, now: Millis) -> tuple[StoredMail, bytes]:
        """The mail as it goes, made at the first try and the same ever after. Raises InvalidInput, TooLarge."""
        if mail.raw:
            path = self._files.path(mail.raw)
            return mail, b"".join([block async for block in self._files.read(path)])
        raw = await self.letters.compose(mail, now)
        if way.sender.signer is not None:
            raw = await asyncio.to_thread(way.sender.signer.sign, raw)
        return replace(mail, raw=await self._files.keep(raw), size=len(raw), date=now), raw

    async def _give(
        self, mail: StoredMail, way: Way, sender: str, recipients: list[str], raw: bytes, utf8: bool
    ) -> None:
        left = pending(mail, recipients)
        try:
            if way.smtp is None:
                verdict = Verdict(tuple(left))
            else:
                async with asyncio.timeout(ATTEMPT_S):
                    verdict = await way.smtp.send(sender, left, raw, utf8=utf8)
        except Down as down:
            await self._down(mail, recipients, down)
            return
        except (Lost, TimeoutError) as error:
            why = (
                f"The connection was lost while the mail was sent: {error}" if str(error) else "The server fell silent."
            )
            tried = replace(mail, attempts=mail.attempts + 1)
            pause = pause_ms(tried.attempts, random.random())
            lost = later(tried, recipients, why, None, self._hub.clock.now(), pause)
            await self.outcomes.write(lost)
            self._tried(lost, "lost")
            return
        self.troubles.pop(mail.account, None)
        ended = after_verdict(mail, recipients, verdict, self._hub.clock.now(), random.random())
        await self.outcomes.write(ended)
        if ended.state is MailState.SENT:
            self._tried(ended, "partly" if ended.refused else "taken")
        else:
            self._tried(ended, "later" if verdict.later else "refused")
        log.info("mail.tried", mail=mail.id, contact=mail.contact, state=str(ended.state), status=ended.status)

    async def _down(self, mail: StoredMail, recipients: list[str], down: Down) -> None:
        """Nothing of this mailbox can go for a while; the mail itself is not to blame."""
        now = self._hub.clock.now()
        known = self.troubles.get(mail.account)
        if known is None or known.until <= now:
            times = 0 if known is None else known.times + 1
            pause = DOWN_PAUSES_MS[min(times, len(DOWN_PAUSES_MS) - 1)]
            known = self.troubles[mail.account] = Trouble(down.sentence, now + pause, times)
            log.warning("mailbox.cannot_send", mailbox=mail.account, reason=down.sentence, status=down.code)
        waiting = later(mail, recipients, down.sentence, down.code, now, max(1000, known.until - now))
        await self.outcomes.write(waiting)
        self._tried(waiting, "down")

    async def _invalid(self, mail: StoredMail, why: str) -> None:
        await self.outcomes.write(failed(mail, why))
        self.figures.failures.labels(mail.account, "invalid").inc()

    def _tried(self, mail: StoredMail, result: str) -> None:
        """`result` is what the server did; that this was the last time is the mail's."""
        if mail.state is MailState.FAILED and result != "refused":
            result = "expired"
        self.figures.tries.labels(mail.account, result).inc()
        if mail.state is MailState.FAILED or result == "partly":
            self.figures.failures.labels(mail.account, "expired" if result == "expired" else "refused").inc()


def mails_changed(message: Mapping[str, Any]) -> tuple[str, str]:
    """(mail, contact) of what `Outcomes.tell` published."""
    return str(message["mail"]), str(message["contact"])
