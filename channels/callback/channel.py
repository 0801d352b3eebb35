"""The callback channel, put together; `server.py` starts and stops it."""

from __future__ import annotations

from channels.callback.asking import Asking
from channels.callback.dialler import Dialler
from channels.callback.guard import Guard
from channels.callback.keeper import Keeper
from channels.callback.steps import Steps
from channels.voice import call_values as v
from channels.voice.channel import VoiceChannel
from hub.callbacks.model import Policy
from hub.callbacks.settings import DAY_MS, CallbackSettings, Caps, Limits
from hub.config_callbacks import Callbacks, round_the_clock
from hub.service import Hub

MINUTE_MS = 60_000


class CallbackChannel:
    def __init__(self, hub: Hub, settings: CallbackSettings, voice: VoiceChannel) -> None:
        steps = Steps(hub, settings)
        guard = Guard(hub, settings)
        self.asking = Asking(hub, steps, guard, lambda: any(trunk.host for trunk in voice.settings.trunks))
        screen = v.Screen(settings.announce, settings.machine)
        self.keeper = Keeper(hub, steps, guard, Dialler(voice.calls, voice.trunks, screen))
        voice.calls.may_place = self.keeper.may_place
        hub.calling_back = self.asking

    async def start(self) -> None:
        """After the hub and the voice channel have started."""
        await self.keeper.start()

    async def stop(self) -> None:
        await self.keeper.stop()


def opened(hub: Hub, section: Callbacks, voice: VoiceChannel, *, demo: bool) -> CallbackChannel | None:
    """The channel, unless it is switched off; where nothing is said of it, it is there when calls may go out at all."""
    if section.enabled is False or (section.enabled is None and not _calls_out(voice)):
        return None
    if demo:
        section = round_the_clock(section)
    region = next((trunk.region for trunk in voice.settings.trunks if trunk.region), None)
    return CallbackChannel(hub, configured(section, voice.settings.dial.countries, region), voice)


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
    )
