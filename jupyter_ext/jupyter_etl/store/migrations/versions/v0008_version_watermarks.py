"""Each version of a publication records how far the loads that made it had come."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL: of the versions that are there nobody knows it.
    op.add_column("publication_versions", sa.Column("watermarks", sa.Text))


def downgrade() -> None:
    op.drop_column("publication_versions", "watermarks")
