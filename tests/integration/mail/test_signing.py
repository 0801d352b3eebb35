"""DKIM: what is signed is what is shown, and nothing can be added to it. Checked by dkimpy's verifier."""

from __future__ import annotations

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec.structs import replace

from channels.email.signing import Signer, read_key
from hub.errors import InvalidInput
from mail.compose import Enclosure, Letter, compose
from mail.model import Address

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
LETTER = Letter(
    Address("support@example.org", "客服 Support"),
    "token.ml1@example.org",
    1_790_000_000_000,
    to=(Address("b@example.net", "Bergström, Clara"),),
    subject="您的订单 and more " * 8,
    references=("a@x", "b@x"),
    text="Hello  \n\n.\nFrom here on\n\n\n",
    html="<p>Hello</p>",
    attachments=(Enclosure("a.bin", "application/zip", bytes(range(256)) * 50),),
)


def verified(raw: bytes) -> bool:
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"mail._domainkey.example.org."
        return record

    return bool(dkim.verify(raw, dnsfunc=dns))


SIGNED = Signer("example.org", "mail", read_key(PEM)).sign(compose(LETTER))


def test_a_signature_holds() -> None:
    assert SIGNED.startswith(b"DKIM-Signature: ")
    assert verified(SIGNED)
    assert max(map(len, SIGNED.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("name", [b"From", b"To", b"Cc", b"Subject", b"Reply-To", b"Date", b"Content-Type"])
def test_no_second_header_of_its_kind_can_be_added(name: bytes) -> None:
    assert not verified(name + b": x@evil.example\r\n" + SIGNED)


def test_one_click_is_signed_or_counts_for_nothing() -> None:
    letter = replace(LETTER, unsubscribe="https://example.org/u/1")
    signed = Signer("example.org", "mail", read_key(PEM)).sign(compose(letter))
    assert verified(signed)
    head = signed.partition(b"From:")[0].replace(b"\r\n", b"").replace(b" ", b"").lower()
    assert b":list-unsubscribe:list-unsubscribe-post" in head
    assert not verified(signed.replace(b"https://example.org/u/1", b"https://evil.example/u/1"))
    assert not verified(signed.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"))


def test_neither_text_nor_head_can_be_changed() -> None:
    assert not verified(SIGNED.replace(b"<p>Hello</p>", b"<p>Hullo</p>"))
    assert not verified(SIGNED.replace(b"In-Reply-To", b"X").replace(b"<b@x>", b"<c@x>"))
    # What servers on the way put before it does not matter.
    assert verified(b"Received: by mx.example.net; Mon, 1 Jan 2024 00:00:00 +0000\r\n" + SIGNED)


def test_what_is_no_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for pem in ("", "hello", other.decode()):
        with pytest.raises(InvalidInput) as refused:
            read_key(pem)
        assert refused.value.details["path"] == "outbound.dkim.key"
