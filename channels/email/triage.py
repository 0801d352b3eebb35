"""Where a new mail goes: what its mailbox says, what the rules of triage make of it, and, where no rule names a queue,
what was learned from where such mails ended up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import structlog
from msgspec import Struct, field

from hub.config_rows import Mailbox, MailRule
from hub.directory import Directory
from hub.errors import HubError
from hub.mail_rules import PREFIX, Facts, Sorted, sort_mail
from hub.mails import StoredMail
from hub.model import Customer, Requirements
from mail.model import Address, Mail

log = structlog.get_logger(__name__)

TEXT_LIMIT = 100_000
GUESSED = PREFIX + "guess"
"""Stands among the rules of a contact whose queue was guessed. No rule's id has a colon."""
YES = frozenset({"yes", "true", "1", "vip", "ja", "是"})


class Guess(Struct, frozen=True):
    """`confidence` is 0 to 1; `words` are those that spoke for the queue most, first."""

    queue: str
    confidence: float
    words: tuple[str, ...] = ()


class Guesser(Protocol):
    async def guess(self, subject: str, text: str) -> Guess | None:
        """None when nothing is known, or nothing for certain enough."""
        ...


class Incoming(Struct, frozen=True):
    """A mail that is about to become a contact. `recipients` are those of the envelope; the customer is who says that
    he wrote it; `chosen` is the queue that he asked for himself, in the widget's form."""

    mail: Mail
    mailbox: str
    row: Mailbox
    customer: Customer | None = None
    recipients: tuple[str, ...] = ()
    chosen: str = ""


class Triage(Struct, frozen=True):
    """`owner` is the agent who is preferred; an empty language is the mail's own, or the mailbox's. `rules` are those
    that had a say, as they stand at the contact."""

    queue: str
    skills: Requirements = field(default_factory=dict)
    priority: int = 0
    tags: tuple[str, ...] = ()
    owner: str | None = None
    language: str = ""
    rules: tuple[str, ...] = ()
    guess: Guess | None = None


async def by_mailbox(incoming: Incoming) -> Triage:
    """As the mailbox has it."""
    return Triage(incoming.chosen or incoming.row.queue)


class Sorter:
    """The administrators' rules. What names a queue, a skill or an owner that is not there any more is passed over."""

    def __init__(self, directory: Directory, guesser: Guesser | None = None) -> None:
        self._directory = directory
        self.guesser = guesser

    async def __call__(self, incoming: Incoming) -> Triage:
        rules = self._directory.mail_rules()
        # By a thread: expressions and long texts take their time.
        found = await asyncio.to_thread(decide, rules, incoming) if rules else Sorted()
        for rule in found.unasked:
            log.warning("triage.out_of_time", rule=rule)
        queue = found.queue if found.queue in self._directory.queues() else None
        applied = tuple(PREFIX + rule for rule in found.rules)
        guess = None
        if queue is None and not incoming.chosen and self.guesser is not None:
            guess = await self._guess(self.guesser, incoming.mail)
        if guess is not None:
            queue, applied = guess.queue, (*applied, GUESSED)
        skills = self._directory.skills()
        return Triage(
            queue or incoming.chosen or incoming.row.queue,
            {skill: level for skill, level in found.skills.items() if skill in skills},
            found.priority,
            found.tags,
            found.owner if found.owner in self._directory.users() else None,
            found.language or "",
            applied,
            guess,
        )

    async def _guess(self, guesser: Guesser, mail: Mail) -> Guess | None:
        try:
            guess = await guesser.guess(mail.subject, mail.text[: mail.fold_at] or mail.text)
        except HubError as error:
            log.warning("triage.no_guess", problem=error.message)
            return None
        return guess if guess is not None and guess.queue in self._directory.queues() else None


def decide(rules: Mapping[str, MailRule], incoming: Incoming) -> Sorted:
    """What the rules say, with a clock; for a thread."""
    return sort_mail(rules, facts_of(incoming), time.monotonic, home=incoming.chosen or incoming.row.queue)


def facts_of(incoming: Incoming) -> Facts:
    """What conditions may be about, of a mail as it comes."""
    mail = incoming.mail
    headers: dict[str, list[str]] = {}
    for name, value in mail.headers:
        headers.setdefault(f"header.{name}", []).append(value)
    return {
        **_facts(
            incoming.mailbox,
            incoming.customer,
            mail.from_.address,
            (*(each.address for each in _people(mail.to, mail.cc)), *incoming.recipients),
            mail.subject,
            mail.text,
            mail.language,
            [name for each in mail.attachments if not each.inline for name in (each.name, each.type)],
            str(mail.kind),
        ),
        **headers,
    }


def past_facts(mail: StoredMail, text: str, customer: Customer | None, headers: Facts) -> Facts:
    """The same of one that is here already; `text` is its message's, `headers` what was read from its raw file."""
    return {
        **_facts(
            mail.account,
            customer,
            mail.from_.address,
            [each.address for each in (*mail.to, *mail.cc)],
            mail.subject,
            text,
            mail.language,
            [name for file in mail.attachments for name in (file.name, file.type)],
            mail.kind,
        ),
        **headers,
    }


def _people(*lists: Sequence[Address]) -> Iterable[Address]:
    return (each for people in lists for each in people)


def _facts(
    mailbox: str,
    customer: Customer | None,
    sender: str,
    recipients: Iterable[str],
    subject: str,
    text: str,
    language: str,
    attachments: Sequence[str],
    kind: str,
) -> dict[str, Sequence[str]]:
    to: dict[str, None] = {}
    plus: dict[str, None] = {}
    for address in recipients:
        local, at, domain = address.rpartition("@")
        name, sign, detail = local.partition("+")
        to[address] = to[f"{name}{at}{domain}"] = None
        if sign and detail:
            plus[detail] = None
    vip = customer is not None and customer.fields.get("vip", "").strip().casefold() in YES
    return {
        "mailbox": (mailbox,),
        "to": tuple(to),
        "plus": tuple(plus),
        "from": (sender,),
        "domain": (sender.rpartition("@")[2],),
        "subject": (subject,),
        "text": (text[:TEXT_LIMIT],),
        "language": (language,) if language else (),
        "attachment": attachments,
        "kind": (kind,),
        "vip": ("yes" if vip else "no",),
    }
