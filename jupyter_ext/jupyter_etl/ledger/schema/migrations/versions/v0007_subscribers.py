"""An index alone tells whether a pipeline waits for publications."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = "ix_pipelines_schedule_kind"


def upgrade() -> None:
    op.drop_index(_NAME, "pipelines")
    op.create_index(_NAME, "pipelines", ["schedule_kind", "paused"])


def downgrade() -> None:
    op.drop_index(_NAME, "pipelines")
    op.create_index(_NAME, "pipelines", ["schedule_kind"])
