"""What is wrong with a routing configuration as it would be with one row saved: said before anybody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from hub import config_rows as rows
from hub.directory import Directory
from hub.errors import InvalidInput
from hub.model import Channel, User
from hub.permissions import Permission, may
from hub.rules import lets_in

Skills = Mapping[str, int]


class Finding(Struct, frozen=True):
    """An `error` keeps the row from being saved; a `warning` is for the administrator to weigh."""

    level: Literal["error", "warning"]
    path: str
    code: str
    message: str
    queue: str | None = None


def check_routing(directory: Directory, id: str, row: rows.Row) -> list[Finding]:
    """What would be wrong if `row` were saved, the worst first."""
    queues = directory.queues()
    groups = directory.groups()
    found: list[Finding] = []
    match row:
        case rows.Queue():
            queues = queues | {id or "new": row}
            found += _loops(queues, id or "new")
            found += _nobody(queues, groups, directory.users(), [id or "new"])
            found += _steps(row)
        case rows.Rule():
            found += _rule(directory, row)
        case rows.Group():
            groups = groups | {id: row}
            touched = [name for name, queue in queues.items() if id in queue.groups]
            found += _nobody(queues, groups, directory.users(), touched)
    return sorted(found, key=lambda finding: finding.level)


def refuse_mistakes(directory: Directory, id: str, row: rows.Row) -> None:
    """Raises InvalidInput for the first error."""
    for finding in check_routing(directory, id, row):
        if finding.level == "error":
            raise InvalidInput(finding.path, finding.message)


def _loops(queues: Mapping[str, rows.Queue], start: str) -> Iterator[Finding]:
    """Overflow rules that would lead a contact back to where it came from, by whatever rules of the others: it would go
    round for ever, each round an entry in the log."""
    for i, rule in enumerate(queues[start].overflow):
        way = _way_back(queues, rule.queue, start, (start,), set())
        if way is not None:
            names = " → ".join(queues[id].name for id in way)
            message = f"expected no way back to the queue itself: {names}"
            yield Finding("error", f"overflow[{i}].queue", "overflow.loop", message, start)


def _way_back(
    queues: Mapping[str, rows.Queue], at: str | None, start: str, way: tuple[str, ...], seen: set[str]
) -> tuple[str, ...] | None:
    """The queues from `start` over `at` back to `start`, if there is such a way; those `seen` lead nowhere new."""
    if at == start:
        return (*way, start)
    if at is None or at not in queues or at in seen:
        return None
    seen.add(at)
    ways = (_way_back(queues, rule.queue, start, (*way, at), seen) for rule in queues[at].overflow)
    return next((found for found in ways if found is not None), None)


def _nobody(
    queues: Mapping[str, rows.Queue], groups: Mapping[str, rows.Group], users: Mapping[str, User], ids: list[str]
) -> Iterator[Finding]:
    agents = [user for user in users.values() if may(user, Permission.CONTACT_HANDLE)]
    for id in ids:
        queue = queues[id]
        let_in = [user for user in agents if lets_in(user, id, queue, groups)]
        widest = queue.relax[-1].skills if queue.relax else queue.skills
        path = "groups" if queue.groups and not let_in else "skills"
        able = [user for user in let_in if _has(user, widest)]
        if not able:
            asked = ", ".join(f"{skill} {level}" for skill, level in widest.items()) or "nothing"
            yield Finding("warning", path, "queue.nobody", f"No agent can serve {queue.name}: it asks for {asked}.", id)
        elif not any(user.maxima.get(str(channel), 1) for user in able for channel in Channel):
            yield Finding("warning", path, "queue.nobody", f"No agent who can serve {queue.name} takes contacts.", id)


def _has(user: User, skills: Skills) -> bool:
    return all(user.skills.get(skill, 0) >= level for skill, level in skills.items())


def _steps(queue: rows.Queue) -> Iterator[Finding]:
    """A relaxation step only ever widens, and a step without effect is a mistake."""
    before: Skills = queue.skills
    for i, step in enumerate(queue.relax):
        for skill, level in step.skills.items():
            if level > before.get(skill, 0):
                most = before.get(skill, 0)
                yield Finding(
                    "error",
                    f"relax[{i}].skills.{skill}",
                    "relax.narrows",
                    f"expected a step that widens: at most {most}, got {level}"
                    if most
                    else "expected a skill that was asked for before",
                )
        if step.skills == before:
            yield Finding(
                "warning", f"relax[{i}].skills", "relax.same", "This step asks for the same as the one before."
            )
        before = step.skills


def _rule(directory: Directory, rule: rows.Rule) -> Iterator[Finding]:
    """Conditions that no contact can meet, by themselves or together."""
    wanted: dict[str, str] = {}
    for i, condition in enumerate(rule.when):
        path, fact, value = f"when[{i}].value", condition.fact, condition.value.casefold()
        known = _values(directory, fact)
        if condition.op == "is" and known is not None and value not in {name.casefold() for name in known}:
            yield Finding(
                "error", path, "rule.never", f'this can never be: expected {_one_of(known)}, got "{condition.value}"'
            )
        if condition.op == "is":
            if wanted.setdefault(fact, value) != value:
                yield Finding("error", path, "rule.never", f"this can never be: {fact} is something else in this rule")
        elif condition.op == "is_not" and wanted.get(fact) == value:
            yield Finding("error", path, "rule.never", f"this can never be: {fact} is just that in this rule")
        elif fact in wanted and condition.op in ("starts", "contains") and value not in wanted[fact]:
            yield Finding("error", path, "rule.never", f'this can never be: {fact} is "{wanted[fact]}" in this rule')


def _values(directory: Directory, fact: str) -> list[str] | None:
    """All values that a fact can have; None when they are not known."""
    match fact:
        case "channel":
            return [str(channel) for channel in Channel]
        case "queue":
            return list(directory.queues())
        case "site":
            return list(directory.sites())
        case "topic":
            return [topic.id for site in directory.sites().values() for topic in site.topics]
        case "verified":
            return ["yes", "no"]
        case _:
            return None


def _one_of(known: list[str]) -> str:
    names = sorted(set(known))
    return "one of " + ", ".join(names[:12]) + (" …" if len(names) > 12 else "") if names else "that there is one"
