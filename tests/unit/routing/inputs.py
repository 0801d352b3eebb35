"""Hypothesis strategies for queues, agents and contacts: few names and few levels, so that everything collides."""

from hypothesis import strategies as st

from routing.specs import AgentSpec, OverflowReason, QueueSpec, RelaxStep, Strategy

SKILLS = ("billing", "chinese", "sales")
QUEUES = ("one", "two", "three")
AGENTS = ("ann", "bob", "eve", "joe")
CHANNELS = ("voice", "chat", "email", "callback")
AGES = (0, 1, 900, 5_000, 20_000, 61_000, 130_000)

ABLE = (
    {"billing": 3, "chinese": 3, "sales": 3},
    {"billing": 3, "sales": 2},
    {"billing": 1, "chinese": 2},
    {"sales": 3},
)

wishes = st.sampled_from(({}, {}, {}, {"billing": 1}, {"sales": 2}, {"chinese": 2}, {"billing": 3, "sales": 1}))
"""Skills that are asked for: mostly none, so that mostly somebody has them."""


overflow_rules: st.SearchStrategy[dict[OverflowReason, int]] = st.just({}) | st.fixed_dictionaries(
    {},
    optional={
        OverflowReason.WAIT: st.sampled_from((1, 20_000, 60_000)),
        OverflowReason.UNSTAFFED: st.sampled_from((0, 5_000, 40_000)),
        OverflowReason.CLOSED: st.sampled_from((0, 10_000)),
    },
)


@st.composite
def queue_specs(draw: st.DrawFn, id: str) -> QueueSpec:
    """A queue with some skills, relaxed in up to two steps, each lowering or dropping one skill."""
    asked: dict[str, int] = draw(wishes)
    relax, now, after_ms = [], asked, 0
    for _ in range(draw(st.integers(0, 2)) if asked else 0):
        if not now:
            break
        skill = draw(st.sampled_from(sorted(now)))
        now = {**now, skill: now[skill] - 1}
        now = {name: level for name, level in now.items() if level}
        after_ms += draw(st.sampled_from((1_000, 30_000, 60_000)))
        relax.append(RelaxStep(after_ms, now))
    return QueueSpec(
        id,
        asked,
        tuple(relax),
        draw(st.sampled_from(Strategy)),
        priority=draw(st.integers(-1, 2)),
        quantum_ms=draw(st.sampled_from((0, 10_000, 60_000))),
        offer_ms=draw(st.sampled_from(({}, {}, {"chat": 45_000}, {"voice": 1_000}))),
        costs=draw(st.sampled_from(({}, {}, {"chat": 50}, {"voice": 10, "email": 50}))),
        wrap_up_ms=draw(st.sampled_from((0, 30_000))),
        retry_exclude_ms=draw(st.sampled_from((1, 10_000, 90_000))),
        sticky_wait_ms=draw(st.sampled_from((0, 20_000))),
        max_length=draw(st.sampled_from((None, None, None, 0, 3))),
        overflow=draw(overflow_rules),
        closed=draw(st.sampled_from((False, False, True))),
    )


def agent_specs(id: str) -> st.SearchStrategy[AgentSpec]:
    """An agent with some skills, perhaps tied to queues, with figures of his own on some channels."""
    return st.builds(
        AgentSpec,
        id=st.just(id),
        skills=st.sampled_from(ABLE),
        queues=st.sampled_from((None, None, None, frozenset(QUEUES[:1]), frozenset(QUEUES[1:]))),
        capacity=st.sampled_from((100, 200, 60)),
        costs=st.sampled_from(({}, {}, {"chat": 20}, {"voice": 60, "email": 20})),
        maxima=st.sampled_from(
            ({}, {}, {"chat": 2}, {"voice": 0}, {"voice": 2, "email": 1}, {"chat": 0, "callback": 0})
        ),
        interrupts=st.sampled_from((None, None, {}, {"chat": frozenset({"email"}), "voice": frozenset({"chat"})})),
        auto_accept=st.frozensets(st.sampled_from(CHANNELS), max_size=1),
        order=st.integers(0, 2),
    )
