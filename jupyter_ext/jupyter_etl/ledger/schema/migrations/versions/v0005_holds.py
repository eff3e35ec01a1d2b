"""What the publish gate holds back, and how a version came to be where a person decided."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    note = sa.Column("note", sa.Text, nullable=False, server_default="")
    op.add_column("publication_versions", note)
    op.create_table(
        "holds",
        sa.Column("run_id", _ID, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("staged", sa.Text, nullable=False),
        sa.Column("differences", sa.Text, nullable=False),
        sa.Column("held_at", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.Text),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_holds"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_holds_run_id"),
    )


def downgrade() -> None:
    op.drop_table("holds")
    op.drop_column("publication_versions", "note")
