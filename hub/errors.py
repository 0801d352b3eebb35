"""Every error that a caller can meet.

    HubError                      code, status, sentence, details
    +-- InvalidInput              input.invalid            422
    +-- NumberRefused             callback.number_refused  422
    +-- TooLarge                  input.too_large          413
    +-- NotFound                  *.not_found              404
    +-- Refused                   *  (a rule says no)      409
    |   +-- WrongPhase            contact.phase
    |   +-- OfferGone             offer.gone
    |   +-- VersionConflict       contact.conflict
    +-- NotSignedIn               auth.required            401
    +-- Forbidden                 auth.forbidden           403
    +-- RateLimited               rate.limited             429
    +-- Unavailable               store.busy               503
    +-- ConfigError               (a sentence with a path; never leaves the process)

`to_json` is the one shape in which errors leave: HTTP bodies and socket acknowledgements both hold it.
"""

from __future__ import annotations

from typing import Any


class HubError(Exception):
    """An error with a code, a sentence that a person can act on, an HTTP status and data."""

    code = "hub.error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}
        if code is not None:
            self.code = code

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "details": self.details}


class InvalidInput(HubError):
    """`details` holds `path` and `expected`."""

    code = "input.invalid"
    status = 422

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f"{path}: {expected}" if path else expected, details={"path": path, "expected": expected})


class NumberRefused(HubError):
    """`details` holds `path` and `reason` (see `hub/numbers.py`)."""

    code = "callback.number_refused"
    status = 422

    def __init__(self, path: str, reason: str, sentence: str) -> None:
        super().__init__(sentence, details={"path": path, "reason": reason})


class TooLarge(HubError):
    code = "input.too_large"
    status = 413


class UnsupportedType(HubError):
    code = "file.type"
    status = 415


class NotFound(HubError):
    status = 404

    def __init__(self, what: str, id: str = "") -> None:
        super().__init__(f"There is no such {what}.", code=f"{what}.not_found", details={"id": id} if id else None)


class Refused(HubError):
    """A rule of the domain says no; the state is as it was."""

    code = "refused"
    status = 409


class WrongPhase(Refused):
    code = "contact.phase"


class OfferGone(Refused):
    code = "offer.gone"


class VersionConflict(Refused):
    """Someone else was quicker; reload and decide again."""

    code = "contact.conflict"


class NotSignedIn(HubError):
    code = "auth.required"
    status = 401


class Forbidden(HubError):
    code = "auth.forbidden"
    status = 403


class RateLimited(HubError):
    """`details.retry_after_ms` says when to come back."""

    code = "rate.limited"
    status = 429

    def __init__(self, retry_after_ms: int, message: str = "Too many requests. Please wait a moment.") -> None:
        super().__init__(message, details={"retry_after_ms": retry_after_ms})


class Unavailable(HubError):
    """Nothing was stored; the caller keeps what it has and tries again."""

    code = "store.busy"
    status = 503


class ConfigError(Exception):
    """A mistake in hub.toml: the sentence names the path and what was expected."""
