"""Attempts that began no notebook, why schedulers wait, and version numbers of before a restore."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("unstarted", sa.Integer, nullable=False, server_default="0"))
    op.add_column("schedulers", sa.Column("note", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "given_numbers",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("draft", sa.Boolean, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("name", "draft", name="pk_given_numbers"),
    )


def downgrade() -> None:
    op.drop_table("given_numbers")
    op.drop_column("schedulers", "note")
    op.drop_column("runs", "unstarted")
