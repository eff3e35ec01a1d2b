"""Each version of a publication records the watermarks of its loads."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for existing versions: their watermarks were not recorded.
    op.add_column("publication_versions", sa.Column("watermarks", sa.Text))


def downgrade() -> None:
    op.drop_column("publication_versions", "watermarks")
