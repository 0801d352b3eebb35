"""The triage of mails: a dry run of its rules over mails that are here, how it did, and what its classifier learned."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from hub import config_rows as rows
from hub.errors import InvalidInput
from hub.model import Millis
from hub.permissions import Permission
from hub.ports import ContactFilter
from hub.sorting import GuessedQueue, Learning, switched_on
from hub.triage_report import TriageReport, TriageTally
from hub.web import shapes as s
from hub.web.table import Call, Input, Nothing, Table

table = Table("E-mail")
DAY_MS = 24 * 3_600_000
MOST_DAYS = 93
MOST_CONTACTS = 20_000
PAGE = 500
DRY_LIMIT = 500


class RuleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as it would be saved: `id` None for a new one, `row` None for one that would be deleted."""

    id: rows.Id | None = None
    row: dict[str, Any] | None = None


class DryRunBody(Input, frozen=True, forbid_unknown_fields=True):
    """Without `changes` the rules are tried as they are. Of `mailbox`, created in [`since`, `until`), newest first."""

    changes: Annotated[list[RuleChange], Meta(max_length=50)] = field(default_factory=list)
    mailbox: rows.Id | None = None
    since: s.At | None = None
    until: s.At | None = None
    limit: Annotated[int, Meta(ge=1, le=DRY_LIMIT)] = 100


class Would(Struct, frozen=True):
    """What the rules would make of it. `unasked` are rules that could not be decided in time."""

    queue: s.Named
    skills: dict[str, int]
    priority: int
    tags: list[str]
    owner: s.Named | None
    language: str | None
    rules: list[s.Named]
    unasked: list[s.Named]


class TriedMail(Struct, frozen=True):
    """`placed` is where its contact came to, `queue` where it is now; `right`: the rules would send it there."""

    contact: str
    mail: str
    at: s.At
    mailbox: str
    sender: str
    subject: str
    placed: s.Named | None
    queue: s.Named | None
    would: Would
    right: bool


class TriedRule(Struct, frozen=True):
    id: str
    name: str
    mails: int


class DryRunResult(Struct, frozen=True):
    """`right` of `mails` would go where they are now, `was_right` had come there. `whole` is false when it took too
    long to try all."""

    mails: int
    right: int
    was_right: int
    rules: list[TriedRule]
    items: list[TriedMail]
    whole: bool


class ReportQuery(s.Query, frozen=True):
    """Contacts created in [`since`, `until`): the last 30 days unless it is said otherwise, at most 93."""

    since: s.At | None = None
    until: s.At | None = None


class Text(Input, frozen=True, forbid_unknown_fields=True):
    subject: Annotated[str, Meta(max_length=500)] = ""
    text: Annotated[str, Meta(max_length=20_000)] = ""


class Guesses(Struct, frozen=True):
    items: list[GuessedQueue]


def _changed(call: Call[DryRunBody, Nothing]) -> dict[str, rows.MailRule]:
    """The rules as they would be. Raises InvalidInput."""
    rules = dict(call.hub.directory.mail_rules())
    for n, change in enumerate(call.body.changes):
        if change.row is None:
            rules.pop(change.id or "", None)
            continue
        try:
            row = rows.read(rows.MailRule, change.row)
        except InvalidInput as error:
            path = str(error.details.get("path", ""))
            raise InvalidInput(".".join(filter(None, [f"changes[{n}].row", path])), error.details["expected"]) from None
        rules[change.id or f"new-{n + 1}"] = row
    return rules


@table.add(
    "POST",
    "/triage/dry-run",
    Permission.ADMIN_CONFIG,
    body=DryRunBody,
    result=DryRunResult,
    summary="What the rules, or rules as they would be, make of mails that are here already; nothing is changed",
)
async def dry_run(call: Call[DryRunBody, Nothing]) -> object:
    body, directory = call.body, call.hub.directory
    rules = _changed(call)
    tried = await switched_on(call.hub.sorting).dry_run(rules, body.mailbox, body.since, body.until, body.limit)

    def queue(id: str) -> s.Named | None:
        return s.Named(id, directory.queue_name(id)) if id else None

    def named(ids: tuple[str, ...]) -> list[s.Named]:
        return [s.Named(id, rules[id].name) for id in ids]

    counts = dict.fromkeys(rules, 0)
    items = []
    for each in tried.mails:
        would = each.would
        for id in would.rules:
            counts[id] += 1
        shown = Would(
            s.Named(each.would_queue, directory.queue_name(each.would_queue)),
            would.skills,
            would.priority,
            list(would.tags),
            s.Named(would.owner, directory.user_name(would.owner)) if would.owner else None,
            would.language,
            named(would.rules),
            named(would.unasked),
        )
        items.append(
            TriedMail(
                *(each.contact, each.mail, each.at, each.mailbox, each.sender, each.subject),
                placed=queue(each.placed),
                queue=queue(each.queue),
                would=shown,
                right=each.would_queue == each.queue,
            )
        )
    return DryRunResult(
        len(items),
        sum(item.right for item in items),
        sum(each.placed == each.queue for each in tried.mails),
        [TriedRule(id, rules[id].name, n) for id, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))],
        items,
        tried.whole,
    )


def _day(at: Millis) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().date().isoformat()


@table.add(
    "GET",
    "/triage/report",
    Permission.LIVE_VIEW,
    query=ReportQuery,
    result=TriageReport,
    summary="How triage did: which rules had a say in how many contacts, how many agents took elsewhere; "
    "for each queue how soon first answers came, and how many were late",
)
async def report(call: Call[None, ReportQuery]) -> object:
    until = call.query.until if call.query.until is not None else call.now + 1
    since = call.query.since if call.query.since is not None else max(0, until - 30 * DAY_MS)
    if not 0 <= until - since <= MOST_DAYS * DAY_MS:
        raise InvalidInput("since", f"expected a time before `until`, and at most {MOST_DAYS} days before it")
    tally = TriageTally(_day)
    where = ContactFilter(channels=("email",), created_from=since, created_to=until)
    after: str | None = None
    seen, whole = 0, True
    while True:
        page = await call.store.contacts.page(where, after=after, limit=PAGE)
        for row in page:
            tally.add(row.contact)
        seen += len(page)
        if len(page) < PAGE:
            break
        if seen >= MOST_CONTACTS:
            whole = False
            break
        after = page[-1].contact.id
    directory = call.hub.directory
    known, queues = directory.mail_rules(), directory.queues()
    return tally.report(
        lambda id: known[id].name if id in known else id,
        directory.queue_name,
        lambda id: queues[id].answer.first if id in queues else None,
        whole=whole,
    )


@table.add(
    "GET",
    "/triage/classifier",
    Permission.ADMIN_CONFIG,
    result=Learning,
    summary="What the classifier has learned from where mails ended up, and how often it is right",
)
async def classifier(call: Call[None, Nothing]) -> object:
    sorting = call.hub.sorting
    return Learning("off") if sorting is None else sorting.learning()


@table.add(
    "POST",
    "/triage/classifier/learn",
    Permission.ADMIN_CONFIG,
    result=Learning,
    status=202,
    summary="Have the classifier learn anew; it goes on with what it knew until then",
)
async def learn(call: Call[None, Nothing]) -> object:
    sorting = switched_on(call.hub.sorting)
    await sorting.learn()
    return sorting.learning()


@table.add(
    "POST",
    "/triage/classifier/guess",
    Permission.ADMIN_CONFIG,
    body=Text,
    result=Guesses,
    summary="Which queues the classifier would send such a mail to, how sure it is, and by which words",
)
async def guess(call: Call[Text, Nothing]) -> object:
    return Guesses(await switched_on(call.hub.sorting).guesses(call.body.subject, call.body.text))
