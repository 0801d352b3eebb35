"""How the hub itself is: its readers of the log, its store, what failed."""

from __future__ import annotations

from hub.permissions import Permission
from hub.web import shapes as s
from hub.web.health import check_all
from hub.web.table import Call, Nothing, Table

table = Table("Status")


@table.add("GET", "/status", Permission.API_USE, result=s.StatusView, summary="Readers of the log, checks and failures")
async def get_status(call: Call[None, Nothing]) -> object:
    feed = call.hub.feed
    readers = [
        s.ReaderView(reader.name, reader.cursor, max(0, feed.head - reader.cursor), reader.failures, reader.last_error)
        for reader in feed.readers.values()
    ]
    sender, sweeper = call.web.webhooks, call.web.recordings
    workers = [
        s.WorkerView("webhooks.sender", sender.failures, sender.last_error),
        s.WorkerView("recordings.sweeper", sweeper.failures, sweeper.last_error),
    ]
    return s.StatusView(call.web.version, call.hub.stopping, feed.head, await check_all(call.web), readers, workers)
