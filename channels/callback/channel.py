"""The callback channel, put together; `server.py` starts and stops it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from channels.callback.asking import Asking
from channels.callback.dialler import Dialler
from channels.callback.door import Door
from channels.callback.door_events import DoorEvents, Windows
from channels.callback.guard import Guard
from channels.callback.keeper import Keeper
from channels.callback.notices import Notices
from channels.callback.steps import Steps
from channels.voice import call_values as v
from channels.voice.channel import VoiceChannel
from hub.callbacks.model import Policy
from hub.callbacks.settings import DAY_MS, CallbackSettings, Caps, Limits
from hub.config import Config
from hub.config_callbacks import Callbacks, round_the_clock
from hub.files import FileStore
from hub.numbers import Verdict, international, verdict
from hub.service import Hub

MINUTE_MS = 60_000


class Outside(Struct, frozen=True):
    """What the hub is to those outside: its secret, the domain of its mails ("": a mailbox's own), its address."""

    secret: bytes
    domain: str
    url: str


class CallbackChannel:
    def __init__(
        self,
        hub: Hub,
        settings: CallbackSettings,
        voice: VoiceChannel,
        windows: Windows,
        files: FileStore,
        outside: Outside,
    ) -> None:
        steps = Steps(hub, settings)
        guard = Guard(hub, settings)
        self.asking = Asking(hub, steps, guard, lambda: any(trunk.host for trunk in voice.settings.trunks))
        screen = v.Screen(settings.announce, settings.machine)
        self.keeper = Keeper(hub, steps, guard, Dialler(voice.calls, voice.trunks, screen, settings.page_ms))
        voice.calls.may_place = self.keeper.may_place
        voice.calls.may_wait = self.keeper.answered
        hub.calling_back = self.asking
        self._door = DoorEvents(hub, windows, Door(hub, self.asking, steps, outside.secret, shown_by(voice)))
        self._notices = Notices(hub, steps, files, outside.secret, outside.domain, outside.url)

    async def start(self) -> None:
        """After the hub and the voice channel have started."""
        await self.keeper.start()
        await self._door.start()
        await self._notices.start()

    async def stop(self) -> None:
        await self._notices.stop()
        await self.keeper.stop()


def shown_by(voice: VoiceChannel) -> Callable[[str], str]:
    """The number that calls of a queue show, as people write it; "" when nobody knows."""

    def shown(queue: str) -> str:
        settings = voice.settings
        number = settings.caller_ids.get(queue) or next((trunk.caller_id for trunk in settings.trunks), "")
        found = verdict(number, settings.dial.countries) if number else Verdict()
        return international(found.number) if found.number and found.reason in ("", "country") else ""

    return shown


def opened(hub: Hub, config: Config, voice: VoiceChannel, windows: Windows, files: FileStore) -> CallbackChannel | None:
    """The channel, unless it is switched off; where nothing is said of it, it is there when calls may go out at all.
    `windows` are those of visitors."""
    section = config.callbacks
    if section.enabled is False or (section.enabled is None and not _calls_out(voice)):
        return None
    if config.demo.enabled:
        section = round_the_clock(section)
    region = next((trunk.region for trunk in voice.settings.trunks if trunk.region), None)
    url = config.server.public_url
    if not url and config.demo.enabled:
        url = f"http://{config.server.host}:{config.server.port}"  # of this machine only
    outside = Outside(config.secret_key(), config.email.domain, url)
    settings = configured(section, voice.settings.dial.countries, region)
    return CallbackChannel(hub, settings, voice, windows, files, outside)


def _calls_out(voice: VoiceChannel) -> bool:
    return voice.settings.enabled and bool(voice.settings.dial.countries)


def configured(section: Callbacks, countries: tuple[str, ...], region: str | None) -> CallbackSettings:
    """The settings of hub.toml; `countries` are those that may be dialled at all."""
    start, _, end = section.hours.partition("-")
    policy = Policy(
        section.attempts,
        {
            "busy": section.busy_minutes * MINUTE_MS,
            "unreachable": section.busy_minutes * MINUTE_MS,
            "interrupted": section.busy_minutes * MINUTE_MS,
            "unserved": section.busy_minutes * MINUTE_MS,
            "no_answer": section.no_answer_minutes * MINUTE_MS,
            "machine": section.machine_minutes * MINUTE_MS,
            "rejected": section.machine_minutes * MINUTE_MS,
        },
        dict.fromkeys(section.days, (start, end)),
        longest_ms=section.give_up_days * DAY_MS,
    )
    return CallbackSettings(
        policy,
        countries,
        region,
        section.slot_minutes * MINUTE_MS,
        section.slot_capacity,
        section.horizon_days * DAY_MS,
        Caps(section.per_number, section.per_address, section.per_site, section.per_day),
        Limits(section.talk_minutes * MINUTE_MS, section.spend * 1000, section.lines),
        section.price,
        only_by_trunk=section.enabled is None,
        in_line=section.in_line,
        announce=section.announce,
        machine=section.machine,
        remind_ms=section.reminder_minutes * MINUTE_MS,
        page_ms=section.page_seconds * 1000,
        sms=section.sms,
    )
