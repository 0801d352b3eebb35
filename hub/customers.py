"""Who may read and edit a customer, and how an edit is checked: the same for the desktop's socket and for REST."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from hub.contacts import clean_text
from hub.errors import Forbidden, InvalidInput, NotFound, VersionConflict
from hub.model import Customer, User
from hub.permissions import Permission, may
from hub.ports import ContactFilter, ContactRow
from hub.scopes import scope_of
from hub.service import Hub
from hub.views import customer_json
from hub.visitors import clean_email, clean_phone

EARLIER = 50
_MOST_FIELDS = 50


async def contacts_with(hub: Hub, user: User, customer: str) -> list[ContactRow]:
    """The customer's contacts that this user may see, newest first. Raises Forbidden when he may see none."""
    scope = scope_of(hub.directory, user)
    seen = await hub.store.contacts.page(ContactFilter(customer=customer, scope=scope), limit=EARLIER)
    if not seen and scope is not None:
        raise Forbidden("You have no contact with this customer.")
    return seen


async def customer_for(hub: Hub, user: User, id: str) -> Customer:
    """The customer, if this user may see him. Raises NotFound, Forbidden."""
    customer = (await hub.contacts.customers([id])).get(id)
    if customer is None:
        raise NotFound("customer", id)
    await contacts_with(hub, user, id)
    return customer


async def edit_customer(hub: Hub, user: User, id: str, version: int, changes: dict[str, Any]) -> Customer:
    """Writes the given fields (name, email, phone, language, timezone, note, fields, owner) over the customer's.

    Raises NotFound, Forbidden, InvalidInput, and VersionConflict with the customer as he is now in `details`.
    """
    known = await customer_for(hub, user, id)
    if known.version != version:
        raise VersionConflict(
            "Somebody else changed this customer. Look at it again.", details={"customer": customer_json(known)}
        )
    owner = changes.get("owner") or None
    if owner not in (None, known.owner) and not may(hub.directory.user(owner), Permission.CONTACT_HANDLE):
        raise InvalidInput("owner", "expected a user who takes contacts")
    cleaned = {name: _clean(name, value) for name, value in changes.items()}
    changed = [name for name, value in cleaned.items() if getattr(known, name) != value]
    if not changed:
        return known
    return await hub.contacts.edit_customer(
        replace(known, version=known.version + 1, **cleaned), changed, actor=user.id
    )


def _clean(name: str, value: Any) -> Any:
    match name:
        case "email":
            return clean_email(value)
        case "phone":
            return clean_phone(value)
        case "fields":
            if len(value) > _MOST_FIELDS:
                raise InvalidInput("fields", f"expected at most {_MOST_FIELDS} fields")
            return {clean_text(key, "fields").strip(): clean_text(text, f"fields.{key}") for key, text in value.items()}
        case "owner":
            return value or None
        case "note":
            return clean_text(value, name)
        case _:
            return clean_text(value, name).replace("\n", " ").strip()
