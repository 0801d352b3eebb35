"""Co-browsing as a part of the hub: the sharings, what is agreed about them, and the line between the two ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import socketio

from channels.chat.socket import VisitorNamespace
from channels.cobrowse.desk import Desk
from channels.cobrowse.entering import Entering
from channels.cobrowse.line import Line
from channels.cobrowse.sessions import Sessions
from hub.recordings import Recordings
from hub.service import Hub
from hub.sockets import EventTable


class CobrowseChannel:
    """`agents` and `windows` are the events and the windows of /agent."""

    def __init__(
        self,
        hub: Hub,
        sio: socketio.AsyncServer,
        visitors: VisitorNamespace,
        agents: EventTable,
        windows: Mapping[str, Any],
        recordings: Recordings,
    ) -> None:
        hub.shows_pages = True
        self.sessions = Sessions(hub)
        self.line = Line(hub, sio, self.sessions, visitors.sessions, windows, recordings)
        self.entering = Entering(hub, self.sessions, visitors)
        self.desk = Desk(hub, sio, self.sessions, visitors.table, agents, self.entering, epoch=self.line.epoch)
        self.line.desk = self.desk

    async def start(self) -> None:
        """After the hub has started."""
        await self.sessions.start()
        await self.line.start()

    async def stop(self) -> None:
        await self.line.stop()
        await self.sessions.stop()
