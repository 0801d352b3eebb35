"""What the administrators' rules make of a mail: pure functions of the rules and of what is known of the mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from hub.config_mail import MailCondition, MailRule
from hub.model import Requirements
from hub.patterns import found
from hub.rules import matches

Facts = Mapping[str, Sequence[str]]
"""By MAIL_FACTS and `header.name` (in lower case) what is known: several values where there are several recipients,
files or headers of a name."""

SECONDS = 0.5
"""For all regular expressions that are asked about one mail; one that has begun ends within a quarter of a second."""
PREFIX = "mail:"
"""Before the ids of these rules, where they stand beside those of the routing."""


class Sorted(Struct, frozen=True):
    """`queue`, `owner` and `language` are None where no rule says. `rules` are those that applied, in order; `unasked`
    those that could not be decided in time, and so did not apply."""

    queue: str | None = None
    skills: Requirements = field(default_factory=dict)
    priority: int = 0
    tags: tuple[str, ...] = ()
    owner: str | None = None
    language: str | None = None
    rules: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()


def sort_mail(
    rules: Mapping[str, MailRule],
    facts: Facts,
    elapsed: Callable[[], float],
    seconds: float = SECONDS,
    *,
    home: str | None = None,
) -> Sorted:
    """`elapsed` tells the seconds since some moment; regular expressions are asked for `seconds` of them. `home` is the
    queue that the mail comes to unless a rule names another."""
    until = elapsed() + seconds
    result = Sorted()
    unasked: list[str] = []
    applied: list[str] = []
    tags: dict[str, None] = {}
    queue, owner, language, priority = result.queue, result.owner, result.language, 0
    at = home
    skills: dict[str, int] = {}
    for id, rule in in_order(rules):
        verdict = _applies(rule, facts, elapsed, until)
        if verdict is None:
            unasked.append(id)
        if not verdict:
            continue
        applied.append(id)
        priority += rule.priority
        if rule.queue is not None:
            if rule.queue != at:
                # What was asked for belonged to the place that it does not go to.
                skills = {}
            queue = at = rule.queue
        for skill, level in rule.skills.items():
            skills[skill] = max(level, skills.get(skill, 0))
        tags |= dict.fromkeys(rule.tags)
        owner, language = rule.owner or owner, rule.language or language
        if rule.stop:
            break
    return Sorted(queue, skills, priority, tuple(tags), owner, language, tuple(applied), tuple(unasked))


def in_order(rules: Mapping[str, MailRule]) -> list[tuple[str, MailRule]]:
    """Those that are asked, in the order in which they are."""
    enabled = [(id, rule) for id, rule in rules.items() if rule.enabled]
    return sorted(enabled, key=lambda item: (item[1].order, item[0]))


def needs_headers(rules: Mapping[str, MailRule]) -> bool:
    """Whether the mail's own head has to be read for them."""
    return any(condition.fact.startswith("header.") for _, rule in in_order(rules) for condition in rule.when)


def _applies(rule: MailRule, facts: Facts, elapsed: Callable[[], float], until: float) -> bool | None:
    """None when the time was over before it was decided. What costs least is asked first."""
    for condition in sorted(rule.when, key=lambda condition: condition.op == "regex"):
        if condition.op == "regex" and elapsed() >= until:
            return None
        if not holds(condition, facts):
            return False
    return True


def holds(condition: MailCondition, facts: Facts) -> bool:
    """Whether the condition is true of any value of its fact; `is_not` when it is none of them."""
    fact = condition.fact.lower() if condition.fact.startswith("header.") else condition.fact
    values = facts.get(fact, ())
    if condition.op == "regex":
        return any(found(condition.value, value) for value in values)
    value = condition.value.casefold()
    folded = (each.casefold() for each in values)
    match condition.op:
        case "is":
            return any(each == value for each in folded)
        case "is_not":
            return all(each != value for each in folded)
        case "starts":
            return any(each.startswith(value) for each in folded)
        case "contains":
            return any(value in each for each in folded)
        case "matches":
            return any(matches(value, each) for each in folded)
