"""Traffic of endpoints, and counts of their calls."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "traffic",
        _name(),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("arms", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("shadow", sa.Integer),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "call_counts",
        _name(),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("role", sa.Text, primary_key=True),
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("gateway", sa.Text, primary_key=True),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("calls", "errors", "refused", "compared", "differing")
        ),
        sa.Column("seconds", sa.Text, nullable=False),
        sa.Column("gaps", sa.Text, nullable=False),
    )
    op.create_index("ix_call_counts_minute", "call_counts", ["minute"])


def downgrade() -> None:
    op.drop_table("call_counts")
    op.drop_table("traffic")


def _name() -> sa.Column[str]:
    return sa.Column("name", sa.Text, sa.ForeignKey("publications.name"), primary_key=True)
