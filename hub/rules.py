"""Who comes first, who goes where and who is not served, by the administrators' rows: pure functions of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Literal

from msgspec import Struct

from hub.config_rows import Block, Condition, Group, Queue, Rule
from hub.model import PRIORITY_LIMIT, Contact, Customer, Requirements, User


class Placement(Struct, frozen=True):
    """Where a new contact waits, what it asks for and how much earlier it comes; `rules` are those that had a say."""

    queue: str
    requirements: Requirements
    priority: int = 0
    rules: tuple[str, ...] = ()


def facts_of(contact: Contact, customer: Customer | None, **more: str) -> dict[str, str]:
    """What conditions may be about; what is not known is absent. `more`: topic, called, caller and the like."""
    facts = {
        "channel": str(contact.channel),
        "queue": contact.queue or "",
        "site": contact.site,
        "language": contact.language,
        "page": contact.page.url if contact.page else "",
        **{f"field.{name}": value for name, value in contact.fields.items()},
        **more,
    }
    if customer is not None:
        facts |= {
            "name": customer.name,
            "email": customer.email,
            "verified": "yes" if customer.verified else "no",
            **{f"customer.{name}": value for name, value in customer.fields.items()},
        }
        facts.setdefault("caller", customer.phone)
    return {name: value for name, value in facts.items() if value}


def place(
    rules: Mapping[str, Rule],
    facts: Mapping[str, str],
    queue: str,
    requirements: Requirements,
    is_open: Callable[[str], bool],
) -> Placement:
    """Where the rules put a contact that would come to `queue`; `is_open` tells of a calendar."""
    priority, applied, asked = 0, [], dict(requirements)
    facts = {**facts, "queue": queue}
    for id, rule in sorted(rules.items(), key=lambda item: (item[1].order, item[0])):
        if not rule.enabled or not all(holds(condition, facts, is_open) for condition in rule.when):
            continue
        applied.append(id)
        priority += rule.priority
        if rule.queue is not None and rule.queue != queue:
            # What was asked for belonged to the place that it does not go to.
            queue, asked = rule.queue, {}
        for skill, level in rule.skills.items():
            asked[skill] = max(level, asked.get(skill, 0))
        if rule.stop:
            break
    return Placement(queue, asked, max(-PRIORITY_LIMIT, min(PRIORITY_LIMIT, priority)), tuple(applied))


def holds(condition: Condition, facts: Mapping[str, str], is_open: Callable[[str], bool]) -> bool:
    """Whether the condition is true; of a fact that is not known only `is_not` is."""
    if condition.fact == "hours":
        return is_open(condition.value) == (condition.op == "is")
    return compares(facts.get(condition.fact, ""), condition.op, condition.value)


def compares(fact: str, op: Literal["is", "is_not", "starts", "contains", "matches"], value: str) -> bool:
    """Without regard to case; `matches` takes * for any text."""
    fact, value = fact.casefold(), value.casefold()
    match op:
        case "is":
            return fact == value
        case "is_not":
            return fact != value
        case "starts":
            return fact.startswith(value)
        case "contains":
            return value in fact
        case "matches":
            return matches(value, fact)


def matches(pattern: str, text: str) -> bool:
    """`*` is any text. No regular expression: with many stars one takes for ever on a text that does not match."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    if not text.startswith(first):
        return False
    at = len(first)
    for part in others[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(others[-1]) and text.endswith(others[-1])


def blocked(
    blocks: Iterable[Block], today: date, *, email: str = "", phone: str = "", visitor: str = "", address: str = ""
) -> Block | None:
    """The first row that speaks against serving whoever comes with these identities."""
    for block in blocks:
        if block.until is not None and today > date.fromisoformat(block.until):
            continue
        value = block.value.casefold()
        found = {
            "email": email.casefold() == value,
            "domain": email.casefold().rpartition("@")[2] == value.removeprefix("@"),
            "phone": phone.startswith(value[:-1]) if value.endswith("*") else phone == value,
            "visitor": visitor.casefold() == value,
            "address": block.what == "address" and _within(address, value),
        }
        if found[block.what]:
            return block
    return None


def lets_in(user: User, id: str, queue: Queue, groups: Mapping[str, Group]) -> bool:
    """Whether the user may serve the queue, skills aside: it is not limited to groups that he is not in, and he is not
    reserved for others."""
    inside = not queue.groups or any(user.id in groups[group].agents for group in queue.groups if group in groups)
    return inside and (not user.reserved or id in user.reserved)


def _within(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False
