"""A scheduler says whose pipelines it runs."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedulers", sa.Column("owners", sa.Text))


def downgrade() -> None:
    with op.batch_alter_table("schedulers") as table:
        table.drop_column("owners")
