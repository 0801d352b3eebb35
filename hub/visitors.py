"""Visitors and the customers behind them: tokens, signed identities, who is who.

A visitor is a browser. It exists from its first act and is known by a signed token that lives in the hub's own origin.
What a visitor says of himself (name, e-mail) is kept but proves nothing; only an identity signed with the site's secret
joins him to a customer who is known already.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Any

import msgspec
import phonenumbers
from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Meta, Struct
from msgspec.structs import replace

from hub.config_rows import invalid
from hub.contacts import ContactService, clean_text
from hub.directory import Directory
from hub.errors import Forbidden, InvalidInput, NotSignedIn
from hub.ids import derived_id
from hub.model import Customer, Millis, Visitor
from hub.ports import Clock, Store

IDENTITY_LIFETIME_MS = 24 * 3600 * 1000


class Identity(Struct, frozen=True):
    """What the host page says of its user; `hash` is HMAC-SHA256(site secret, "id.exp.nonce") in hex, `exp` in
    seconds or milliseconds since the epoch, signed as it is written."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    name: Annotated[str, Meta(max_length=200)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    exp: int | float | Annotated[str, Meta(max_length=20)] | None = None
    nonce: Annotated[str, Meta(max_length=200)] = ""
    hash: Annotated[str, Meta(max_length=200)] = ""


def read_identity(data: Any) -> Identity:
    """Raises InvalidInput."""
    try:
        return msgspec.convert(data, Identity)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def clean_email(value: str) -> str:
    """The address in lower case, or "" for none. Raises InvalidInput for what is no address."""
    value = value.strip()
    if not value:
        return ""
    local, _, domain = value.rpartition("@")
    if (
        not local
        or "." not in domain.strip(".")
        or domain != domain.strip(".")
        or len(value) > 254
        or any(ch.isspace() or not ch.isprintable() or ch in '<>",;:\\()[]' for ch in value)
        or "@" in local
    ):
        raise InvalidInput("email", "expected an address such as name@example.org")
    return value.lower()


def clean_phone(value: str, region: str | None = None) -> str:
    """The number in E.164, or "" for none. Raises InvalidInput for what is no number."""
    if not value.strip():
        return ""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        raise InvalidInput("phone", "expected a number with its country code, such as +49 30 1234567") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidInput("phone", "expected a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class VisitorService:
    """`secret` signs the tokens; whoever has it could speak as any visitor."""

    def __init__(
        self, store: Store, directory: Directory, contacts: ContactService, clock: Clock, secret: bytes
    ) -> None:
        self._store = store
        self._directory = directory
        self._contacts = contacts
        self._clock = clock
        self._secret = secret
        self._signer = URLSafeSerializer(secret, salt="visitor-token", signer_kwargs={"digest_method": hashlib.sha256})

    def token(self, visitor: Visitor) -> str:
        return self._signer.dumps([visitor.id, visitor.site])

    def read_token(self, token: str) -> tuple[str, str]:
        """(visitor, site) of a token of ours. Raises NotSignedIn."""
        try:
            visitor, site = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            raise NotSignedIn("This conversation cannot be opened from here.") from None
        return str(visitor), str(site)

    async def known(self, token: str, site: str) -> Visitor:
        """The visitor of a token, on its site. Raises NotSignedIn."""
        id, of_site = self.read_token(token)
        visitor = await self._store.people.visitor(id) if of_site == site else None
        if visitor is None:
            raise NotSignedIn("This conversation cannot be opened from here.")
        return visitor

    def first(self, site: str, client_id: str, user_agent: str) -> Visitor:
        """The visitor that an act with this client id makes, the same one again for a retry. Not stored yet.

        The id is keyed, so knowing ids of others does not help to make theirs.
        """
        seed = hmac.new(self._secret, f"{site}\x1f{client_id}".encode(), hashlib.sha256).hexdigest()
        return Visitor(
            derived_id("vi", 0, seed),
            site,
            derived_id("cu", 0, seed),
            self._clock.now(),
            clean_text(user_agent[:300], limit=300),
        )

    async def customer_for(self, visitor: Visitor, name: str, email: str, phone: str, language: str) -> Customer | None:
        """The customer row to write with the visitor's next contact; None when nothing about him changes.

        A verified customer's own data are never overwritten by what a form says.
        """
        known = (await self._contacts.customers([visitor.customer])).get(visitor.customer)
        if known is None:
            return Customer(visitor.customer, name, email, phone, language, created_at=self._clock.now())
        if known.verified:
            return None
        said = replace(
            known,
            name=name or known.name,
            email=email or known.email,
            phone=phone or known.phone,
            language=language or known.language,
        )
        return None if said == known else said

    async def identify(self, visitor: Visitor, identity: Identity, *, new: bool = False) -> tuple[Visitor, Customer]:
        """Joins the visitor to the customer of a signed identity, or notes an unsigned one as unverified.

        A `new` visitor is not stored yet; whoever stores him stores what is returned here.
        Raises Forbidden for a signature that is wrong, expired or used before.
        """
        email, phone = clean_email(identity.email), clean_phone(identity.phone)
        name = clean_text(identity.name, "name", 200)
        customer = (await self._contacts.customers([visitor.customer])).get(visitor.customer)
        if not identity.hash:
            said = await self.customer_for(visitor, name, email, phone, "")
            if said is not None and customer is not None:
                said = await self._contacts.edit_customer(
                    replace(said, version=customer.version + 1), ["name", "email", "phone"], actor=visitor.id
                )
            return visitor, said or customer or Customer(visitor.customer)
        # A page that is loaded again shows the same identity: only for somebody new is its nonce spent.
        known_already = customer is not None and customer.verified and customer.external_id == identity.id
        await self._verify(visitor.site, identity, spend=not known_already)
        kind = f"external:{visitor.site}"
        known = await self._store.people.by_identity(kind, identity.id)
        if known is None:
            # The first time this user is seen. A browser that was someone else's keeps that one's record apart.
            if customer is None or (customer.verified and customer.external_id != identity.id):
                known = Customer(derived_id("cu", 0, visitor.site, identity.id), created_at=self._clock.now())
            else:
                known = customer
        stored = (await self._store.people.customers([known.id])).get(known.id)
        signed = replace(
            known,
            name=name or known.name,
            email=email or known.email,
            phone=phone or known.phone,
            external_id=identity.id,
            verified=True,
        )
        if stored is None or replace(signed, version=stored.version) != stored:
            version = (stored.version if stored else 0) + 1
            signed = await self._contacts.edit_customer(
                replace(signed, version=version), ["name", "email", "phone", "verified"], actor=visitor.id
            )
        await self._store.people.add_identity(signed.id, kind, identity.id)
        if visitor.customer != signed.id and not new:
            await self._store.people.bind_visitor(visitor.id, signed.id)
        return replace(visitor, customer=signed.id), signed

    async def _verify(self, site: str, identity: Identity, *, spend: bool) -> None:
        secret = self._directory.site(site).identity_secret
        if not secret or identity.exp is None:
            raise Forbidden("This site takes no signed identities.", code="identity.refused")
        expected = hmac.new(
            secret.encode(), f"{identity.id}.{_as_written(identity.exp)}.{identity.nonce}".encode(), hashlib.sha256
        )
        if not hmac.compare_digest(expected.hexdigest(), identity.hash.lower()):
            raise Forbidden("The identity's signature does not match.", code="identity.refused")
        now: Millis = self._clock.now()
        until = _until(identity.exp)
        if until <= now or until > now + IDENTITY_LIFETIME_MS:
            raise Forbidden("The identity has expired or lasts too long.", code="identity.expired")
        if not identity.nonce:
            raise Forbidden("The identity has no nonce.", code="identity.refused")
        if spend and await self._store.people.nonce_used(site, identity.nonce, until, now):
            raise Forbidden("The identity was used before.", code="identity.replayed")


def _as_written(exp: float | str) -> str:
    return str(int(exp)) if isinstance(exp, float) and exp.is_integer() else str(exp)


def _until(exp: float | str) -> Millis:
    """Milliseconds since the epoch; what is too large for seconds is taken as milliseconds. 0 for what is no number."""
    try:
        value = float(exp)
        return int(value if value > 100_000_000_000 else value * 1000)
    except (ValueError, OverflowError):
        return 0
