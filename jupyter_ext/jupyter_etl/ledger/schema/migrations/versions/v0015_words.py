"""Columns in the field's words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("runs", "told", "notified")
    _rename("attempts", "beat", "heartbeat")
    _index("ix_runs_untold", "ix_runs_unnotified", "notified")


def downgrade() -> None:
    _rename("runs", "notified", "told")
    _rename("attempts", "heartbeat", "beat")
    _index("ix_runs_unnotified", "ix_runs_untold", "told")


def _rename(table: str, old: str, new: str) -> None:
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def _index(old: str, new: str, column: str) -> None:
    op.drop_index(old, "runs")
    op.create_index(
        new,
        "runs",
        ["id"],
        sqlite_where=sa.text(f"{column} = 0"),
        postgresql_where=sa.text(f"{column} = false"),
    )
