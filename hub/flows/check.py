"""What is wrong with a flow, as far as one can tell without walking it; told while it is being drawn.

| code                 | what is wrong                                                                    |
|----------------------|----------------------------------------------------------------------------------|
| `no_start`           | it begins nowhere                                                                |
| `open_exit`          | an exit leads nowhere                                                            |
| `unknown_node`       | an exit leads to a node that is not there                                        |
| `unreachable`        | nothing leads to the node                                                        |
| `loop`               | a circle in which nobody is asked for anything, and which a caller never leaves  |
| `missing_prompt`     | a language lacks the recording, or the words                                     |
| `silent`             | a question that asks nothing                                                     |
| `unknown_queue`, `unknown_calendar`, `unknown_flow` | there is no such row                              |
| `circular_flow`      | a sub-flow that comes back to this flow                                          |
| `unset_attribute`    | nothing gives the attribute a value                                              |
| `secret_attribute`   | a secret is to be said, compared or put into another attribute; it would be empty |
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, Protocol

from msgspec import Struct

from hub.flows import nodes as m

Code = Literal[
    "no_start",
    "open_exit",
    "unknown_node",
    "unreachable",
    "loop",
    "missing_prompt",
    "silent",
    "unknown_queue",
    "unknown_calendar",
    "unknown_flow",
    "circular_flow",
    "unset_attribute",
    "secret_attribute",
]
EXPECTED: dict[Code, str] = {
    "no_start": "expected the node where it begins",
    "open_exit": "expected the node where it goes on",
    "unknown_node": "expected the name of a node",
    "unreachable": "expected an exit that leads here",
    "loop": "expected a question on every way in a circle",
    "missing_prompt": "expected words in {detail}",
    "silent": "expected a question",
}
OUTSIDE = frozenset({"caller", "called", "language"})
"""Facts that are known without any attribute."""


class Drawing(Protocol):
    """A flow (`flow.py`), as far as it is looked at here."""

    @property
    def start(self) -> m.Exit: ...
    @property
    def nodes(self) -> dict[str, m.AnyNode]: ...
    @property
    def languages(self) -> list[str]: ...


class Problem(Struct, frozen=True, order=True):
    """`node` is "" for the flow itself; `path` is within the node; `detail` names what is missing."""

    node: str
    path: str
    code: Code
    detail: str = ""

    @property
    def where(self) -> str:
        """The path within the flow."""
        return ".".join(part for part in ("nodes" if self.node else "", self.node, self.path) if part)

    @property
    def expected(self) -> str:
        """A sentence for those that `structure` finds."""
        return EXPECTED.get(self.code, self.code).format(detail=self.detail)


class Known(Struct, frozen=True):
    """What there is beside the flow; `prompts` are the languages of each recording, `given` the attributes that a
    contact comes with (of a form, of the flow that calls this one)."""

    queues: Collection[str] = ()
    calendars: Collection[str] = ()
    flows: Mapping[str, Drawing] = {}
    prompts: Mapping[str, Collection[str]] = {}
    given: Collection[str] = ()


def problems(id: str, flow: Drawing, known: Known) -> list[Problem]:
    """All of them, by node. A flow without any may be published."""
    found = [
        *_exits(flow),
        *_unreachable(flow),
        *_loops(flow),
        *_names(flow, known),
        *_spoken(flow, known),
        *_attributes(flow, known),
    ]
    if _comes_back(id, flow, known):
        found += [
            Problem(name, "flow", "circular_flow", node.flow)
            for name, node in flow.nodes.items()
            if isinstance(node, m.SubFlow) and _leads_to(node.flow, id, known)
        ]
    return sorted(set(found))


def structure(flow: Drawing) -> list[Problem]:
    """Those that can be told from the flow alone, whatever there is beside it."""
    found = [*_exits(flow), *_unreachable(flow), *_loops(flow), *_spoken(flow, None)]
    return sorted(set(found))


def _exits(flow: Drawing) -> Iterator[Problem]:
    if flow.start is None:
        yield Problem("", "start", "no_start")
    elif flow.start not in flow.nodes:
        yield Problem("", "start", "unknown_node", flow.start)
    for name, node in flow.nodes.items():
        for path, to in m.exits(node):
            if to is None:
                yield Problem(name, path, "open_exit")
            elif to not in flow.nodes:
                yield Problem(name, path, "unknown_node", to)


def reached(flow: Drawing) -> set[str]:
    """The nodes to which a way leads."""
    found: set[str] = set()
    waiting = [flow.start]
    while waiting:
        name = waiting.pop()
        if name is None or name in found or name not in flow.nodes:
            continue
        found.add(name)
        waiting += [to for _, to in m.exits(flow.nodes[name])]
    return found


def _unreachable(flow: Drawing) -> Iterator[Problem]:
    for name in flow.nodes.keys() - reached(flow):
        yield Problem(name, "", "unreachable")


def _loops(flow: Drawing) -> Iterator[Problem]:
    """Nodes on a circle of nodes that ask nobody. One that leaves it by a branch may turn for ever all the same, as
    what it branches on need not change; a circle that asks is left by its tries."""
    onward = {
        name: [to for _, to in m.exits(node) if to is not None]
        for name, node in flow.nodes.items()
        if not isinstance(node, m.Menu | m.Collect)
    }
    for name in onward:
        waiting, seen = list(onward[name]), set[str]()
        while waiting:
            at = waiting.pop()
            if at == name:
                yield Problem(name, "", "loop")
                break
            if at in onward and at not in seen:
                seen.add(at)
                waiting += onward[at]


def named_rows(flow: Drawing) -> Iterator[tuple[str, Literal["queue", "calendar", "flow"], str]]:
    """The other rows that a flow goes by: the path within it, the kind, and the id."""
    for name, node in flow.nodes.items():
        at = f"nodes.{name}"
        match node:
            case m.ToQueue() | m.Callback():
                yield f"{at}.queue", "queue", node.queue
            case m.Hours():
                yield f"{at}.calendar", "calendar", node.calendar
            case m.SubFlow():
                yield f"{at}.flow", "flow", node.flow
            case m.Branch():
                for i, case in enumerate(node.cases):
                    for j, test in enumerate(case.when):
                        if test.fact.startswith("queue."):
                            yield f"{at}.cases[{i}].when[{j}].fact", "queue", test.fact.split(".")[1]
            case _:
                pass
        for path, parts in m.spoken_by(node):
            for i, part in enumerate(parts):
                if isinstance(part, m.Waiting):
                    yield f"{at}.{path}[{i}].queue", "queue", part.queue


def _names(flow: Drawing, known: Known) -> Iterator[Problem]:
    there: dict[str, Collection[str]] = {"queue": known.queues, "calendar": known.calendars, "flow": known.flows}
    codes: dict[str, Code] = {"queue": "unknown_queue", "calendar": "unknown_calendar", "flow": "unknown_flow"}
    for where, kind, named in named_rows(flow):
        if named not in there[kind]:
            _, node, path = where.split(".", 2)
            yield Problem(node, path, codes[kind], named)


def _spoken(flow: Drawing, known: Known | None) -> Iterator[Problem]:
    for name, node in flow.nodes.items():
        if isinstance(node, m.Menu | m.Collect) and not node.parts:
            yield Problem(name, "parts", "silent")
        for path, parts in m.spoken_by(node):
            for i, part in enumerate(parts):
                match part:
                    case m.Prompt() if known is not None:
                        there: Collection[str] = known.prompts.get(part.prompt, ())
                    case m.Words():
                        there = [language for language, text in part.text.items() if text.strip()]
                    case _:
                        continue
                for language in [part.language] if isinstance(part, m.Prompt) and part.language else flow.languages:
                    if language not in there:
                        yield Problem(name, f"{path}[{i}]", "missing_prompt", language)


def _attributes(flow: Drawing, known: Known) -> Iterator[Problem]:
    plain, secret = given(flow)
    for each in _called(flow, known):
        more, hidden = given(each)
        plain, secret = plain | more, secret | hidden
    plain |= {*known.given, *OUTSIDE}
    for name, node in flow.nodes.items():
        for path, attribute, sees_secrets in _used(node):
            if attribute in plain or (sees_secrets and attribute in secret):
                continue
            yield Problem(name, path, "secret_attribute" if attribute in secret else "unset_attribute", attribute)


def given(flow: Drawing) -> tuple[set[str], set[str]]:
    """The attributes that its nodes give values to, and those that they keep secret."""
    plain: set[str] = set()
    secret: set[str] = set()
    for node in flow.nodes.values():
        match node:
            case m.Collect():
                (secret if node.secret else plain).add(node.into)
            case m.Set():
                plain |= node.values.keys()
            case m.Lookup():
                plain |= node.take.keys()
            case _:
                pass
    return plain, secret


def _used(node: m.AnyNode) -> Iterator[tuple[str, str, bool]]:
    """Each with its path, the attribute, and whether it may be a secret."""
    match node:
        case m.Set():
            for name, template in node.values.items():
                yield from ((f"values.{name}", each, False) for each in m.named_in(template))
        case m.Lookup():
            yield from (("url", each, True) for each in m.named_in(node.url))
            for name, template in node.body.items():
                yield from ((f"body.{name}", each, True) for each in m.named_in(template))
        case m.Branch():
            for i, case in enumerate(node.cases):
                for j, test in enumerate(case.when):
                    path = f"cases[{i}].when[{j}]"
                    if "." not in test.fact:
                        yield f"{path}.fact", test.fact, False
                    yield from ((f"{path}.value", each, False) for each in m.named_in(test.value))
        case _:
            pass
    for path, parts in m.spoken_by(node):
        for i, part in enumerate(parts):
            if isinstance(part, m.Value):
                yield f"{path}[{i}].of", part.of, False
            elif isinstance(part, m.Words):
                names = {name for text in part.text.values() for name in m.named_in(text)}
                yield from ((f"{path}[{i}].text", each, False) for each in sorted(names))


def _called(flow: Drawing, known: Known) -> list[Drawing]:
    """The flows that it goes through, however deep."""
    names: list[str] = []
    waiting = [flow]
    while waiting:
        for node in waiting.pop().nodes.values():
            if isinstance(node, m.SubFlow) and node.flow in known.flows and node.flow not in names:
                names.append(node.flow)
                waiting.append(known.flows[node.flow])
    return [known.flows[name] for name in names]


def _leads_to(begin: str, end: str, known: Known) -> bool:
    if begin == end:
        return True
    flow = known.flows.get(begin)
    return flow is not None and _comes_back(end, flow, known)


def _comes_back(id: str, flow: Drawing, known: Known) -> bool:
    """Whether it goes through the flow of this id."""
    return any(
        isinstance(node, m.SubFlow) and node.flow == id
        for each in (flow, *_called(flow, known))
        for node in each.nodes.values()
    )
