"""Pages of lists that lie in memory whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from hub.errors import InvalidInput
from hub.web.shapes import PageQuery


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


def page_of(rows: Iterable[T], query: PageQuery, *, key: Callable[[T], Any]) -> tuple[list[T], str | None]:
    """The rows in the key's order after the one with the id `query.after`, and the next page's `after`.

    Raises InvalidInput when there is no such row.
    """
    ordered = sorted(rows, key=key)
    start = 0
    if query.after is not None:
        start = next((n for n, row in enumerate(ordered, 1) if row.id == query.after), -1)
        if start < 0:
            raise InvalidInput("after", "expected the `next` of the page before")
    items = ordered[start : start + query.limit]
    more = start + query.limit < len(ordered)
    return items, items[-1].id if more else None
