"""Against calls that nobody wants: how many are taken, and when all of them stop."""

from __future__ import annotations

from hub.callbacks.records import Asked, Breaker, Spent
from hub.callbacks.settings import Caps, Limits
from hub.model import Millis


def over_cap(asked: Asked, caps: Caps, *, address: str) -> str | None:
    """Which cap one more would break ("number", "address", "site", "total"); None when there is room for it. What
    comes from no address (a program's) is not counted by it."""
    if asked.number >= caps.number:
        return "number"
    if address and asked.address >= caps.address:
        return "address"
    if asked.site >= caps.site:
        return "site"
    return "total" if asked.total >= caps.total else None


def tripped(spent: Spent, limits: Limits, *, name: str) -> str | None:
    """Why the breaker of this name ("minutes", "spend", "lines") opens before one more call; None when it does not."""
    match name:
        case "minutes" if spent.talk_ms >= limits.talk_ms:
            return f"{spent.talk_ms // 60_000} of {limits.talk_ms // 60_000} minutes in 24 hours"
        case "spend" if spent.cost >= limits.cost:
            return f"{spent.cost / 1000:.2f} of {limits.cost / 1000:.2f} in 24 hours"
        case "lines" if spent.running >= limits.lines:
            return f"{spent.running} of {limits.lines} lines at once"
    return None


BREAKERS = ("minutes", "spend", "lines")


def counts_from(breaker: Breaker, now: Millis, window: Millis) -> Millis:
    """Since when a breaker's sums count: what was before somebody let it go on is forgiven."""
    return max(breaker.reset_at, now - window)
