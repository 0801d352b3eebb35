"""Writes the reference pages that follow from the code: events and phases, and the socket events.

Run `python -m docs.generate` after changing either; a test compares the pages with what this would write.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec

from agent_ui import inputs
from agent_ui.actions import Actions
from channels.callback import door
from channels.chat import conversation, socket
from channels.cobrowse import desk as cobrowse
from channels.cobrowse import entering
from channels.cobrowse import inputs as cobrowse_inputs
from channels.cobrowse.desk import Desk
from channels.cobrowse.line import Line
from channels.cobrowse.relay import Frame
from channels.email import form, form_events
from channels.email.desk import MailDesk
from channels.voice import page_phone, visitor_phone
from channels.voice.agent_phone import AgentPhone
from channels.voice.phone_desk import PhoneDesk
from hub import events as e
from hub.machine import TRANSITIONS
from hub.model import Phase
from hub.service import Hub
from hub.sockets import Nothing, SocketEvent

FOLDER = Path(__file__).parent / "reference"


def type_text(annotation: Any) -> str:
    """A field's type as a reader of JSON thinks of it."""
    if get_origin(annotation) is Annotated:
        return type_text(get_args(annotation)[0])
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (list, tuple):
        return f"list of {type_text(arguments[0])}"
    if origin is dict:
        return "object"
    if arguments:
        parts = [type_text(part) for part in arguments if part not in (type(None), msgspec.UnsetType)]
        null = ["null"] if type(None) in arguments else []
        return " or ".join(dict.fromkeys(parts + null))
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return "{" + ", ".join(annotation.__struct_fields__) + "}"
    names = {str: "text", int: "integer", float: "number", bool: "true/false", Any: "anything"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def fields_text(kind: type[msgspec.Struct]) -> str:
    """`name` (type), with ? for what may be left out."""
    found = []
    for field in msgspec.structs.fields(kind):
        optional = "" if field.required else "?"
        found.append(f"`{field.name}{optional}` {type_text(field.type)}")
    return ", ".join(found) or "nothing"


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def diagram() -> Iterator[str]:
    """The contact machine as a Mermaid state diagram; events that keep the phase are left out."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for event, transition in TRANSITIONS.items():
        for source in sorted(transition.source, key=list(Phase).index):
            if transition.target is not None and transition.target is not source:
                start = "[*]" if source is Phase.NEW else str(source)
                yield f"    {start} --> {transition.target}: {event.__struct_config__.tag}"
    yield "    closed --> [*]"
    yield "```"


def events_page() -> str:
    lines = [
        "# Events and phases",
        "",
        "Made from `hub/machine.py` and `hub/events.py` by `docs/generate.py`. The log holds nothing else;",
        "webhooks and `/api/v1/contacts/{id}/events` show them by these names.",
        "",
        *diagram(),
        "",
        "| event | fields | may happen while | meaning |",
        "|---|---|---|---|",
    ]
    for kind in get_args(e.AnyEvent):
        transition = TRANSITIONS.get(kind)
        phases = sorted(transition.source, key=list(Phase).index) if transition else []
        own = kind.__doc__ if kind.__doc__ != e.Event.__doc__ else ""
        lines.append(
            f"| `{kind.__struct_config__.tag}` | {fields_text(kind)} | {', '.join(map(str, phases)) or '-'} |"
            f" {one_line(own)} |"
        )
    return "\n".join(lines) + "\n"


VISITOR_EVENTS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "chat:start": (conversation.StartInput, "`token`, `contact`, `messages`: the same ones for the same client id"),
    "email:begin": (
        Nothing,
        "`ticket`, `nonce`, `bits`: a puzzle for one form; `wait_ms` until it may be sent, `files` (`count`, `bytes`)",
    ),
    "email:send": (form.SendInput, "`reference`, `email`: the same ones for the same form; a ticket is taken once"),
    "email:ask": (
        form_events.AskInput,
        "`state` (waiting, working, answered or closed), `received_at`, `answered_at`; nothing of what was written",
    ),
    "callback:begin": (
        Nothing,
        "`ticket`, `nonce`, `bits`: a puzzle for one form; `wait_ms` until it may be sent, `countries` that are called "
        "(`id`, `code`), `region` that national numbers are read as, `mails`: whether codes can be sent, "
        "`page`: whether he can be rung on his page",
    ),
    "callback:check": (door.CheckInput, '`reason` ("" for a number that is called), `country`, `number`, `short`'),
    "callback:slots": (
        door.SlotsInput,
        "`soon_at`, `wait_s` from then on, `slots` (`start`, `end`, `left`), `topic`, `now`",
    ),
    "callback:ask": (
        door.AskInput,
        "`token`, `callback`, `joined`; `joined` alone when the number was promised one that others asked for. With "
        "`page` also `visitor_token`, who this page is from now on",
    ),
    "callback:status": (door.HeldInput, "`callback`; the window hears of each change from now on"),
    "callback:move": (door.MoveInput, "`callback`"),
    "callback:cancel": (door.CancelInput, "`callback`"),
    "callback:confirm": (door.ConfirmInput, "`callback`; five tries"),
    "chat:sync": (socket.SyncInput, "`contact`, `messages` after that sequence number, `more`"),
    "message:send": (socket.SendInput, "`message`, once it is committed"),
    "typing": (socket.TypingInput, "nothing; may be lost"),
    "mark": (socket.MarkInput, "nothing; marks only move forward"),
    "chat:end": (socket.EndInput, "`contact`"),
    "chat:rate": (socket.RateInput, "`contact`; once"),
    "chat:transcript": (socket.EndInput, "nothing; what was said goes by mail to the address that the visitor gave"),
    "page": (conversation.PageInput, "nothing"),
    "identify": (socket.IdentifyInput, "`verified`, `later` when there is no conversation yet"),
    "logout": (Nothing, "nothing; the token is dropped by the client"),
    "cobrowse:look": (cobrowse.OfContact, "`cobrowse`: how the contact's page stands"),
    "cobrowse:enter": (
        entering.EnterInput,
        "`token`, `cobrowse`: the sharing that the code is for; ten tries in ten minutes",
    ),
    "cobrowse:offer": (cobrowse.WithCapabilities, "`cobrowse`; the customer shares without being asked"),
    "cobrowse:answer": (cobrowse.WithCapabilities, "`cobrowse`; nothing allowed means no"),
    "cobrowse:revoke": (cobrowse.WithCapabilities, "`cobrowse`; without `view` nothing is left"),
    "cobrowse:hold": (cobrowse.HoldInput, "`cobrowse`; a moment for himself"),
    "cobrowse:stop": (cobrowse.OfContact, "`cobrowse`"),
    "cobrowse:ticket": (cobrowse.OfContact, "`ticket` for /cobrowse, `epoch` from which its frames count"),
    "call_ice": (Nothing, "`ice_servers`, for RTCPeerConnection"),
    "call_start": (
        visitor_phone.CallStart,
        "`token`, `contact`, `answer` (SDP). With `contact` that conversation goes on by voice",
    ),
    "call_rejoin": (visitor_phone.CallRejoin, "`answer`: a new leg in the place of the old one"),
    "call_hang_up": (visitor_phone.CallHangUp, "`contact`"),
    "call_standing": (page_phone.PageCall, "`call`, as it is pushed, or null when there is none"),
    "call_take": (page_phone.PageTake, "`taken`: this window answers the call that rings; the first one does"),
    "call_answer": (page_phone.PageAnswer, "`contact`, `answer` (SDP)"),
    "call_decline": (page_phone.PageDecline, "nothing; `unheard` lets his telephone be called instead"),
}
WINDOW_EVENTS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "presence:set": (inputs.SetPresence, "contact.handle"),
    "heartbeat": (inputs.Heartbeat, ""),
    "contact:watch": (inputs.OfContact, "contact.handle"),
    "contact:unwatch": (inputs.OfContact, "contact.handle"),
    "supervise:subscribe": (Nothing, "live.view"),
    "agent:set_presence": (inputs.SetAgentPresence, "agent.set_status"),
    "agent:logout": (inputs.OfAgent, "agent.logout"),
}

FRAME = ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(Frame)) + " (bytes), from the customer's page"

PUSHES = """
## What the hub pushes

To visitors: `hello` (who you are, the site, your conversations), `sync` (a contact and messages, see below), `queue`
(place and estimated wait, at once and then at most every 5 s when it changed), `typing`, `site` (what is open now and
who is here), `call` (`contact`, `state`: incoming, waiting, ringing, active, held or ended; with `position` and
`wait_s` while it waits, `left_ms` and `agent` while it rings on his page, and `quality`), `callback` (one that the
window asked about, as `callback:status` answers), `reconnect` (the hub goes down; come back after `after_ms`).

To agents: `hello` (a snapshot of everything the desktop shows), `sync`, `offer` and `offer:gone` (with the reason),
`invite`, `presence`, `capacity`, `queues` and `directory` (at most once a second), `live` (changed rows of the
supervisor's tables, at most once a second), `typing`, `phone` (`contact`, `state`: connecting, ringing, active, held,
reconnecting or ended; `since`, `recording`: off, on or paused; `number`, `elsewhere`: another window has the audio;
`quality`: `mos`, `loss`, `jitter_ms`, `round_trip_ms`), `phone_line` (where the agent talks: `line` browser or phone;
`allowed`, `account`, and whether his telephone stands `registered`), `phone_ring` (`contact`, `state` of the call at
his telephone: ringing, taking, up, failed with its `problem`, or over), `callback` (`id`, `contact`, `state`: it moved;
`GET callbacks/{id}` says the rest), `signed_out`, `reconnect`.

Where the hub sends mail: `mail` (one of ours in another state, as `GET contacts/{id}/mails` shows it), `mail:lookers`
(`contact`, `agents`: who else looks at it, and whether he is `writing`; a window that looks says `mail:looking` every
ten seconds).

To both: `cobrowse` (`contact`, `session`, `stage`: asked, shared, paused or ended; `agent`, `joined`: whether it is
known whose page, `watchers` beside the agent, `asked`, `granted`, `pauses`, `answer_by`, `expires_at`, `ending`). On
/cobrowse, to agents' windows: `cb:frame`, `cb:cursor`, `cb:state`, `cb:act_res`; to the customer's page: `cb:resync`
(tell the page anew), `cb:point`, `cb:draw`, `cb:look`, `cb:act`, `cb:card`, `cb:elsewhere`.

`sync` holds `seq`, and where they changed `contact`, `messages` and `gone` (the id of a contact that is no longer
yours). Replace a contact by its id when the sequence number is newer, add messages by id in the order of `n`. A
catch-up answers in the same shape, so a stale view plus what was missed is what a fresh one would be.
"""


def sockets_page() -> str:
    lines = [
        "# Socket events",
        "",
        "Made from the tables of events by `docs/generate.py`. Socket.IO at `/socket.io`, WebSocket or polling, from",
        'the hub\'s own origin only. Every event is acknowledged: `{"ok": true, ...}`, or `{"ok": false, "error":',
        "{code, message, details}}`. An event over 64 KB, an unknown field or an unknown event is refused with a",
        "sentence; `?` marks what may be left out. A `client_id` is made by the client; the same one gives the same",
        "result, for ever.",
        "",
        "## /visitor",
        "",
        "Handshake: " + fields_text(socket.Handshake) + ".",
        "",
        "| event | fields | answer |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | {fields_text(kind)} | {answer} |" for name, (kind, answer) in VISITOR_EVENTS.items()]
    lines += [
        "",
        "## /agent",
        "",
        "Handshake: " + fields_text(inputs.Handshake) + ", and the session's cookie.",
        "",
        "| event | fields | permission |",
        "|---|---|---|",
    ]
    rows = {name: (fields_text(kind), permission) for name, (kind, permission) in WINDOW_EVENTS.items()}
    actions: list[SocketEvent[Any]] = [*Actions(typing.cast(Hub, None)).events()]
    actions += AgentPhone.__new__(AgentPhone).events()
    actions += PhoneDesk.__new__(PhoneDesk).events()
    actions += MailDesk.__new__(MailDesk).events()
    actions += Desk.__new__(Desk).agent_events()
    for event in actions:
        rows[event.name] = (fields_text(event.input), str(event.permission or ""))
    lines += [f"| `{name}` | {fields} | {permission} |" for name, (fields, permission) in rows.items()]
    lines += [
        "",
        "## /cobrowse",
        "",
        "Handshake: " + fields_text(cobrowse_inputs.Handshake) + ". A ticket is good once, for 30 seconds, for one",
        "sharing and one side of it; it ends with the socket that asked for it. `cb:frame` holds " + FRAME + ".",
        "",
        "| event | fields | from |",
        "|---|---|---|",
    ]
    page = ("cb:page", "cb:cursor", "cb:state", "cb:act_res")
    for event in Line.__new__(Line).events():
        side = "the customer's page" if event.name in page else "an agent's window"
        lines.append(f"| `{event.name}` | {fields_text(event.input)} | {side} |")
    return "\n".join(lines) + "\n" + PUSHES


PAGES = {"events.md": events_page, "sockets.md": sockets_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
