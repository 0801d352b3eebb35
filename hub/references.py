"""Which rows of the configuration name which others, so that a name that leads nowhere is refused on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from hub import config_rows as rows
from hub.errors import InvalidInput, Refused
from hub.flows.check import named_rows
from hub.model import User
from hub.ports import Store


class Reference(Struct, frozen=True):
    """`path` in the row names the row `id` of `kind`."""

    path: str
    kind: str
    id: str


def references(row: rows.Row) -> Iterator[Reference]:
    """Everything that a row names."""
    match row:
        case rows.Queue():
            yield from _skills("skills", row.skills)
            for i, step in enumerate(row.relax):
                yield from _skills(f"relax[{i}].skills", step.skills)
            if row.hours is not None:
                yield Reference("hours", "calendar", row.hours)
            for i, rule in enumerate(row.overflow):
                if rule.queue is not None:
                    yield Reference(f"overflow[{i}].queue", "queue", rule.queue)
            for i, group in enumerate(row.groups):
                yield Reference(f"groups[{i}]", "group", group)
        case rows.Rule():
            if row.queue is not None:
                yield Reference("queue", "queue", row.queue)
            yield from _skills("skills", row.skills)
            for i, condition in enumerate(row.when):
                if condition.fact == "hours":
                    yield Reference(f"when[{i}].value", "calendar", condition.value)
        case rows.Group():
            for i, agent in enumerate(row.agents):
                yield Reference(f"agents[{i}]", "user", agent)
        case rows.Site():
            for i, topic in enumerate(row.topics):
                yield Reference(f"topics[{i}].queue", "queue", topic.queue)
                yield from _skills(f"topics[{i}].skills", topic.skills)
            if row.default_queue is not None:
                yield Reference("default_queue", "queue", row.default_queue)
        case rows.Number():
            yield Reference("queue", "queue", row.queue)
            yield Reference("site", "site", row.site)
            if row.flow is not None:
                yield Reference("flow", "flow", row.flow)
        case rows.Flow():
            for path, kind, named in named_rows(row):
                yield Reference(path, kind, named)
        case rows.Mailbox():
            yield Reference("queue", "queue", row.queue)
        case rows.MailRule():
            if row.queue is not None:
                yield Reference("queue", "queue", row.queue)
            if row.owner is not None:
                yield Reference("owner", "user", row.owner)
            yield from _skills("skills", row.skills)
            for i, about in enumerate(row.when):
                if about.fact == "mailbox":
                    yield Reference(f"when[{i}].value", "mailbox", about.value)
        case rows.Canned() | rows.Outcome() | rows.MailTemplate():
            for i, queue in enumerate(row.queues or ()):
                yield Reference(f"queues[{i}]", "queue", queue)


def user_references(user: User) -> Iterator[Reference]:
    yield from _skills("skills", user.skills)
    for i, queue in enumerate(user.reserved):
        yield Reference(f"reserved[{i}]", "queue", queue)


def _skills(path: str, skills: dict[str, int]) -> Iterator[Reference]:
    for skill in skills:
        yield Reference(f"{path}.{skill}", "skill", skill)


async def check_references(store: Store, found: Iterable[Reference]) -> None:
    """Raises InvalidInput with the path of the first name that leads nowhere."""
    known: dict[str, set[str]] = {}
    for reference in found:
        if reference.kind not in known:
            named = await (store.accounts.users() if reference.kind == "user" else store.configs.rows(reference.kind))
            known[reference.kind] = {row.id for row in named}
        if reference.id not in known[reference.kind]:
            raise InvalidInput(reference.path, f'expected the id of a {reference.kind}, got "{reference.id}"')


async def check_unused(store: Store, kind: str, id: str) -> None:
    """Raises Refused `config.in_use`, with who names it in `details.used_by`, unless nobody names the row."""
    used_by: list[dict[str, str]] = []
    for other, struct in rows.KINDS.items():
        for row in await store.configs.rows(other):
            try:
                found = list(references(rows.read(struct, row.data)))
            except InvalidInput:
                continue  # written by another version; nobody goes by it
            used_by += [
                {"kind": other, "id": row.id, "name": str(row.data.get("name", row.id)), "path": reference.path}
                for reference in found
                if (reference.kind, reference.id) == (kind, id)
            ]
    for user in await store.accounts.users():
        used_by += [
            {"kind": "user", "id": user.id, "name": user.name, "path": reference.path}
            for reference in user_references(user)
            if (reference.kind, reference.id) == (kind, id)
        ]
    if used_by:
        who = ", ".join(dict.fromkeys(f"{use['kind']} {use['name']}" for use in used_by[:5]))
        more = f" and {len(used_by) - 5} more" if len(used_by) > 5 else ""
        raise Refused(
            f"It is in use by {who}{more}. Change them first.", code="config.in_use", details={"used_by": used_by[:50]}
        )
