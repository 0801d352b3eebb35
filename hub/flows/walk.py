"""One caller's (or visitor's) way through a flow: a machine that is told what happens and says what is to be done.

| told          | when                                                             |
|---------------|------------------------------------------------------------------|
| `begin`       | he is there                                                      |
| `spoken`      | what was to be said has been said                                |
| `key`         | he pressed a key, or the button of one                           |
| `late`        | the deadline has come                                            |
| `answered`    | a lookup has an answer, or will have none                        |

Each returns wishes, in order. After an `Ending` nothing more is wished. Whatever the flow, a walk ends: nodes between
two inputs, inputs in all, sub-flows in each other and its time have bounds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias
from urllib.parse import quote

from msgspec import Struct, field

from hub.flows import nodes as m
from hub.flows.flow import Flow
from hub.model import Millis, Requirements
from hub.rules import compares

MOST_STEPS = 200
"""Nodes that are passed between two inputs."""
MOST_INPUTS = 2_000
MOST_DEPTH = 8
MOST_ATTRIBUTES = 60
LONGEST_VALUE = 500
LONGEST_MS: Millis = 30 * 60_000
SPOKEN_MS: Millis = 180_000
"""So long a prompt may take to be over; then it is taken as said, as its end may have been missed."""

Outcome = Literal["found", "missing", "failed"]


class Speak(Struct, frozen=True):
    """To be said in this order. `values` are what attributes hold; `keys` end it."""

    parts: tuple[m.Part, ...]
    language: str
    values: dict[str, str] = field(default_factory=dict)
    barge_in: bool = False


class Offer(Struct, frozen=True):
    """The keys that are listened to, with the words of their buttons; `secret`: nothing of it may be kept."""

    labels: dict[str, str]
    secret: bool = False


class Hush(Struct, frozen=True):
    """What is being said is to stop."""


class Fetch(Struct, frozen=True):
    url: str
    method: Literal["GET", "POST"]
    body: dict[str, str]
    take: dict[str, str]
    timeout_s: float


class Enqueue(Struct, frozen=True):
    queue: str
    skills: Requirements = field(default_factory=dict)
    priority: int = 0


class AskCallback(Struct, frozen=True):
    queue: str


class End(Struct, frozen=True):
    """`reason` says why; "flow" when the flow says so, else what went wrong."""

    reason: Literal["flow", "dead_end", "loop", "too_long", "too_deep"]


Ending: TypeAlias = Enqueue | AskCallback | End
Wish: TypeAlias = Speak | Hush | Offer | Fetch | Ending


class Outside(Protocol):
    """What a flow asks of the world, as it is at that moment."""

    def is_open(self, calendar: str) -> bool: ...

    def fact(self, name: str) -> str:
        """`caller`, `called`, `customer.FIELD`, `queue.ID.waiting` and the like; "" for what is not known."""


class Step(Struct, frozen=True):
    """A node that was left, and by which exit; "" for one that ended the walk."""

    flow: str
    node: str
    exit: str


class State(Struct):
    """All that a walk is; to be kept over a restart. `path` are the flows that wait for their sub-flows."""

    flow: str
    node: str
    language: str
    began: Millis
    attributes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    path: list[tuple[str, str]] = field(default_factory=list)
    phase: Literal["speaking", "listening", "fetching", "ending", "done"] = "done"
    typed: str = ""
    spare: str = ""
    tries: int = 0
    inputs: int = 0
    deadline: Millis | None = None


class Walk:
    """`flows` are those that may be walked, by their ids. `steps` is where it went, as far as that is remembered."""

    def __init__(self, flows: Mapping[str, Flow], state: State, outside: Outside) -> None:
        self._flows = flows
        self._outside = outside
        self.state = state
        self.ending: Ending | None = None
        self.steps: deque[Step] = deque(maxlen=MOST_STEPS)

    @classmethod
    def through(
        cls,
        flows: Mapping[str, Flow],
        flow: str,
        outside: Outside,
        now: Millis,
        *,
        language: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> Walk:
        spoken = flows[flow].languages
        state = State(flow, "", language if language in spoken else spoken[0], now, dict(attributes or {}))
        return cls(flows, state, outside)

    # --- what it is told ----------------------------------------------------------------------------------------------

    def begin(self, now: Millis) -> list[Wish]:
        return self._go(self._flows[self.state.flow].start, now)

    def spoken(self, now: Millis) -> list[Wish]:
        state = self.state
        if state.phase == "ending":
            return self._end(End("flow"))
        if state.phase != "speaking":
            return []
        if not self._counts():
            return self._over()
        state.spare = ""
        match self._node():
            case m.Say() as node:
                return self._leave("next", node.next, now)
            case m.Menu() | m.Collect() as node:
                self._listen(node.timeout_s, now)
        return []

    def key(self, key: str, now: Millis) -> list[Wish]:
        state, node = self.state, self._node()
        spare, state.spare = state.spare, ""
        if not isinstance(node, m.Menu | m.Collect) or state.phase not in ("speaking", "listening"):
            return []
        speaking = state.phase == "speaking"
        if speaking and (not node.barge_in or key == spare):
            return []
        if not self._counts():
            return self._over()
        hushed: list[Wish] = [Hush()] if speaking else []
        if isinstance(node, m.Collect):
            return [*hushed, *self._digit(node, key, now)]
        if key in node.options:
            return [*hushed, *self._leave(f"options.{key}", node.options[key], now)]
        return [*hushed, *self._again(node.invalid, now)]

    def late(self, now: Millis) -> list[Wish]:
        """The deadline has come. One that has moved meanwhile, or has not come yet, changes nothing."""
        state = self.state
        if state.deadline is None or now < state.deadline:
            return []
        match state.phase, self._node():
            case (("speaking" | "ending"), _):
                return self.spoken(now)
            case "fetching", _:
                return self.answered("failed", {}, now)
            case "listening", m.Collect() as node if len(state.typed) >= node.least:
                return self._collected(node, now)
            case "listening", (m.Menu() | m.Collect()) as node:
                if not self._counts():
                    return self._over()
                return self._again(node.invalid if state.typed else node.silence, now)
        return []

    def answered(self, outcome: Outcome, values: Mapping[str, str], now: Millis) -> list[Wish]:
        node = self._node()
        if self.state.phase != "fetching" or not isinstance(node, m.Lookup):
            return []
        if not self._counts():
            return self._over()
        if outcome == "found":
            for name in node.take:
                self._keep(name, values.get(name, ""))
        name = "next" if outcome == "found" else outcome
        return self._leave(name, getattr(node, name), now)

    # --- asking -------------------------------------------------------------------------------------------------------

    def _ask(self, node: m.Menu | m.Collect, first: m.Parts, now: Millis) -> list[Wish]:
        self.state.typed = ""
        labels = {}
        if isinstance(node, m.Menu):
            labels = {key: node.labels.get(key, {}).get(self.state.language, key) for key in node.options}
        offer = Offer(labels, isinstance(node, m.Collect) and node.secret)
        return [*self._speak([*first, *node.parts], now, barge_in=node.barge_in), offer]

    def _again(self, first: m.Parts, now: Millis) -> list[Wish]:
        node = self._node()
        assert isinstance(node, m.Menu | m.Collect), "only these are asked again"
        self.state.tries += 1
        if self.state.tries >= node.tries:
            return self._leave("failed", node.failed, now)
        return self._ask(node, first, now)

    def _digit(self, node: m.Collect, key: str, now: Millis) -> list[Wish]:
        state = self.state
        if key == node.end:
            return self._collected(node, now) if len(state.typed) >= node.least else self._again(node.invalid, now)
        if not key.isdigit():
            return self._again(node.invalid, now)
        state.typed += key
        if len(state.typed) < node.most:
            self._listen(node.between_s, now)
            return []
        # Who knows the end key presses it all the same; it is no answer to what he is asked next.
        state.spare = node.end
        return self._collected(node, now)

    def _collected(self, node: m.Collect, now: Millis) -> list[Wish]:
        if node.secret:
            self.state.secrets[node.into] = self.state.typed
            self.state.attributes.pop(node.into, None)
        else:
            self.state.secrets.pop(node.into, None)
            self._keep(node.into, self.state.typed)
        return self._leave("next", node.next, now)

    # --- going on -----------------------------------------------------------------------------------------------------

    def _leave(self, exit: str, to: m.Exit, now: Millis) -> list[Wish]:
        self.steps.append(Step(self.state.flow, self.state.node, exit))
        return self._go(to, now)

    def _go(self, to: m.Exit, now: Millis) -> list[Wish]:
        """On from node to node until one waits for something."""
        state = self.state
        if now - state.began > LONGEST_MS:
            return self._end(End("too_long"))
        for _ in range(MOST_STEPS):
            flow = self._flows.get(state.flow)
            node = flow.nodes.get(to) if flow is not None and to is not None else None
            if to is None or node is None:
                return self._end(End("dead_end"))
            state.node, state.tries, state.typed = to, 0, ""
            left = Step(state.flow, to, "")
            found = self._enter(node, now)
            if isinstance(found, list):
                return found
            exit, to = found
            self.steps.append(Step(left.flow, left.node, exit))
        return self._end(End("loop"))

    def _enter(self, node: m.AnyNode, now: Millis) -> list[Wish] | tuple[str, m.Exit]:
        """What it wishes when it waits for something or ends, else the exit that is taken at once."""
        match node:
            case m.Say():
                return self._speak(node.parts, now) if node.parts else ("next", node.next)
            case m.Menu() | m.Collect():
                return self._ask(node, [], now)
            case m.Hours():
                is_open = self._outside.is_open(node.calendar)
                return ("open", node.open) if is_open else ("closed", node.closed)
            case m.Branch():
                for i, case in enumerate(node.cases):
                    if all(self._holds(test) for test in case.when):
                        return f"cases[{i}].to", case.to
                return "otherwise", node.otherwise
            case m.Set():
                for name, template in node.values.items():
                    self._keep(name, self._filled(template))
                if node.language:
                    self.state.language = node.language
                return "next", node.next
            case m.Lookup():
                return self._fetch(node, now)
            case m.SubFlow():
                return self._into(node)
            case m.Return():
                return self._back()
            case m.HangUp() if node.parts:
                speak = self._speak(node.parts, now)
                self.state.phase = "ending"
                return speak
            case m.HangUp():
                return self._end(End("flow"))
            case m.ToQueue():
                return self._end(Enqueue(node.queue, node.skills, node.priority))
            case m.Callback():
                return self._end(AskCallback(node.queue))

    def _into(self, node: m.SubFlow) -> list[Wish] | tuple[str, m.Exit]:
        state = self.state
        if len(state.path) >= MOST_DEPTH:
            return self._end(End("too_deep"))
        inner = self._flows.get(node.flow)
        if inner is None:
            return self._end(End("dead_end"))
        state.path.append((state.flow, state.node))
        state.flow = node.flow
        return "flow", inner.start

    def _back(self) -> list[Wish] | tuple[str, m.Exit]:
        state = self.state
        if not state.path:
            return self._end(End("flow"))
        state.flow, caller = state.path.pop()
        outer = self._flows.get(state.flow)
        node = outer.nodes.get(caller) if outer is not None else None
        return "return", node.next if isinstance(node, m.SubFlow) else None

    def _fetch(self, node: m.Lookup, now: Millis) -> list[Wish]:
        known = {**self.state.attributes, **self.state.secrets}
        url = m.PLACEHOLDER.sub(lambda found: _encoded(known.get(found[1], "")), node.url)
        body = {name: self._filled(template, known) for name, template in node.body.items()}
        self.state.phase = "fetching"
        self.state.deadline = now + round(node.timeout_s * 1000)
        return [Fetch(url, node.method, body, dict(node.take), node.timeout_s)]

    # --- small things -------------------------------------------------------------------------------------------------

    def _node(self) -> m.AnyNode | None:
        flow = self._flows.get(self.state.flow)
        return flow.nodes.get(self.state.node) if flow is not None else None

    def _speak(self, parts: m.Parts, now: Millis, *, barge_in: bool = False) -> list[Wish]:
        """A menu without words listens at once."""
        state = self.state
        state.phase, state.deadline = "speaking", now + SPOKEN_MS
        named = [each.of for each in parts if isinstance(each, m.Value)]
        for part in parts:
            if isinstance(part, m.Words):
                named += [name for text in part.text.values() for name in m.named_in(text)]
        values = {name: state.attributes.get(name, "") for name in named}
        return [Speak(tuple(parts), state.language, values, barge_in)]

    def _listen(self, seconds: float, now: Millis) -> None:
        self.state.phase, self.state.deadline = "listening", now + round(seconds * 1000)

    def _keep(self, name: str, value: str) -> None:
        """Too many attributes can only come of very many nodes: those that are there stay."""
        if name in self.state.attributes or len(self.state.attributes) < MOST_ATTRIBUTES:
            self.state.attributes[name] = value[:LONGEST_VALUE]

    def _filled(self, template: str, known: Mapping[str, str] | None = None) -> str:
        values = self.state.attributes if known is None else known
        return m.PLACEHOLDER.sub(lambda found: values.get(found[1], ""), template)[:LONGEST_VALUE]

    def _holds(self, test: m.Test) -> bool:
        fact, value = self._fact(test.fact), self._filled(test.value)
        if test.op != "above" and test.op != "below":
            return compares(fact, test.op, value)
        one, other = _number(fact), _number(value)
        if one is None or other is None:
            return False
        return one > other if test.op == "above" else one < other

    def _fact(self, name: str) -> str:
        if name == "language":
            return self.state.language
        return self.state.attributes.get(name) or self._outside.fact(name)

    def _counts(self) -> bool:
        """Whether there is room for one more input."""
        self.state.inputs += 1
        return self.state.inputs <= MOST_INPUTS

    def _over(self) -> list[Wish]:
        return [] if self.state.phase == "done" else self._end(End("too_long"))

    def _end(self, ending: Ending) -> list[Wish]:
        state = self.state
        state.phase, state.deadline, state.typed = "done", None, ""
        state.secrets.clear()
        self.steps.append(Step(state.flow, state.node, ""))
        self.ending = ending
        return [ending]


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _encoded(value: str) -> str:
    """For one segment of an address: also a dot, as two of them would lead to another place."""
    return quote(value, safe="").replace(".", "%2E")
