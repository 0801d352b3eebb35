"""What browsers are told of the ways around NATs: STUN servers, and TURN with credentials for one call."""

from __future__ import annotations

import re
from typing import Any

from channels.voice.settings import VoiceSettings
from hub.model import Millis
from webrtc.turn import credentials, for_browser


def ice_servers(settings: VoiceSettings, name: str, now: Millis) -> list[dict[str, Any]]:
    """As RTCPeerConnection's `iceServers` wants them; `name` says in coturn's log whose they are."""
    servers = settings.ice_servers
    if settings.turn is not None:
        servers = (*servers, credentials(settings.turn, re.sub(r"[^A-Za-z0-9_-]", "", name), now / 1000))
    return for_browser(servers)
