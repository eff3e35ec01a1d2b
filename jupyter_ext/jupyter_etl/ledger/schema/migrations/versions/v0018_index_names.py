"""Indexes of runs are named after the queue and the active runs."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ACTIVE = ["pipeline", "state"]
_QUEUE = ["state", "pipeline", "cause", "rank", "due_at", "id", "not_before"]


def upgrade() -> None:
    _rename("ix_runs_in_hand", "ix_runs_active", _ACTIVE)
    _rename("ix_runs_line", "ix_runs_queue", _QUEUE)


def downgrade() -> None:
    _rename("ix_runs_active", "ix_runs_in_hand", _ACTIVE)
    _rename("ix_runs_queue", "ix_runs_line", _QUEUE)


def _rename(old: str, new: str, columns: list[str]) -> None:
    # SQLite cannot rename an index.
    op.drop_index(old, "runs")
    op.create_index(new, "runs", columns)
