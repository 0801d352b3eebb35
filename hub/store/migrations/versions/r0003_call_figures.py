"""What lists of calls are narrowed and sorted by, in columns of its own."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BATCH = 500
calls = sa.table(
    "calls",
    *map(sa.column, ("id", "data", "result", "cause", "outcome", "recorded", "wait_ms", "talk_ms", "mos")),
)


def upgrade() -> None:
    with op.batch_alter_table("calls") as batch:
        batch.add_column(sa.Column("result", sa.Text()))
        batch.add_column(sa.Column("cause", sa.Text()))
        batch.add_column(sa.Column("outcome", sa.Text()))
        batch.add_column(sa.Column("recorded", sa.Boolean()))
        batch.add_column(sa.Column("wait_ms", sa.BigInteger()))
        batch.add_column(sa.Column("talk_ms", sa.BigInteger()))
        batch.add_column(sa.Column("mos", sa.Float()))
    _fill()
    with op.batch_alter_table("calls") as batch:
        for name in ("result", "cause", "recorded", "wait_ms", "talk_ms"):
            batch.alter_column(name, nullable=False)


def _fill() -> None:
    connection, last = op.get_bind(), ""
    changed = sa.update(calls).where(calls.c.id == sa.bindparam("key"))
    changed = changed.values({name: sa.bindparam(name) for name in _figures({})})
    while True:
        asked = sa.select(calls.c.id, calls.c.data).where(calls.c.id > last).order_by(calls.c.id).limit(BATCH)
        found = connection.execute(asked).all()
        if not found:
            return
        connection.execute(changed, [{"key": id, **_figures(json.loads(data))} for id, data in found])
        last = found[-1][0]


def _figures(call: dict[str, Any]) -> dict[str, Any]:
    """The columns' values, as the records of this revision say them."""
    if call.get("ended_at") is None:
        result = "running"
    elif call.get("connected_at") is not None:
        result = "answered"
    else:
        result = "abandoned" if call.get("abandoned") else "unanswered"
    mos = [leg["mos"] for leg in call.get("legs", {}).values() if leg.get("mos") is not None]
    return {
        "result": result,
        "cause": call.get("cause", ""),
        "outcome": call.get("outcome"),
        "recorded": bool(call.get("recordings")),
        "wait_ms": call.get("wait_ms", 0),
        "talk_ms": call.get("talk_ms", 0),
        "mos": min(mos, default=None),
    }
