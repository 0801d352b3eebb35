"""Callers' ways through flows: what the machines of calls ask of the world on the way, and where it leads."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from channels.voice import announce
from channels.voice import call_values as v
from channels.voice.call_values import Sound
from channels.voice.live import LiveCall
from channels.voice.placing import promise, queue_for, refuse_shut
from channels.voice.settings import NumberSettings
from channels.voice.speech import Speech
from hub import commands as c
from hub import hours
from hub.errors import Refused
from hub.flows import nodes as n
from hub.flows.flow import Flow
from hub.flows.walk import Enqueue, Fetch, Speak, Walk
from hub.lookups import Lookups
from hub.model import Customer
from hub.service import Hub

log = structlog.get_logger(__name__)

SAY_S = 3.0
"""So long a caller waits in silence for words that were never read aloud before; they are there the next time."""


class World:
    """What a flow may ask (`hub.flows.walk.Outside`), for one caller."""

    def __init__(self, hub: Hub, live: LiveCall, customer: Customer) -> None:
        self._hub = hub
        self._live = live
        self._customer = customer

    def is_open(self, calendar: str) -> bool:
        row = self._hub.directory.calendars().get(calendar)
        return row is not None and hours.is_open(row, self._hub.clock.now())

    def fact(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        match kind:
            case "caller":
                return self._live.party.caller
            case "called":
                return self._live.party.called
            case "customer":
                own = {"name": self._customer.name, "email": self._customer.email, "phone": self._customer.phone}
                return own.get(rest) or self._customer.fields.get(rest, "")
            case "queue":
                queue, _, figure = rest.rpartition(".")
                return self._figure(queue, figure)
        return ""

    def _figure(self, queue: str, figure: str) -> str:
        standing = self._hub.routing.standing(queue)
        match figure:
            case "waiting":
                return str(standing.waiting)
            case "agents":
                return str(standing.idle)
            case _:
                wait = self._hub.routing.queue_wait_s(queue, "voice")
                return "" if wait is None else str(round(wait))


class Flows:
    """`speech` reads aloud what was not recorded."""

    def __init__(self, hub: Hub, prompts: announce.Prompts, speech: Speech, lookups: Lookups) -> None:
        self._hub = hub
        self._prompts = prompts
        self._speech = speech
        self._lookups = lookups

    def ready(self, number: NumberSettings) -> Flow | None:
        """The flow that callers of the number go through."""
        flow = self._hub.directory.flows().get(number.flow)
        return None if flow is None or flow.draft else flow

    def begin(self, live: LiveCall, number: NumberSettings, customer: Customer) -> None:
        """Tells the call's machine, which is still in its set-up."""
        flows = {id: flow for id, flow in self._hub.directory.flows().items() if not flow.draft}
        world = World(self._hub, live, customer)
        live.flow = number.flow
        live.give(
            v.Guided(Walk.through(flows, number.flow, world, self._hub.clock.now(), language=live.party.language))
        )

    async def look_up(self, live: LiveCall, fetch: Fetch) -> None:
        live.give(v.Found(*await self._lookups.ask(fetch)))

    async def enter(self, live: LiveCall, wanted: Enqueue | None) -> None:
        """Puts him where his flow led: into the queue that it named, else into that of the number that he called."""
        hub, walk = self._hub, live.call.guide.walk
        assert walk is not None, "only a flow wishes so"
        contact = (await hub.contacts.get(live.id)).contact
        live.party.language = walk.state.language
        log.info("flow.over", call=live.id, flow=live.flow, ending=type(walk.ending).__name__, at=_last(walk))
        there = wanted is not None and wanted.queue in hub.directory.queues()
        wanted = wanted if wanted is not None and there else Enqueue(live.queue)
        guided = c.Guide(live.flow, walk.state.language, dict(walk.state.attributes))
        customer = (await hub.contacts.customers([contact.customer])).get(contact.customer)
        promised = await promise(hub, live.party.caller)
        since = promised.age or None if promised is not None else None
        enqueue = queue_for(hub, contact, customer, guided, wanted, live.party, since)
        commands: list[c.ContactCommand] = [guided]
        refused: Refused | None = None
        try:
            refuse_shut(hub, enqueue.queue)
            commands.append(enqueue)
        except Refused as error:
            refused = error
        try:
            await hub.contacts.do(live.id, *commands, actor="system", command_id=f"flow-{live.id}")
        except Refused as error:
            # He hung up in this moment: the contact has ended, and the call with it.
            log.info("flow.too_late", call=live.id, reason=error.code)
        if refused is not None:
            sound = Sound.CLOSED if refused.code == "queue.closed" else Sound.BUSY
            live.give(v.NotLetIn(sound, refused.code.replace(".", "_")))

    async def files(self, live: LiveCall, speak: Speak) -> tuple[str, ...]:
        """What is to be played; a part that cannot be said is left out, and the log says so."""
        found: list[str] = []
        for part in speak.parts:
            files: tuple[str, ...] = ()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAY_S):
                    files = await self._part(live, part, speak)
            if not files:
                log.warning("flow.unsaid", call=live.id, part=type(part).__name__, language=speak.language)
            found += files
        return tuple(found)

    async def _part(self, live: LiveCall, part: n.Part, speak: Speak) -> tuple[str, ...]:
        language = speak.language
        match part:
            case n.Prompt():
                return self._prompts.files([part.prompt], part.language or language)
            case n.Words():
                text = part.text.get(language) or next(iter(part.text.values()), "")
                text = n.PLACEHOLDER.sub(lambda name: speak.values.get(name[1], ""), text)
                return await self._speech.files(text, language)
            case n.Waiting(kind="position"):
                position = self._hub.routing.standing(part.queue).waiting + 1
                return self._prompts.files(announce.place(position, None, language), language)
            case n.Waiting():
                wait = self._hub.routing.queue_wait_s(part.queue, "voice")
                return self._prompts.files(announce.place(None, wait, language), language)
            case n.Value():
                return await self._value(part, speak.values.get(part.of, ""), language)

    async def _value(self, part: n.Value, value: str, language: str) -> tuple[str, ...]:
        if part.kind == "number" and value.isdecimal() and (names := announce.numerals(int(value[:9]), language)):
            return self._prompts.files(names, language)
        if part.kind != "digits" and (files := await self._speech.files(_written(part, value), language)):
            return files
        return self._prompts.files(announce.digits(value), language)


def _written(part: n.Value, value: str) -> str:
    """As the speech synthesis is to read it."""
    return f"{value} {part.currency}" if part.kind == "money" else value


def _last(walk: Walk) -> str:
    return f"{walk.state.flow}.{walk.state.node}"
