"""Files of forms that were never sent: they are deleted once the form can be sent no longer."""

from __future__ import annotations

import structlog

from channels.email.form import FORM, LATEST_MS
from hub.files import FileStore
from hub.model import StoredFile
from hub.service import Hub

log = structlog.get_logger(__name__)

AFTER_MS = LATEST_MS + 3600_000
"""A form that is sent in its last moment still finds them."""


class UnsentFiles:
    """`sweep` may run at any number of nodes. What was sent has rows of its contact's own, which stay."""

    def __init__(self, hub: Hub, files: FileStore) -> None:
        self._hub, self._files = hub, files

    async def sweep(self) -> int:
        """How many were deleted. Raises Unavailable; the rest is done the next time."""
        deleted = 0
        while found := await self._hub.store.files.placed(FORM, self._hub.clock.now() - AFTER_MS):
            before = deleted
            for file in found:
                deleted += await self._delete(file)
            if deleted == before:
                break  # all of them were stored again of late: another time
        if deleted:
            log.info("form.files_deleted", count=deleted)
        return deleted

    async def _delete(self, file: StoredFile) -> bool:
        rows = self._hub.store.files

        async def wanted() -> bool:
            """By another row than this one."""
            return await rows.names(file.sha256) > 1

        if await wanted() or await self._files.remove(file.sha256, wanted):
            await rows.drop(file.id)
            return True
        return False
