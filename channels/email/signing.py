"""DKIM signatures (RFC 6376) on mails that go out."""

from __future__ import annotations

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from hub.errors import InvalidInput

# Those that are shown or lead somewhere. Each but those that mailing lists add is named once more than it is there,
# so that nobody can add a second one (RFC 6376, 5.4.2 and 8.15).
ONCE_MORE = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"message-id", b"content-type", b"mime-version")
SIGNED = (
    *(*ONCE_MORE, b"in-reply-to", b"references", b"content-transfer-encoding", b"auto-submitted"),
    *(b"list-unsubscribe", b"list-unsubscribe-post"),  # without these in it one click counts for nothing (RFC 8058, 4)
)


class Signer(Struct, frozen=True):
    """`key` is an RSA key in PEM, as `read_key` gives it."""

    domain: str
    selector: str
    key: bytes

    def sign(self, raw: bytes) -> bytes:
        """The mail with its signature before it. Takes a millisecond or two."""
        signature: bytes = dkim.sign(
            raw,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=_named(raw),
        )
        return signature + raw


def read_key(pem: str) -> bytes:
    """The key as `Signer` wants it. Raises InvalidInput."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidInput("outbound.dkim.key", "expected a private key in PEM without a password") from None
    # Ed25519 (RFC 8463) is not offered: receivers that do not know it see an unsigned mail.
    if not isinstance(key, RSAPrivateKey) or key.key_size < 1024:
        raise InvalidInput("outbound.dkim.key", "expected an RSA key of at least 1024 bits (2048 are usual)")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _named(raw: bytes) -> list[bytes]:
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    there = [line.partition(b":")[0].lower() for line in head if not line.startswith((b" ", b"\t"))]
    named = [name for name in SIGNED for _ in range(there.count(name))]
    return [*named, *ONCE_MORE]
