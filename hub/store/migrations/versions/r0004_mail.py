"""E-mail: what came and went, how far mailboxes were read, drafts and reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.ForeignKeyConstraint(["contact"], ["contacts.id"], name="fk_mails_contact"),
    )
    op.create_index("ix_mails_contact_at", "mails", ["contact", "at"])
    op.create_index("ix_mails_message_id", "mails", ["message_id"])
    op.create_index("ix_mails_direction_at_id", "mails", ["direction", "at", "id"])
    came = sa.text("direction = 'in' AND hash != ''")
    op.create_index("uq_mails_hash", "mails", ["hash"], unique=True, sqlite_where=came, postgresql_where=came)
    going = sa.text("next_at IS NOT NULL")
    op.create_index("ix_mails_next_at", "mails", ["next_at"], sqlite_where=going, postgresql_where=going)

    op.create_table(
        "mail_addresses",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", "at", "mail", name="pk_mail_addresses"),
        sa.ForeignKeyConstraint(["mail"], ["mails.id"], name="fk_mail_addresses_mail"),
    )
    op.create_table(
        "mail_folders",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "folder", name="pk_mail_folders"),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_drafts_user"),
    )
    op.create_index("ix_drafts_user_updated_at", "drafts", ["user", "updated_at"])
    op.create_table(
        "reminders",
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contact", name="pk_reminders"),
        sa.ForeignKeyConstraint(["contact"], ["contacts.id"], name="fk_reminders_contact"),
    )
    op.create_index("ix_reminders_at", "reminders", ["at"])
