"""The ledger has an id, which its lakes carry, and keeps the log entries of its tables."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    identity = op.create_table("identity", sa.Column("id", sa.Text, primary_key=True))
    op.bulk_insert(identity, [{"id": uuid4().hex}])
    op.create_table(
        "table_logs",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("draft", sa.Boolean, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("entries", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", "draft", "number", name="pk_table_logs"),
        sa.ForeignKeyConstraint(["name"], ["publications.name"], name="fk_table_logs_name"),
    )


def downgrade() -> None:
    op.drop_table("table_logs")
    op.drop_table("identity")
