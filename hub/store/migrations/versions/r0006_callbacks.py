"""Callbacks, their attempts, numbers that are never called, and breakers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("living", sa.Boolean(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("number", "address", "site", "queue", "contact", "customer")
        ),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger()),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("promised_at", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_callbacks"),
    )
    op.create_index("ix_callbacks_contact", "callbacks", ["contact"])
    op.create_index("ix_callbacks_asked_at_id", "callbacks", ["asked_at", "id"])
    for column in ("number", "address", "site"):
        op.create_index(f"ix_callbacks_{column}_asked_at", "callbacks", [column, "asked_at"])
    for name, columns, unique, condition in (
        ("uq_callbacks_number", ["number"], True, "living"),
        ("ix_callbacks_next_at", ["next_at"], False, "next_at IS NOT NULL"),
        ("ix_callbacks_state", ["state"], False, "next_at IS NOT NULL"),
        ("ix_callbacks_slot", ["queue", "slot"], False, "slot IS NOT NULL"),
    ):
        some = sa.text(condition)
        op.create_index(name, "callbacks", columns, unique=unique, sqlite_where=some, postgresql_where=some)

    op.create_table(
        "callback_attempts",
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("talk_ms", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("callback", "n", name="pk_callback_attempts"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_callback_attempts_callback"),
    )
    op.create_index("ix_callback_attempts_at", "callback_attempts", ["at"])
    op.create_table(
        "do_not_call",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_do_not_call"),
    )
    op.create_table(
        "breakers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("open_at", sa.BigInteger()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("reset_at", sa.BigInteger(), nullable=False),
        sa.Column("reset_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_breakers"),
    )
