"""What agents have written and not sent, kept for every desk of theirs."""

from __future__ import annotations

from typing import Any

import msgspec

from hub.contacts import clean_text
from hub.errors import InvalidInput, NotFound, VersionConflict
from hub.limits import SlidingLimit
from hub.mailing import DRAFT_LIMIT, DraftOfMail
from hub.mails import Draft
from hub.model import User
from hub.service import Hub

MOST = 200
LEVELS = 20


class Drafts:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._saves = SlidingLimit(120, 60_000)

    async def save(self, user: User, id: str, draft: DraftOfMail) -> int:
        """Its version from now on. Raises InvalidInput, Forbidden, NotFound, RateLimited, VersionConflict."""
        now = self._hub.clock.now()
        self._saves.take(user.id, now)
        if len(msgspec.json.encode(draft.data)) > DRAFT_LIMIT:
            raise InvalidInput("data", f"expected at most {DRAFT_LIMIT} bytes")
        if draft.contact is not None:
            await self._hub.seen_by(user, draft.contact)
        store = self._hub.store.mails
        if draft.version == 0 and len(await store.drafts(user.id)) >= MOST:
            raise InvalidInput("id", f"expected at most {MOST} drafts; send or discard one")
        if not await store.put_draft(Draft(id, user.id, draft.contact, cleaned(draft.data), now, draft.version)):
            raise VersionConflict("This draft was changed in another window.", code="draft.conflict")
        return draft.version + 1

    async def all(self, user: User) -> list[Draft]:
        return await self._hub.store.mails.drafts(user.id)

    async def discard(self, user: User, id: str) -> None:
        """One that is gone already is no error. Raises NotFound for another's."""
        known = await self._hub.store.mails.draft(id)
        if known is None:
            return
        if known.user != user.id:
            raise NotFound("draft", id)
        await self._hub.store.mails.delete_draft(id)


def cleaned(data: Any, depth: int = 0) -> Any:
    """The composer's data without what the store cannot take. Raises InvalidInput."""
    if depth > LEVELS:
        raise InvalidInput("data", f"expected at most {LEVELS} levels")
    if isinstance(data, str):
        return clean_text(data, "data", DRAFT_LIMIT)
    if isinstance(data, dict):
        return {clean_text(str(key), "data", 200): cleaned(value, depth + 1) for key, value in data.items()}
    if isinstance(data, list):
        return [cleaned(value, depth + 1) for value in data]
    return data
