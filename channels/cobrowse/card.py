"""What of a customer card goes into the fields of the page that its customer shares. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.config_sharing import CardField
from hub.model import Customer


def value_of(customer: Customer, name: str) -> str:
    """`name` as in `CardField`; "" where it is not known."""
    if name.startswith("fields."):
        return customer.fields.get(name.removeprefix("fields."), "")
    first, _, last = customer.name.strip().rpartition(" ")
    match name:
        case "first_name":
            return first.strip() or last
        case "last_name":
            return last if first else ""
        case "name":
            return customer.name
        case "email":
            return customer.email
        case "phone":
            return customer.phone
        case "external_id":
            return customer.external_id or ""
    return ""


def filled(customer: Customer, card: Sequence[CardField]) -> list[dict[str, Any]]:
    """Values and what their fields are called, in the site's order, without what is not known."""
    known = [(value_of(customer, rule.value).strip(), rule) for rule in card]
    return [{"value": value, "match": list(rule.match)} for value, rule in known if value]
