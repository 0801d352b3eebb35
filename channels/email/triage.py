"""Where a new mail goes: what its mailbox says, and what the rules of triage make of it."""

from __future__ import annotations

from msgspec import Struct, field

from hub.config_rows import Mailbox
from hub.model import Requirements
from mail.model import Mail


class Triage(Struct, frozen=True):
    """`owner` is the agent who is preferred; an empty language is the mail's own, or the mailbox's."""

    queue: str
    skills: Requirements = field(default_factory=dict)
    priority: int = 0
    tags: tuple[str, ...] = ()
    owner: str | None = None
    language: str = ""


def triage(mail: Mail, mailbox: Mailbox) -> Triage:
    """As the mailbox has it."""
    return Triage(mailbox.queue)
