"""The callbacks of an agent, by an index."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AT_ONCE = 1_000


def upgrade() -> None:
    op.create_table(
        "callback_agents",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "callback", name="pk_callback_agents"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_callback_agents_callback"),
    )
    op.create_index("ix_callback_agents_agent_asked_at_callback", "callback_agents", ["agent", "asked_at", "callback"])
    connection = op.get_bind()
    page = sa.text("SELECT id, asked_at, data FROM callbacks WHERE id > :after ORDER BY id LIMIT :most")
    insert = sa.text("INSERT INTO callback_agents (agent, callback, asked_at) VALUES (:agent, :callback, :asked_at)")
    after = ""
    while found := connection.execute(page, {"after": after, "most": AT_ONCE}).all():
        after = found[-1].id
        rows = [
            {"agent": agent, "callback": row.id, "asked_at": row.asked_at}
            for row in found
            for agent in _agents(json.loads(row.data))
        ]
        if rows:
            connection.execute(insert, rows)


def _agents(callback: dict[str, Any]) -> set[str]:
    tried = {attempt["agent"] for attempt in callback.get("attempts", ())}
    return {agent for agent in {callback.get("agent"), callback.get("only_agent"), *tried} if agent}
