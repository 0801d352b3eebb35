"""Contacts that wait for their customers come back to their agents when their time has come. The leading node's
business; woken by the log and by the nearest reminder, never by looking."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from channels.email.outcomes import Outcomes
from hub.errors import NotFound
from hub.events import ContactClosed, ContactReopened, Recorded
from hub.mails import Reminder
from hub.model import Millis, Phase
from hub.service import Hub

log = structlog.get_logger(__name__)

FOR_EVER: Millis = 2**53


class Reminders:
    def __init__(self, hub: Hub, outcomes: Outcomes) -> None:
        self._hub, self._outcomes = hub, outcomes
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        hub.leadership.on_change(lambda leads: self._wake.set())

    async def start(self) -> None:
        """After the hub has started."""
        self._hub.follow("reminders", self._follow)
        self._task = asyncio.create_task(self._run(), name="reminders")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self, batch: Sequence[Recorded]) -> None:
        for recorded in batch:
            event = recorded.event
            if isinstance(event, ContactClosed) and event.reason == "waiting":
                self._wake.set()
            elif isinstance(event, ContactReopened) and self._hub.leadership.leads:
                await self._hub.store.mails.forget_reminder(recorded.stream)

    async def _run(self) -> None:
        while True:
            wait: float | None = None
            try:
                if self._hub.leadership.leads:
                    wait = await self._due()
            except Exception:
                log.exception("reminders.failed")
                wait = 5.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()

    async def _due(self) -> float | None:
        """Brings back what is due; how long until the next, None for none."""
        while True:
            nearest = await self._hub.store.mails.reminders(FOR_EVER, 1)
            if not nearest:
                return None
            left = nearest[0].at - self._hub.clock.now()
            if left > 0:
                return left / 1000
            await self._remind(nearest[0])

    async def _remind(self, reminder: Reminder) -> None:
        with contextlib.suppress(NotFound):
            contact = (await self._hub.contacts.get(reminder.contact)).contact
            if contact.phase is Phase.CLOSED:
                await self._hub.contacts.do(
                    reminder.contact,
                    self._outcomes.reopening(contact, "reminder", reminder.agent),
                    actor="system",
                    command_id=f"remind-{reminder.at}",
                )
                log.info("contact.reminded", contact=reminder.contact, agent=reminder.agent)
        await self._hub.store.mails.forget_reminder(reminder.contact)
