"""Mails about callbacks to customers whose address is known, and text messages where they are wanted (`texts.py`): that
it is promised, soon to come, over, or how it is confirmed. The leading node's business, driven by the log; a mail's id
and a message's key follow from what it tells, so none goes twice, whoever writes it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from urllib.parse import urlencode

import structlog
from msgspec import Struct

from channels.callback.calendar_file import calendar_file
from channels.callback.contact import create
from channels.callback.keys import code_of, make_token
from channels.callback.notice_words import TITLES, Kind, body_of, spoken, subject_of, when_of
from channels.callback.steps import Steps
from channels.callback.texts import Texts
from hub import commands as c
from hub.callbacks.model import Callback, State
from hub.callbacks.records import CallbackFilter
from hub.config_mail import Mailbox
from hub.contacts import Words
from hub.errors import HubError, InvalidInput, Unavailable, VersionConflict
from hub.events import CallbackMoved, Recorded
from hub.files import FileStore
from hub.ids import derived_id
from hub.mailing import mailbox_of, sending
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import AuthorKind, FileRef, MessageKind, Millis, StoredFile
from hub.numbers import international
from hub.service import Hub
from mail.compose_headers import clean, spec
from mail.token import make_token as reply_token
from mail.token import message_id, reply_address

log = structlog.get_logger(__name__)

PER_DAY = 10
DAY_MS = 24 * 3_600_000
LOOK_S = 30.0
AT_ONCE = 2_000
PAGE = 200
SOON_MS = 60_000
# It ended because of somebody who does not want to hear of it, or of the customer's own silence.
SILENT = frozenset({"do_not_call", "not_confirmed", "agent", "abandoned"})


class Notice(Struct, frozen=True):
    """What is to be told; `key` makes it one of the callback's mails, and is the same for the same thing."""

    kind: Kind
    key: str


def notice_of(callback: Callback, now: Millis) -> Notice | None:
    """What its customer is told of how it stands now, by mail or text message; None for nothing."""
    if not callback.number:
        return None  # who is rung at his page only sees there how it stands
    match callback.state:
        case State.ASKED:
            return Notice("code", "code")
        case State.SCHEDULED if callback.attempts:
            return None
        case State.SCHEDULED if callback.slot is not None:
            return Notice("slot", f"slot-{callback.slot}")
        # What is due at once is in the queue in a moment.
        case State.SCHEDULED if (callback.next_at or 0) > now + SOON_MS:
            return Notice("soon", "soon")
        case State.QUEUED if callback.slot is None and not callback.attempts:
            return Notice("soon", "soon")
        case State.CLOSED if callback.reason not in SILENT:
            return Notice("closed", "closed")
        case State.CANCELLED if callback.slot is not None:
            return Notice("cancelled", "cancelled")
    return None


def reminder_of(callback: Callback, lead: Millis) -> Notice | None:
    """Whether somebody who chose a time is reminded of it; not when he chose it only just before."""
    due = callback.state is State.SCHEDULED and callback.slot is not None and not callback.attempts
    if not due or callback.asked_at + 2 * lead > callback.due_at:
        return None
    return Notice("reminder", f"reminder-{callback.slot}")


class Notices:
    """`secret` is what reply tokens and callbacks' secrets are made with, `domain` stands in Message-IDs (empty: the
    mailbox's own), `url` is where browsers find the hub ("" where nobody said)."""

    def __init__(self, hub: Hub, steps: Steps, files: FileStore, secret: bytes, domain: str, url: str) -> None:
        self._hub, self._steps, self._files = hub, steps, files
        self._secret, self._domain, self._url = secret, domain, url
        self._texts = Texts(hub, steps)
        self._waiting: dict[str, None] = {}
        self._reminded: set[str] = set()
        self._wake = asyncio.Event()
        self._behind = True
        self._task: asyncio.Task[None] | None = None
        hub.leadership.on_change(self._leads)

    async def start(self) -> None:
        """After the hub has started."""
        self._hub.follow("callback-notices", self._follow)
        self._task = asyncio.create_task(self._run(), name="callbacks.notices")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _leads(self, leads: bool) -> None:
        self._behind = leads
        self._waiting.clear()
        self._wake.set()

    async def _follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader."""
        if self._hub.leadership.leads:
            self._waiting |= {each.stream: None for each in batch if isinstance(each.event, CallbackMoved)}
            if self._waiting:
                self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                if self._hub.leadership.leads and (self._hub.mailing is not None or self._texts.any):
                    await self._catch_up()
                    await self._tell()
                    await self._remind()
            except HubError as error:
                log.warning("callbacks.notices_failed", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()

    async def _catch_up(self) -> None:
        """What a former leader may not have come to."""
        if not self._behind:
            return
        since, after = self._hub.clock.now() - DAY_MS, None
        for _ in range(AT_ONCE // PAGE):
            found = await self._hub.store.callbacks.page(CallbackFilter(asked_from=since), after=after, limit=PAGE)
            self._waiting |= {callback.id: None for callback in found}
            if len(found) < PAGE:
                break
            after = found[-1].id
        self._behind = False

    async def _tell(self) -> None:
        for id in list(self._waiting):
            self._waiting.pop(id, None)
            callback = await self._hub.store.callbacks.get(id)
            notice = None if callback is None else notice_of(callback, self._hub.clock.now())
            if callback is not None and notice is not None and not await self._sent(callback, notice):
                self._waiting[id] = None  # at the next look

    async def _remind(self) -> None:
        lead = self._steps.settings.remind_ms
        if not lead:
            return
        for callback in await self._hub.store.callbacks.due(self._hub.clock.now() + lead, AT_ONCE):
            notice = reminder_of(callback, lead)
            mark = f"{callback.id}{callback.slot}"
            if notice is not None and mark not in self._reminded and await self._sent(callback, notice):
                if len(self._reminded) > AT_ONCE * 10:
                    self._reminded.clear()
                self._reminded.add(mark)

    async def _sent(self, callback: Callback, notice: Notice) -> bool:
        """False when it has to be tried again."""
        try:
            if callback.email and self._hub.mailing is not None:
                await self._send(callback, notice)
            await self._texts.send(callback, notice.kind, notice.key)
        except (Unavailable, VersionConflict):
            return False
        except HubError as error:
            log.warning("callback.not_told", callback=callback.id, kind=notice.kind, error=str(error))
        return True

    # --- one mail -----------------------------------------------------------------------------------------------------

    async def _send(self, callback: Callback, notice: Notice) -> None:
        """Writes it to the outbox, in the callback's conversation, once."""
        hub = self._hub
        id = derived_id("ma", 0, "callback", callback.id, notice.key)
        if await hub.store.mails.get(id) is not None:
            return
        found = self._mailbox(callback.queue)
        if found is None or not await self._may_get(callback.email):
            return
        account, box = found
        mail, text, file = await self._written(callback, notice, id, account, box)
        words = Words(
            AuthorKind.SYSTEM,
            None,
            mail.from_.name,
            text,
            internal=True,
            kind=MessageKind.MAIL,
            id=mail.message,
            data={"mail": id},
            mails=(mail,),
            files=() if file is None else (file,),
        )
        key = f"notice-{notice.key}-{callback.id}"
        known = callback.contact in await hub.contacts.many([callback.contact])
        if not known:
            # It holds the mails until it is due, and waits for nobody until then.
            steps: list[c.ContactCommand | Words] = [words, c.End("system", "callback_later", 0)]
            made = await hub.contacts.create(callback.contact, create(callback), steps, actor="system", command_id=key)
            known = made.repeated  # the keeper was quicker
        if known:
            await hub.contacts.carry_out(callback.contact, [words], actor="system", command_id=key)
        log.info("callback.told", callback=callback.id, kind=notice.kind)

    def _mailbox(self, queue: str) -> tuple[str, Mailbox] | None:
        boxes = self._hub.directory.mailboxes()
        account = mailbox_of(boxes, queue) or next(iter(sending(boxes)), None)
        return None if account is None else (account, boxes[account])

    async def _may_get(self, address: str) -> bool:
        """Whether there can be such an address, and it has not got many of our mails today."""
        try:
            spec(address)
        except InvalidInput:
            return False
        since = self._hub.clock.now() - DAY_MS
        return await self._hub.store.mails.counted(address.lower(), since, automatic=True) < PER_DAY

    async def _written(
        self, callback: Callback, notice: Notice, id: str, account: str, box: Mailbox
    ) -> tuple[StoredMail, str, StoredFile | None]:
        now, language = self._hub.clock.now(), spoken(callback.language)
        name = clean(box.display_name or box.name)
        domain = self._domain or box.address.rpartition("@")[2]
        await self._steps.ready(callback)
        values = {
            "phone": international(callback.number),
            "reference": callback.reference,
            "code": code_of(callback.id, self._secret),
            "when": "",
        }
        end = (callback.slot or 0) + self._steps.settings.slot_ms
        if callback.slot is not None:
            values["when"] = when_of(callback.slot, end, callback.zones[0], language)
        text = body_of(notice.kind, language, values, link=self._link(callback), house=name)
        file = None
        if callback.slot is not None and notice.kind in ("slot", "cancelled"):
            title = TITLES[language].format(name=name)
            entry = calendar_file(callback, end=end, now=now, domain=domain, title=title, text=text)
            sha256 = await self._files.keep(entry)
            file = StoredFile(
                derived_id("fi", 0, id), callback.contact, "system", "callback.ics", len(entry), "text/calendar",
                sha256, now,
            )  # fmt: skip
        token = reply_token(callback.contact, self._secret)
        subject = subject_of(notice.kind, language, callback.reference)
        mail = StoredMail(
            id=id,
            contact=callback.contact,
            message=derived_id("ms", 0, id),
            direction="out",
            account=account,
            state=MailState.QUEUED,
            at=now,
            from_=MailAddress(box.address, name),
            to=(MailAddress(callback.email),),
            reply_to=(MailAddress(reply_address(box.address, token), name),),
            subject=subject,
            subject_key=subject.casefold(),
            message_id=message_id(token, id.removeprefix("ma_"), domain),
            fold_at=len(text),
            attachments=() if file is None else (FileRef(file.id, file.name, file.size, file.type),),
            automatic=True,
            language=callback.language,
            send_at=now,
            next_at=now,
        )
        return mail, text, file

    def _link(self, callback: Callback) -> str:
        """Where its customer sees it. The secret stands behind the #, which browsers send to nobody."""
        if not self._url:
            return ""
        token = make_token(callback.id, self._secret)
        query = urlencode({"site": callback.site, "locale": callback.language})
        return f"{self._url}/widget/panel?{query}#callback={callback.reference}.{token}"
