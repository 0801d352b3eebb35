"""What the ends of the line /cobrowse send, by their events. Pure shapes; who may send them is said in `line.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from channels.cobrowse.pictures import MOST_WANTED
from hub.sockets import Input

Short = Annotated[str, Meta(max_length=200)]
Number = Annotated[float, Meta(ge=-1e7, le=1e7)]


class Handshake(Input, frozen=True, forbid_unknown_fields=True):
    ticket: Annotated[str, Meta(max_length=100)]


class PageInput(Input, frozen=True, forbid_unknown_fields=True):
    """The page's address, without its query."""

    url: Annotated[str, Meta(max_length=2000)]
    switched: bool = False  # the customer turned to another tab


class Cursor(Input, frozen=True, forbid_unknown_fields=True):
    """In the pixels of the customer's window."""

    x: Number
    y: Number


class StateInput(Input, frozen=True, forbid_unknown_fields=True):
    hidden: Annotated[int, Meta(ge=0)] = 0
    width: Annotated[int, Meta(ge=0, le=100_000)] = 0
    height: Annotated[int, Meta(ge=0, le=100_000)] = 0
    rtt: Annotated[int, Meta(ge=0, le=600_000)] = 0
    failed: Annotated[str, Meta(max_length=40)] = ""
    focus: Annotated[int, Meta(ge=0)] = 0


class Result(Input, frozen=True, forbid_unknown_fields=True):
    """What became of an action; `field` is the element's own id or name on the page."""

    id: Short
    operation: Annotated[str, Meta(max_length=20)]
    result: Annotated[str, Meta(max_length=20)]
    field: Short = ""


class AckInput(Input, frozen=True, forbid_unknown_fields=True):
    epoch: Annotated[int, Meta(ge=0)]
    seq: Annotated[int, Meta(ge=0)]


class Pen(Input, frozen=True, forbid_unknown_fields=True):
    """A piece of a line, in the pixels of the customer's window; a new line where `id` is new."""

    id: Short
    points: Annotated[list[tuple[Number, Number]], Meta(max_length=200)]


class Look(Input, frozen=True, forbid_unknown_fields=True):
    """ "Please look here": at an element."""

    node: int
    epoch: int


class Act(Input, frozen=True, forbid_unknown_fields=True):
    """`value` for `fill`; `base` is what the agent saw in the field when he began."""

    id: Short
    operation: Literal["fill", "click", "navigate"]
    epoch: int
    node: int = 0
    value: Annotated[str, Meta(max_length=20_000)] = ""
    base: Annotated[str, Meta(max_length=20_000)] = ""


class CardInput(Input, frozen=True, forbid_unknown_fields=True):
    """What the customer card has for the page's fields."""

    id: Short
    epoch: int


class WantInput(Input, frozen=True, forbid_unknown_fields=True):
    """Pictures that the viewer has not got, by their hashes."""

    hashes: Annotated[list[Short], Meta(max_length=MOST_WANTED)]
