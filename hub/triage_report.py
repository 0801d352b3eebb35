"""How the triage of mails did: a pure count over contacts that mails made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

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
    days: list[DayFigures]
    moves: list[Move]
    whole: bool = True


class TriageTally:
    """`add` contacts, then ask for the `report`; `day_of` gives a time's date."""

    def __init__(self, day_of: Callable[[Millis], str]) -> None:
        self._day_of = day_of
        self._all: Counter[str] = Counter()
        self._rules: defaultdict[str, Counter[str]] = defaultdict(Counter)
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

    def report(self, name_of: Callable[[str], str], *, whole: bool = True) -> TriageReport:
        """`name_of` gives a rule's name."""
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
            days,
            moves,
            whole,
        )
