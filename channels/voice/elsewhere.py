"""Calls that live at another node: a window asks its own node, which passes the question on over the bus.

Questions and answers may be lost with the bus; whoever asked is told so in time and asks again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog

from hub.errors import HubError, Unavailable
from hub.ports import Bus

log = structlog.get_logger(__name__)

Json = dict[str, Any]
Handler = Callable[[Json], Awaitable[Json]]
ASK, ANSWER = "calls.ask", "calls.answer"
PATIENCE_S = 15.0


class Elsewhere:
    """`where(contact)` names the node at which a call lives, None when it is at none."""

    def __init__(self, bus: Bus, where: Callable[[str], str | None]) -> None:
        self._bus, self._where = bus, where
        self._handlers: dict[str, Handler] = {}
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        bus.subscribe(ASK, self._asked)
        bus.subscribe(ANSWER, self._answered)

    def serve(self, what: str, handler: Handler) -> None:
        """`handler(data)` does `what` for calls of this node; its errors reach whoever asked."""
        self._handlers[what] = handler

    async def ask(self, contact: str, what: str, data: Json) -> Json:
        """Does it here when the call lives here (or nowhere: the handler says so), else where it lives.

        Raises what the handler raises, and Unavailable when the other node does not answer.
        """
        node = self._where(contact)
        if node is None or node == self._bus.node:
            return await self._handlers[what](data)
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            question = {"to": node, "from": self._bus.node, "number": number, "what": what, "data": data}
            await self._bus.publish(ASK, question)
            async with asyncio.timeout(PATIENCE_S):
                answer = await waiting
        except TimeoutError:
            raise Unavailable("The call's node does not answer. Please try again.", code="call.elsewhere") from None
        finally:
            del self._waiting[number]
        error = answer.get("error")
        if error is not None:
            raise HubError(error["message"], code=error["code"], details=error["details"])
        return dict(answer["data"])

    def _asked(self, message: Mapping[str, Any]) -> None:
        if message["to"] == self._bus.node and message["what"] in self._handlers:
            self._begin(self._answer(message))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Mapping[str, Any]) -> None:
        answer: Json = {"to": message["from"], "number": message["number"]}
        try:
            answer["data"] = await self._handlers[message["what"]](dict(message["data"]))
        except HubError as error:
            answer["error"] = error.to_json()
        except Exception:
            log.exception("calls.answer_failed", what=message["what"])
            answer["error"] = HubError("Something went wrong on our side. Please try again.").to_json()
        await self._bus.publish(ANSWER, answer)

    def _answered(self, message: Mapping[str, Any]) -> None:
        waiting = self._waiting.get(message["number"]) if message["to"] == self._bus.node else None
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
