"""What follows from how a call stands: what windows show of it, and what each party hears. A part of `call.py`."""

from __future__ import annotations

from msgspec import Struct

from channels.voice.call_values import Sound, Stage
from channels.voice.page_ring import At


class Standing(Struct, frozen=True):
    """`customer` and `agent`: whether their audio is there; `agent_was`: whether his has ever been. `has_agent`:
    somebody has the call, `connected` by the log. `said` is said to the customer, who is `asked` something by keys.
    The called phone or the `page` is `ringing`, the phone's network can be heard (`early`)."""

    stage: Stage
    customer: bool
    agent: bool
    agent_was: bool
    has_agent: bool
    connected: bool
    held: bool
    said: Sound | None
    asked: bool
    ringing: bool
    early: bool
    page: At


def agent_state(now: Standing) -> str:
    """What the agent's windows show: connecting, ringing, active, held, reconnecting or ended."""
    if now.stage is Stage.OVER or not now.has_agent:
        return "ended"
    if now.stage in (Stage.DIALLING, Stage.SCREENED):
        return "ringing"
    if not now.agent:
        return "reconnecting" if now.agent_was else "connecting"
    return "held" if now.held else "active" if now.connected else "connecting"


def customer_state(now: Standing) -> str:
    """What the customer's page shows: incoming, waiting, ringing, active, held or ended."""
    if now.page is At.MISSED:
        return "ended"
    match now.stage:
        case Stage.OVER | Stage.LEAVING:
            return "ended"
        case Stage.SERVED if now.connected:
            # He is not told why he hears music.
            return "held" if now.held or not now.agent else "active"
        case Stage.SERVED:
            return "ringing"
        case Stage.DIALLING if now.page is At.RINGS:
            return "incoming"
        case Stage.DIALLING if now.page is At.TAKEN:
            return "ringing"
        case _:
            return "waiting"


def customer_hears(now: Standing) -> Sound | None:
    """None while there is nothing to hear it by."""
    if not now.customer:
        return None
    if now.stage in (Stage.WAITING, Stage.LEAVING):
        return now.said or (Sound.SILENCE if now.asked else Sound.MUSIC)
    if now.stage in (Stage.SCREENED, Stage.GUIDED):
        return now.said or Sound.SILENCE
    if now.stage is not Stage.SERVED:
        return None
    if now.held:
        return Sound.MUSIC
    if now.agent:
        return Sound.OTHER
    return Sound.MUSIC if now.agent_was else Sound.RINGING


def agent_hears(now: Standing) -> Sound | None:
    if not now.agent:
        return None
    if now.stage is Stage.DIALLING:
        return Sound.OTHER if now.early else Sound.RINGING if now.ringing else Sound.SILENCE
    return Sound.OTHER if now.customer and not now.held else Sound.SILENCE
