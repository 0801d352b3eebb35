"""What the hub may ask of triage (`hub/sorting.py`), put together."""

from __future__ import annotations

from collections.abc import Mapping

from channels.email.classifier import Classifier
from channels.email.dry_run import DryRuns
from hub.config_mail import MailRule
from hub.model import Millis
from hub.sorting import DryRun, GuessedQueue, Learning


class Triaging:
    def __init__(self, dry_runs: DryRuns, classifier: Classifier) -> None:
        self._dry_runs, self._classifier = dry_runs, classifier

    async def dry_run(
        self, rules: Mapping[str, MailRule], mailbox: str | None, since: Millis | None, until: Millis | None, limit: int
    ) -> DryRun:
        return await self._dry_runs.run(rules, mailbox, since, until, limit)

    def learning(self) -> Learning:
        return self._classifier.learning

    async def learn(self) -> None:
        await self._classifier.learn()

    async def guesses(self, subject: str, text: str) -> list[GuessedQueue]:
        return await self._classifier.guesses(subject, text)
