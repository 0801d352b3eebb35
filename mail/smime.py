"""S/MIME: the signed mail inside its envelope. Whether the signature is good is not looked at."""

from __future__ import annotations

import zlib
from typing import Any

from asn1crypto import cms

from mail.limits import Limits, Problem
from mail.parts import inflate

_MOST_WRAPPED = 10


def open_envelope(data: bytes, limits: Limits, problems: set[Problem]) -> tuple[bytes | None, bool]:
    """The mail's part in a CMS envelope, and whether it was signed; None when it is encrypted or cannot be read."""
    signed = False
    for _ in range(_MOST_WRAPPED):
        try:
            info: Any = cms.ContentInfo.load(data)
            type = info["content_type"].native
            if type == "data":
                return bytes(info["content"].native), signed
            if type == "signed_data":
                signed = True
                content = info["content"]["encap_content_info"]["content"].native
            elif type == "compressed_data":
                packed = info["content"]["encap_content_info"]["content"].native
                content = None if packed is None else inflate(bytes(packed), limits, problems, zlib.MAX_WBITS)
            else:
                problems.add(Problem.ENCRYPTED if "enveloped" in type or "encrypted" in type else Problem.SMIME)
                return None, signed
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError):
            problems.add(Problem.SMIME)
            return None, signed
        if not isinstance(content, bytes) or not content:
            return None, signed  # a signature beside its text, or certificates alone
        if content[:1] != b"\x30":
            return content, signed
        data = content  # an envelope in the envelope
    problems.add(Problem.SMIME)
    return None, signed
