"""The supervisor's live tables: rows of queues and agents, pushed at most once a second and only when they changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import socketio
import structlog

from agent_ui.session import LIVE_ROOM, NAMESPACE
from hub.model import WAITING, Phase, PresenceState, User
from hub.permissions import Permission, may
from hub.service import Hub
from hub.today import QueueToday

log = structlog.get_logger(__name__)

Json = dict[str, Any]
EVERY_S = 1.0
LOOK_S = 15.0


class Live:
    """`watched` tells whether any window shows the tables; while none does, nothing is worked out."""

    def __init__(self, hub: Hub, sio: socketio.AsyncServer, watched: Callable[[], bool]) -> None:
        self._hub = hub
        self._watched = watched
        self._sio = sio
        self._dirty = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._queues: dict[str, Json] = {}
        self._agents: dict[str, Json] = {}
        hub.directory.on_change(lambda kind, id: self._dirty.set())

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="live")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def touch(self) -> None:
        """Something was logged that may show in a row."""
        self._dirty.set()

    def snapshot(self) -> Json:
        """All rows, for one more window."""
        queues, agents = self._queue_rows(), self._agent_rows()
        if not self._watched():
            self._queues, self._agents = queues, agents
        return {"queues": list(queues.values()), "agents": list(agents.values())}

    async def _run(self) -> None:
        while True:
            # Hours begin and end without an event, so it looks by itself from time to time.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._dirty.wait()
            self._dirty.clear()
            try:
                if self._watched():
                    await self._push()
            except Exception:
                log.exception("live.failed")
            await asyncio.sleep(EVERY_S)

    async def _push(self) -> None:
        queues, agents = self._queue_rows(), self._agent_rows()
        changed: Json = {
            "queues": [row for id, row in queues.items() if self._queues.get(id) != row],
            "agents": [row for id, row in agents.items() if self._agents.get(id) != row],
            "gone_queues": [id for id in self._queues if id not in queues],
            "gone_agents": [id for id in self._agents if id not in agents],
        }
        self._queues, self._agents = queues, agents
        if any(changed.values()):
            await self._sio.emit("live", changed, room=LIVE_ROOM, namespace=NAMESPACE)

    def _queue_rows(self) -> dict[str, Json]:
        hub, now = self._hub, self._hub.clock.now()
        rows = {}
        for id, queue in sorted(hub.directory.queues().items()):
            standing = hub.routing.standing(id)
            today = hub.today.queues.get(id, QueueToday())
            waiting: dict[str, int] = {}
            active, soon, late = 0, 0, 0
            next_due: int | None = None
            for channel, phase, count in hub.living.standing(id):
                if phase in WAITING:
                    waiting[str(channel)] = waiting.get(str(channel), 0) + count
                elif phase in (Phase.CONNECTING, Phase.ACTIVE, Phase.HELD):
                    active += count
            # Where nothing is promised nobody looks at each contact: thousands of mails may wait.
            promises = queue.answer.first is not None or queue.answer.next is not None
            for row in hub.living.in_queue(id) if promises else ():
                promised = hub.answers.due(row.contact)
                if promised is not None:
                    told = row.contact.escalation
                    stage = told.stage if told is not None and told.since == promised.since else ""
                    soon, late = soon + (stage == "soon"), late + (stage == "late")
                    next_due = promised.at if next_due is None else min(next_due, promised.at)
            is_open = hub.directory.is_open(id, now)
            change = None if is_open else hub.directory.next_change(id, now)
            rows[id] = {
                "id": id,
                "name": queue.name,
                "waiting": standing.waiting,
                "longest_since": standing.oldest,
                "staffed": standing.staffed,
                "idle": standing.idle,
                "active": active,
                "offered_today": today.offered,
                "answered_today": today.answered,
                "abandoned_today": today.abandoned,
                "in_target_today": today.in_target,
                "service_level": today.service_level,
                "target": {"percent": queue.target.percent, "seconds": queue.target.seconds},
                "open": is_open,
                "opens_at": change[0] if change else None,
                "channels": waiting,
                "answers": {"soon": soon, "late": late, "next_due": next_due},
            }
        return rows

    def _agent_rows(self) -> dict[str, Json]:
        users = sorted(self._hub.directory.users().values(), key=lambda user: user.name)
        return {user.id: self._agent_row(user) for user in users if may(user, Permission.CONTACT_HANDLE)}

    def _agent_row(self, user: User) -> Json:
        hub = self._hub
        presence = hub.presence.get(user.id)
        contacts = [row.contact for row in hub.living.of_agent(user.id) if row.contact.offer is None]
        held = [contact for contact in contacts if user.id in (contact.agent, *contact.participants)]
        load = hub.routing.load(user.id)
        state = str(presence.state)
        if presence.state is PresenceState.AVAILABLE and held:
            wrapping = all(contact.phase is Phase.WRAPPING for contact in held)
            state = "wrap_up" if wrapping else "busy"
        return {
            "id": user.id,
            "name": user.name,
            "role": str(user.role),
            "queues": [id for id in sorted(hub.directory.queues()) if hub.directory.serves(user, id)],
            "skills": user.skills,
            "state": state,
            "reason": presence.reason,
            "since": presence.since,
            "connected": hub.presence.connected(user.id),
            "contacts": [
                {
                    "id": contact.id,
                    "channel": str(contact.channel),
                    "since": contact.connected_at or contact.queued_at,
                    "customer": hub.contacts.customer_name(contact.customer),
                    "customer_id": contact.customer,
                    "subject": contact.subject,
                    "phase": str(contact.phase),
                }
                for contact in sorted(held, key=lambda contact: contact.queued_at)
            ],
            "used": load["used"],
            "units": load["units"],
        }
