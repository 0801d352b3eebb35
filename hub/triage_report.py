"""How the triage of mails did: a pure count over contacts that mails made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from statistics import median_low

from msgspec import Struct

from hub.mail_rules import PREFIX
from hub.model import Contact, Millis

NONE = ""
"""In the place of a rule: no rule applied, and the mailbox's own queue was taken."""
MOST_MOVES = 50


class RuleFigures(Struct, frozen=True):
    """`rule` is a rule's id, "guess" for what was guessed, empty for contacts that no rule had a say in. `share` is of
    all contacts. `corrected`: an agent took it to another queue for good; `transferred`: to anybody, at any time."""

    rule: str
    name: str
    contacts: int
    share: float
    corrected: int
    transferred: int


class QueueFigures(Struct, frozen=True):
    """`placed` contacts came to the queue at first, of which agents took `corrected` elsewhere for good. The rest is
    about the `contacts` that are there now: `answered` by an agent, after `first_answer_ms` of any hours as a median;
    of those whose first answer came or was due, `first_late` had waited longer than promised (`promised_minutes` of
    opening hours, None for no promise); in `late` of them the first answer or any other was late."""

    queue: str
    name: str
    placed: int = 0
    corrected: int = 0
    contacts: int = 0
    answered: int = 0
    first_answer_ms: int | None = None
    promised_minutes: int | None = None
    first_late: int = 0
    late: int = 0


class DayFigures(Struct, frozen=True):
    """`day` is a date as the hub's clock on the wall has it; `sorted`: a rule or a guess had a say."""

    day: str
    contacts: int
    sorted: int
    corrected: int
    transferred: int


class Move(Struct, frozen=True):
    """So many that came to the queue `placed` belonged to `queue`."""

    placed: str
    queue: str
    contacts: int


class TriageReport(Struct, frozen=True):
    """`whole` is false where there were more contacts than are counted at once: the newest were. `moves` are the most
    frequent corrections. Several rules may have a say in one contact, so shares may add up to more than one."""

    contacts: int
    sorted: int
    corrected: int
    transferred: int
    rules: list[RuleFigures]
    queues: list[QueueFigures]
    days: list[DayFigures]
    moves: list[Move]
    whole: bool = True


class TriageTally:
    """`add` contacts, then ask for the `report`; `day_of` gives a time's date."""

    def __init__(self, day_of: Callable[[Millis], str]) -> None:
        self._day_of = day_of
        self._all: Counter[str] = Counter()
        self._rules: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._queues: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._waits: defaultdict[str, list[int]] = defaultdict(list)
        self._days: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._moves: Counter[tuple[str, str]] = Counter()

    def add(self, contact: Contact) -> None:
        """One that was never placed (an agent began it) is none of triage's."""
        if contact.placed is None:
            return
        rules = [rule.removeprefix(PREFIX) for rule in contact.rules if rule.startswith(PREFIX)]
        figures = {
            "contacts": 1,
            "sorted": int(bool(rules)),
            "corrected": int(contact.corrected),
            "transferred": int(contact.transfers > 0),
        }
        self._all.update(figures)
        self._days[self._day_of(contact.created_at)].update(figures)
        for rule in rules or [NONE]:
            self._rules[rule].update(figures)
        if contact.corrected and contact.queue is not None:
            self._moves[contact.placed, contact.queue] += 1
        self._queues[contact.placed].update(placed=1, corrected=int(contact.corrected))
        self._add_answers(contact, contact.queue or contact.placed)

    def _add_answers(self, contact: Contact, queue: str) -> None:
        answered = contact.answered_at is not None
        self._queues[queue].update(
            contacts=1, answered=int(answered), first_late=int(contact.first_late), late=int(contact.late > 0)
        )
        if contact.answered_at is not None:
            self._waits[queue].append(contact.answered_at - contact.created_at)

    def report(
        self,
        name_of: Callable[[str], str],
        queue_name: Callable[[str], str] = str,
        promised: Callable[[str], int | None] = lambda queue: None,
        *,
        whole: bool = True,
    ) -> TriageReport:
        """`name_of` gives a rule's name, `promised` the minutes within which a queue gives first answers."""
        total = self._all["contacts"]
        rules = [
            RuleFigures(
                rule,
                name_of(rule),
                found["contacts"],
                found["contacts"] / total,
                found["corrected"],
                found["transferred"],
            )
            for rule, found in self._rules.items()
        ]
        queues = [
            QueueFigures(
                queue,
                queue_name(queue),
                found["placed"],
                found["corrected"],
                found["contacts"],
                found["answered"],
                median_low(self._waits[queue]) if queue in self._waits else None,
                promised(queue),
                found["first_late"],
                found["late"],
            )
            for queue, found in self._queues.items()
        ]
        days = [
            DayFigures(day, found["contacts"], found["sorted"], found["corrected"], found["transferred"])
            for day, found in sorted(self._days.items())
        ]
        moves = [Move(placed, queue, n) for (placed, queue), n in self._moves.most_common(MOST_MOVES)]
        return TriageReport(
            total,
            self._all["sorted"],
            self._all["corrected"],
            self._all["transferred"],
            sorted(rules, key=lambda rule: (-rule.contacts, rule.rule)),
            sorted(queues, key=lambda queue: (-queue.placed, queue.queue)),
            days,
            moves,
            whole,
        )
