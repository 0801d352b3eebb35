"""Who and what there is: users, queues, sites and the other configured rows, in memory and up to date by the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from hub import config_rows as rows
from hub import hours, rules
from hub.errors import HubError, NotFound
from hub.events import ConfigChanged, Recorded
from hub.model import Millis, User
from hub.ports import ConfigRow, Store

log = structlog.get_logger(__name__)
R = TypeVar("R", bound=rows.Row)

DAY_MS = 24 * 3600_000


class Directory:
    """Answers without asking the store; follows ConfigChanged events and tells whoever listens what changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, dict[str, rows.Row]] = {kind: {} for kind in rows.KINDS}
        self._stored: dict[tuple[str, str], ConfigRow] = {}
        self._users: dict[str, User] = {}
        self._listeners: list[Callable[[str, str], None]] = []
        self._hours: dict[str, tuple[Millis, Millis, bool, tuple[Millis, bool] | None]] = {}

    async def load(self) -> None:
        """Reads everything; for the start."""
        for kind in rows.KINDS:
            for row in await self._store.configs.rows(kind):
                await self._read(row)
        self._users = {user.id: user for user in await self._store.accounts.users()}

    def on_change(self, listener: Callable[[str, str], None]) -> None:
        """`listener(kind, id)` is called after a row or a user (kind `user`) changed or went."""
        self._listeners.append(listener)

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader that keeps the directory true."""
        changed = {(r.event.kind, r.event.row): None for r in batch if isinstance(r.event, ConfigChanged)}
        for kind, id in changed:
            await self.refresh(kind, id)

    async def refresh(self, kind: str, id: str) -> None:
        """Reads one row again."""
        if kind == "user":
            user = await self._store.accounts.user(id)
            if user is None:
                self._users.pop(id, None)
            else:
                self._users[id] = user
        elif kind in rows.KINDS:
            row = await self._store.configs.get(kind, id)
            if row is None:
                self._rows[kind].pop(id, None)
                self._stored.pop((kind, id), None)
            else:
                await self._read(row)
        if kind == "calendar":
            self._hours.pop(id, None)
        for listener in self._listeners:
            listener(kind, id)

    async def _read(self, row: ConfigRow) -> None:
        # A calendar's time zone may have to be read from its file.
        if row.kind == "calendar":
            await asyncio.to_thread(self._keep, row)
        else:
            self._keep(row)

    def _keep(self, row: ConfigRow) -> None:
        try:
            self._rows[row.kind][row.id] = rows.read(rows.KINDS[row.kind], row.data)
            self._stored[row.kind, row.id] = row
        except HubError as error:
            # Written by another version: what it was before stays in force, and the log says so.
            log.error("directory.bad_row", kind=row.kind, row=row.id, error=error.message)

    def stored(self, kind: str, id: str) -> ConfigRow | None:
        return self._stored.get((kind, id))

    def _all(self, kind: type[R], name: str) -> dict[str, R]:
        return {id: row for id, row in self._rows[name].items() if isinstance(row, kind)}

    def _one(self, kind: type[R], name: str, id: str) -> R:
        row = self._rows[name].get(id)
        if not isinstance(row, kind):
            raise NotFound(name, id)
        return row

    def queues(self) -> dict[str, rows.Queue]:
        return self._all(rows.Queue, "queue")

    def queue(self, id: str) -> rows.Queue:
        """Raises NotFound."""
        return self._one(rows.Queue, "queue", id)

    def queue_name(self, id: str | None) -> str:
        row = self._rows["queue"].get(id or "")
        return row.name if row else (id or "")

    def sites(self) -> dict[str, rows.Site]:
        return self._all(rows.Site, "site")

    def site(self, id: str) -> rows.Site:
        """Raises NotFound."""
        return self._one(rows.Site, "site", id)

    def skills(self) -> dict[str, rows.Skill]:
        return self._all(rows.Skill, "skill")

    def canned(self) -> dict[str, rows.Canned]:
        return self._all(rows.Canned, "canned")

    def outcomes(self) -> dict[str, rows.Outcome]:
        return self._all(rows.Outcome, "outcome")

    def reasons(self) -> dict[str, rows.Reason]:
        return self._all(rows.Reason, "reason")

    def webhooks(self) -> dict[str, rows.Webhook]:
        return self._all(rows.Webhook, "webhook")

    def rules(self) -> dict[str, rows.Rule]:
        return self._all(rows.Rule, "rule")

    def groups(self) -> dict[str, rows.Group]:
        return self._all(rows.Group, "group")

    def blocks(self) -> dict[str, rows.Block]:
        return self._all(rows.Block, "block")

    def trunks(self) -> dict[str, rows.Trunk]:
        return self._all(rows.Trunk, "trunk")

    def numbers(self) -> dict[str, rows.Number]:
        return self._all(rows.Number, "number")

    def flows(self) -> dict[str, rows.Flow]:
        return self._all(rows.Flow, "flow")

    def mailboxes(self) -> dict[str, rows.Mailbox]:
        return self._all(rows.Mailbox, "mailbox")

    def mail_rules(self) -> dict[str, rows.MailRule]:
        return self._all(rows.MailRule, "mail_rule")

    def mail_templates(self) -> dict[str, rows.MailTemplate]:
        return self._all(rows.MailTemplate, "mail_template")

    def calendars(self) -> dict[str, rows.Calendar]:
        return self._all(rows.Calendar, "calendar")

    def users(self) -> dict[str, User]:
        return self._users

    def user(self, id: str) -> User:
        """Raises NotFound; a disabled user is still found (his name stands in old conversations)."""
        try:
            return self._users[id]
        except KeyError:
            raise NotFound("user", id) from None

    def user_name(self, id: str | None) -> str:
        user = self._users.get(id or "")
        return user.name if user else (id or "")

    def public_name(self, id: str | None) -> str:
        """What visitors see of an agent: the first of his names."""
        name = self.user_name(id)
        return name.split()[0] if name else name

    def serves(self, user: User, queue: str) -> bool:
        """Whether the queue lets him in, and he has every skill that it asks for in its widest step."""
        row = self._rows["queue"].get(queue)
        if not isinstance(row, rows.Queue) or user.disabled or not self.lets_in(user, queue):
            return False
        needed = row.relax[-1].skills if row.relax else row.skills
        return all(user.skills.get(skill, 0) >= level for skill, level in needed.items())

    def lets_in(self, user: User, queue: str) -> bool:
        """As `rules.lets_in`. Raises NotFound for an unknown queue."""
        row = self.queue(queue)
        return rules.lets_in(user, queue, row, self.groups() if row.groups else {})

    def is_open(self, queue: str, now: Millis) -> bool:
        """Whether the queue takes contacts now; one without hours always does."""
        return self._hours_of(queue, now)[0]

    def next_change(self, queue: str, now: Millis) -> tuple[Millis, bool] | None:
        """When the queue next opens (True) or closes (False); None when it never does."""
        return self._hours_of(queue, now)[1]

    def _hours_of(self, queue: str, now: Millis) -> tuple[bool, tuple[Millis, bool] | None]:
        """(open now, the next change), looked up in the calendar only when the last answer is no longer true."""
        id = self.queue(queue).hours
        return (True, None) if id is None else self._calendar(id, now)

    def calendar_open(self, id: str, now: Millis) -> bool:
        """Whether the calendar's hours are open; one that does not exist always is."""
        return self._calendar(id, now)[0]

    def _calendar(self, id: str, now: Millis) -> tuple[bool, tuple[Millis, bool] | None]:
        calendar = self._rows["calendar"].get(id)
        if not isinstance(calendar, rows.Calendar):
            return True, None
        known = self._hours.get(id)
        if known is None or not known[0] <= now < known[1]:
            change = hours.next_change(calendar, now)
            until = now + DAY_MS if change is None else change[0]
            known = self._hours[id] = (now, until, hours.is_open(calendar, now), change)
        return known[2], known[3]
