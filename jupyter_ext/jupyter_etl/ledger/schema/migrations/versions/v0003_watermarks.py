"""How far the incremental loads of a pipeline have come."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "watermarks",
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("relation", sa.Text, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("era", sa.Integer, nullable=False),
        sa.Column("run_id", _ID),
        sa.Column("moved_by", sa.Text, nullable=False),
        sa.Column("moved_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "source", "relation", "cursor", name="pk_watermarks"),
    )
    op.create_table(
        "held_moves",
        sa.Column("run_id", _ID, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("moves", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_held_moves"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_held_moves_run_id"),
    )


def downgrade() -> None:
    op.drop_table("held_moves")
    op.drop_table("watermarks")
