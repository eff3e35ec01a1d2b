"""The lakes that carry the ledger's marker."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lakes",
        sa.Column("root", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("root", name="pk_lakes"),
    )


def downgrade() -> None:
    op.drop_table("lakes")
