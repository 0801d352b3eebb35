"""A flow as data: one of the rows that administrators edit."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from hub.config_row import Row, invalid
from hub.errors import InvalidInput
from hub.flows.check import structure
from hub.flows.nodes import AnyNode, Collect, Exit, Lookup, NodeId

MOST_NODES = 500


class Flow(Row, frozen=True, forbid_unknown_fields=True):
    """`languages` are those for which every word has to be there; the first one is spoken unless another is known. A
    `draft` may be unfinished, and nobody goes through it."""

    start: Exit = None
    nodes: Annotated[dict[NodeId, AnyNode], Meta(max_length=MOST_NODES)] = field(default_factory=dict)
    languages: Annotated[list[Annotated[str, Meta(max_length=35)]], Meta(min_length=1, max_length=20)] = field(
        default_factory=lambda: ["en"]
    )
    draft: bool = False

    def check(self) -> None:
        for id, node in self.nodes.items():
            if isinstance(node, Collect) and node.least > node.most:
                raise InvalidInput(f"nodes.{id}.least", "expected no more than most")
            if isinstance(node, Lookup) and any(pointer and pointer[0] != "/" for pointer in node.take.values()):
                raise InvalidInput(f"nodes.{id}.take", "expected JSON pointers: /order/state, or nothing for the whole")
        if self.draft:
            return
        for problem in structure(self):
            raise InvalidInput(problem.where, problem.expected)


def read_flow(data: Any) -> Flow:
    """The flow that hostile JSON describes. Raises InvalidInput with the path of the first mistake."""
    try:
        flow = msgspec.convert(data, Flow)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    flow.check()
    return flow
