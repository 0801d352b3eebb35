"""What flows are made of: nodes, each with exits that name other nodes.

Nodes that are read are well formed; whether they make sense together (exits that lead nowhere, words that a language
lacks) is told by `check.py`, so that a flow that is being drawn can be kept. `walk.py` says what a walk through them
does.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct, field

from hub.config_row import Id, Skills, Texts

NodeId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Exit: TypeAlias = NodeId | None
"""Where it goes on; None in a flow that is not yet done."""
Attribute = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Template = Annotated[str, Meta(max_length=500)]
"""Text in which {name} stands for an attribute."""
Key = Annotated[str, Meta(pattern=r"^[0-9*#]$")]
Tries = Annotated[int, Meta(ge=1, le=10)]
WaitS = Annotated[float, Meta(ge=1, le=30)]

MOST_NODES = 500
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")


class Prompt(Struct, frozen=True, tag="prompt", tag_field="say", forbid_unknown_fields=True):
    """A recording, by its name; there is one for each language. `language` is that in which it is played whatever is
    spoken otherwise: "for Chinese, press 2", in Chinese."""

    prompt: Id
    language: Annotated[str, Meta(max_length=35)] = ""


class Words(Struct, frozen=True, tag="words", tag_field="say", forbid_unknown_fields=True):
    """Text by language, read aloud by the speech synthesis, or shown in a chat."""

    text: Texts


class Value(Struct, frozen=True, tag="value", tag_field="say", forbid_unknown_fields=True):
    """What an attribute holds, said as a number, digit by digit, as an amount of `currency`, or as a date (an ISO
    date, as 2026-03-05)."""

    of: Attribute
    kind: Literal["number", "digits", "money", "date"] = "number"
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "EUR"


class Waiting(Struct, frozen=True, tag="waiting", tag_field="say", forbid_unknown_fields=True):
    """The place that he would have in a queue, or how long he would wait for it."""

    queue: Id
    kind: Literal["position", "wait"] = "wait"


Part: TypeAlias = Prompt | Words | Value | Waiting
Parts = Annotated[list[Part], Meta(max_length=20)]


class Node(Struct, frozen=True, kw_only=True, tag_field="do", forbid_unknown_fields=True):
    """`x` and `y` are where it stands in the editor, in pixels."""

    x: Annotated[int, Meta(ge=-100_000, le=100_000)] = 0
    y: Annotated[int, Meta(ge=-100_000, le=100_000)] = 0


class Say(Node, frozen=True, kw_only=True, tag="say", forbid_unknown_fields=True):
    parts: Parts
    next: Exit = None


class Menu(Node, frozen=True, kw_only=True, tag="menu", forbid_unknown_fields=True):
    """One key of `options`. `invalid` and `silence` are said before it is asked again; after `tries` it is `failed`.
    `labels` are the buttons in a chat. With `barge_in` a key ends what is being said."""

    parts: Parts
    options: Annotated[dict[Key, Exit], Meta(min_length=1, max_length=12)]
    labels: dict[Key, Texts] = field(default_factory=dict)
    invalid: Parts = field(default_factory=list)
    silence: Parts = field(default_factory=list)
    timeout_s: WaitS = 5
    tries: Tries = 3
    barge_in: bool = True
    failed: Exit = None


class Collect(Node, frozen=True, kw_only=True, tag="collect", forbid_unknown_fields=True):
    """`least` to `most` digits into an attribute, ended by `end` or by a pause of `between_s`. What is `secret` is
    known to lookups alone: it is never said, logged, recorded or shown."""

    parts: Parts
    into: Attribute
    least: Annotated[int, Meta(ge=1, le=30)] = 1
    most: Annotated[int, Meta(ge=1, le=30)] = 20
    end: Literal["#", "*", ""] = "#"
    secret: bool = False
    invalid: Parts = field(default_factory=list)
    silence: Parts = field(default_factory=list)
    timeout_s: WaitS = 8
    between_s: WaitS = 3
    tries: Tries = 3
    barge_in: bool = True
    next: Exit = None
    failed: Exit = None


class Hours(Node, frozen=True, kw_only=True, tag="hours", forbid_unknown_fields=True):
    calendar: Id
    open: Exit = None
    closed: Exit = None


class Test(Struct, frozen=True, forbid_unknown_fields=True):
    """`fact` is an attribute, `caller`, `called`, `language`, `customer.FIELD`, or of a queue `queue.ID.waiting`,
    `queue.ID.wait_s` or `queue.ID.agents` (who could take a call now). `above` and `below` compare numbers."""

    fact: Annotated[
        str,
        Meta(
            pattern=r"^([a-z][a-z0-9_]{0,39}|customer\.[A-Za-z0-9_]{1,40}"
            r"|queue\.[a-z0-9][a-z0-9_-]{0,63}\.(waiting|wait_s|agents))$"
        ),
    ]
    value: Annotated[str, Meta(max_length=300)]
    op: Literal["is", "is_not", "starts", "contains", "matches", "above", "below"] = "is"

    __test__ = False


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """Taken when all of `when` holds."""

    when: Annotated[list[Test], Meta(min_length=1, max_length=10)]
    to: Exit = None


class Branch(Node, frozen=True, kw_only=True, tag="branch", forbid_unknown_fields=True):
    """The first case that holds."""

    cases: Annotated[list[Case], Meta(min_length=1, max_length=20)]
    otherwise: Exit = None


class Set(Node, frozen=True, kw_only=True, tag="set", forbid_unknown_fields=True):
    """`language` is that in which is spoken from here on."""

    values: dict[Attribute, Template] = field(default_factory=dict)
    language: Annotated[str, Meta(max_length=35)] = ""
    next: Exit = None


class Lookup(Node, frozen=True, kw_only=True, tag="lookup", forbid_unknown_fields=True):
    """Asks a server for JSON. `take` names what is kept of it: an attribute and a JSON pointer (RFC 6901). What stands
    in place of {name} is percent-encoded in the address. 404 and 410 go to `missing`; whatever else is no success, is
    too late or too much, to `failed`."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s{}]+(/.*)?$", max_length=1000)]
    method: Literal["GET", "POST"] = "GET"
    body: dict[Attribute, Template] = field(default_factory=dict)
    take: Annotated[dict[Attribute, Annotated[str, Meta(max_length=200)]], Meta(max_length=20)] = field(
        default_factory=dict
    )
    timeout_s: Annotated[float, Meta(ge=0.2, le=10)] = 3
    next: Exit = None
    missing: Exit = None
    failed: Exit = None


class SubFlow(Node, frozen=True, kw_only=True, tag="flow", forbid_unknown_fields=True):
    """Another flow, walked through; where that one returns, this one goes on."""

    flow: Id
    next: Exit = None


class Return(Node, frozen=True, kw_only=True, tag="return", forbid_unknown_fields=True):
    """The end of a sub-flow. A flow that nobody called hangs up here."""


class ToQueue(Node, frozen=True, kw_only=True, tag="queue", forbid_unknown_fields=True):
    queue: Id
    skills: Skills = field(default_factory=dict)
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0


class Callback(Node, frozen=True, kw_only=True, tag="callback", forbid_unknown_fields=True):
    queue: Id


class HangUp(Node, frozen=True, kw_only=True, tag="hang_up", forbid_unknown_fields=True):
    parts: Parts = field(default_factory=list)


AnyNode: TypeAlias = (
    Say | Menu | Collect | Hours | Branch | Set | Lookup | SubFlow | Return | ToQueue | Callback | HangUp
)


def exits(node: AnyNode) -> list[tuple[str, Exit]]:
    """Where it may go on, each with the path of the exit within the node."""
    match node:
        case Say() | Set() | SubFlow():
            return [("next", node.next)]
        case Menu():
            return [*((f"options.{key}", to) for key, to in node.options.items()), ("failed", node.failed)]
        case Collect():
            return [("next", node.next), ("failed", node.failed)]
        case Hours():
            return [("open", node.open), ("closed", node.closed)]
        case Branch():
            return [*((f"cases[{i}].to", case.to) for i, case in enumerate(node.cases)), ("otherwise", node.otherwise)]
        case Lookup():
            return [("next", node.next), ("missing", node.missing), ("failed", node.failed)]
        case Return() | ToQueue() | Callback() | HangUp():
            return []


def spoken_by(node: AnyNode) -> list[tuple[str, Parts]]:
    """What it says, each with its path within the node."""
    match node:
        case Say() | HangUp():
            return [("parts", node.parts)]
        case Menu() | Collect():
            return [("parts", node.parts), ("invalid", node.invalid), ("silence", node.silence)]
        case _:
            return []


def named_in(text: str) -> list[str]:
    """The attributes that a template names."""
    return PLACEHOLDER.findall(text)
