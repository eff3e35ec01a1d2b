"""Sources of a run, why a pipeline was paused, breakers, and one commit at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("pipelines", sa.Column("pause_note", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("sources", sa.Text, nullable=False, server_default="[]"))
    op.add_column("runs", sa.Column("resume_from", sa.Integer))
    op.add_column("runs", sa.Column("told", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_index(
        "ix_runs_untold",
        "runs",
        ["id"],
        sqlite_where=sa.text("told = 0"),
        postgresql_where=sa.text("told = false"),
    )
    op.add_column("pipelines", sa.Column("sources", sa.Text, nullable=False, server_default="[]"))
    op.add_column("pipelines", sa.Column("seen", sa.Text, nullable=False, server_default="{}"))
    line = ["state", "pipeline", "cause", "rank", "due_at", "id", "not_before"]
    op.create_index("ix_runs_line", "runs", line)
    op.drop_index("ix_runs_claim", "runs")
    op.create_table(
        "lines",
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("claimed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", name="pk_lines"),
    )
    op.create_index("ix_runs_interval", "runs", ["pipeline", "interval_start"])
    op.create_table(
        "breakers",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("source", name="pk_breakers"),
    )
    op.create_table(
        "commits",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("draft", sa.Boolean, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("run_id", _ID),
        sa.Column("number", sa.Integer),
        sa.Column("until", sa.BigInteger),
        sa.PrimaryKeyConstraint("name", "draft", name="pk_commits"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_commits_run_id"),
    )
    op.add_column("publication_versions", sa.Column("pruned_at", sa.BigInteger))
    op.add_column("snapshots", sa.Column("saved_at", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("snapshots", "saved_at")
    op.drop_column("publication_versions", "pruned_at")
    op.drop_table("commits")
    op.drop_table("breakers")
    op.drop_index("ix_runs_interval", "runs")
    op.drop_table("lines")
    op.create_index("ix_runs_claim", "runs", ["state", "rank", "due_at", "id"])
    op.drop_index("ix_runs_line", "runs")
    op.drop_column("pipelines", "seen")
    op.drop_column("pipelines", "sources")
    op.drop_index("ix_runs_untold", "runs")
    op.drop_column("runs", "told")
    op.drop_column("runs", "resume_from")
    op.drop_column("runs", "sources")
    op.drop_column("pipelines", "pause_note")
