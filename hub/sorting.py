"""What is asked of the triage of mails: the e-mail channel implements it, REST uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from hub.config_mail import MailRule
from hub.errors import Refused
from hub.mail_rules import Sorted
from hub.model import Millis


class DryMail(Struct, frozen=True):
    """A mail that began a contact: where that came to, where it is by now, and what the rules would make of it."""

    contact: str
    mail: str
    at: Millis
    mailbox: str
    sender: str
    subject: str
    placed: str
    queue: str
    would: Sorted
    would_queue: str


class DryRun(Struct, frozen=True):
    """Newest first. `whole` is false when it took too long to look at all that were asked for."""

    mails: list[DryMail]
    whole: bool = True


class LearnedQueue(Struct, frozen=True):
    """`share` is how many of the mails of this queue that were kept apart were recognised; None for too few of them.
    `words` are those that speak for it most, first. `name` is the queue's, once the hub has it."""

    queue: str
    mails: int
    share: float | None = None
    words: tuple[str, ...] = ()
    name: str = ""


class Learning(Struct, frozen=True):
    """How the classifier does: `state` is off, waiting (nothing was learned yet), learning, ready or trouble, and
    `problem` says in words what is wrong. `accuracy` is over mails that were kept apart, `threshold` the confidence
    that a guess needs."""

    state: str
    problem: str = ""
    mails: int = 0
    learned_at: Millis | None = None
    accuracy: float | None = None
    threshold: float = 0.0
    queues: list[LearnedQueue] = field(default_factory=list)


class GuessedQueue(Struct, frozen=True):
    """`words` are those that spoke for it most, first."""

    queue: str
    confidence: float
    words: tuple[str, ...] = ()


class Sorting(Protocol):
    async def dry_run(
        self, rules: Mapping[str, MailRule], mailbox: str | None, since: Millis | None, until: Millis | None, limit: int
    ) -> DryRun:
        """What these rules would make of mails that began contacts then. Raises Refused `triage.busy`."""
        ...

    def learning(self) -> Learning: ...

    async def learn(self) -> None:
        """Learns anew, in the background. Raises Refused `classifier.off` or `classifier.missing`."""
        ...

    async def guesses(self, subject: str, text: str) -> list[GuessedQueue]:
        """All queues that were learned, the likeliest first. Raises Refused `classifier.off`, `classifier.missing`,
        `classifier.not_ready`."""
        ...


def switched_on(sorting: Sorting | None) -> Sorting:
    """Raises Refused `email.off`."""
    if sorting is None:
        raise Refused("This hub takes no mail.", code="email.off")
    return sorting
