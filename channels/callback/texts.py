"""Text messages about callbacks: events of the log that a webhook brings to whoever sends them (`callback.message`).

The webhook's signing, retries and order are those of all events (`hub/webhooks.py`). What is told is decided in
`notices.py`; here it is put into a few words, once, and not too often: a message costs money, and whoever asks for a
callback may have typed somebody else's number.
"""

from __future__ import annotations

import structlog

from channels.callback.notice_words import Kind, spoken, when_of
from channels.callback.steps import Steps
from channels.callback.text_words import text_of
from hub.callbacks.model import Callback
from hub.events import CallbackMessage
from hub.model import Millis
from hub.service import Hub

log = structlog.get_logger(__name__)

PER_CALLBACK = 6
HOUR_MS = 3_600_000


def good_until(kind: Kind, slot: Millis | None, now: Millis) -> Millis:
    """When it is too late to bring it: what is promised for a time, by that time."""
    if slot is not None and kind in ("slot", "reminder"):
        return slot
    return now + (HOUR_MS if kind == "soon" else 24 * HOUR_MS)


class Texts:
    def __init__(self, hub: Hub, steps: Steps) -> None:
        self._hub, self._steps = hub, steps

    @property
    def any(self) -> bool:
        return self._steps.settings.sms != "off"

    async def send(self, callback: Callback, kind: Kind, key: str) -> None:
        """Raises HubError when it has to be tried again."""
        by_mail = callback.email and self._hub.mailing is not None
        if callback.code == "call":
            return  # whose number it is shows when it is called
        if not self.any or kind == "code" or (by_mail and self._steps.settings.sms == "no_email"):
            return
        written = await self._hub.store.log.stream(callback.id)
        if sum(isinstance(each.event, CallbackMessage) for each in written) >= PER_CALLBACK:
            return
        event = await self._written(callback, kind)
        await self._steps.note(callback.id, event, key=f"text-{key}", fence=self._hub.leadership.right)
        log.info("callback.texted", callback=callback.id, kind=kind)

    async def _written(self, callback: Callback, kind: Kind) -> CallbackMessage:
        language, when = spoken(callback.language), ""
        await self._steps.ready(callback)
        if callback.slot is not None:
            end = callback.slot + self._steps.settings.slot_ms
            when = when_of(callback.slot, end, callback.zones[0], language)
        site = self._hub.directory.sites().get(callback.site)
        text = text_of(kind, language, house=site.name if site is not None else "", when=when)
        until = good_until(kind, callback.slot, self._hub.clock.now())
        return CallbackMessage(kind, callback.number, language, text, callback.reference, callback.contact, until)
