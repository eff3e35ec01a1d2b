"""Snapshots have files: the local modules and data that a version pins."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "snapshot_files",
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("file_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("content_hash", "file_hash", name="pk_snapshot_files"),
    )
    op.create_index("ix_snapshot_files_file_hash", "snapshot_files", ["file_hash"])


def downgrade() -> None:
    op.drop_table("snapshot_files")
