"""Which prompts say what a call's machine wants said, as hub and call stand."""

from __future__ import annotations

from channels.voice import announce
from channels.voice.call_values import Sound
from channels.voice.live import LiveCall
from hub.config_rows import RecordingPolicy
from hub.service import Hub

ALONE = {
    Sound.SORRY: "sorry",
    Sound.TYPE_NUMBER: "keep-type",
    Sound.NOT_KEPT: "keep-not",
    Sound.KEPT: "kept",
    Sound.ANNOUNCEMENT: "callback",
    Sound.CONFIRM: "callback-confirm",
    Sound.MESSAGE: "callback-message",
    Sound.NEVER: "never-again",
}


def said(hub: Hub, live: LiveCall, sound: Sound, policy: RecordingPolicy) -> list[str]:
    """The names of the prompts; `policy` is that of the call's queue."""
    match sound:
        case Sound.GREETING:
            greeted = live.call.guide.walk is not None  # by his flow
            return announce.greeting(recorded=policy.announce and policy.mode != "never")[greeted:]
        case Sound.CLOSED | Sound.BUSY:
            queues = hub.directory.queues()
            is_open = live.queue not in queues or hub.directory.is_open(live.queue, hub.clock.now())
            return ["busy" if sound is Sound.BUSY and is_open else "closed"]
        case Sound.NUMBER:
            return announce.number(live.call.menu.number)
        case Sound.NOT_THAT_NUMBER:
            return ["keep-not-that", "keep-type"]
        case Sound.PLACE:
            place = announce.place(hub.routing.position(live.id), hub.routing.wait_s(live.id), live.party.language)
            return [*place, announce.KEEP] if live.call.menu.offered else place
    return [ALONE[sound]]
