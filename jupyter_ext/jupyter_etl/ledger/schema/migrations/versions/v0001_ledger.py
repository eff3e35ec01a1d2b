"""The first ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _words(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=null)


def _long(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    _catalogue()
    _runs()
    _publications()


def downgrade() -> None:
    for table in (
        "schedulers",
        "publication_versions",
        "publications",
        "attempts",
        "runs",
        "pipeline_versions",
        "pipelines",
        "snapshots",
        "sources",
    ):
        op.drop_table(table)


def _catalogue() -> None:
    op.create_table(
        "sources",
        _words("name"),
        _words("owner"),
        _words("body"),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
    )
    op.create_table(
        "snapshots",
        _words("content_hash"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name="pk_snapshots"),
    )
    op.create_table(
        "pipelines",
        _words("name"),
        _words("notebook"),
        _words("content_hash"),
        _words("owner"),
        _number("version"),
        _words("schedule", null=True),
        _words("schedule_kind", null=True),
        _words("parameters"),
        _words("policy"),
        _flag("paused"),
        _long("next_due", null=True),
        _long("revision"),
        _long("created_at"),
        _long("updated_at"),
        _flag("removed"),
        sa.PrimaryKeyConstraint("name", name="pk_pipelines"),
    )
    op.create_index("ix_pipelines_due", "pipelines", ["paused", "next_due", "name"])
    op.create_index("ix_pipelines_schedule_kind", "pipelines", ["schedule_kind"])
    op.create_table(
        "pipeline_versions",
        _words("pipeline"),
        _number("number"),
        _words("content_hash"),
        _words("notebook"),
        _words("schedule", null=True),
        _words("parameters"),
        _words("policy"),
        _words("deployed_by"),
        _long("deployed_at"),
        sa.PrimaryKeyConstraint("pipeline", "number", name="pk_pipeline_versions"),
        sa.ForeignKeyConstraint(
            ["pipeline"], ["pipelines.name"], name="fk_pipeline_versions_pipeline"
        ),
    )
    op.create_table(
        "schedulers",
        _words("id"),
        _words("host"),
        _number("pid"),
        _number("workers"),
        _long("seen_at"),
        sa.PrimaryKeyConstraint("id", name="pk_schedulers"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        _words("pipeline"),
        _words("logical_key"),
        _number("version", null=True),
        _words("content_hash"),
        _words("notebook"),
        _long("logical_at"),
        _long("interval_start"),
        _long("interval_end"),
        _long("due_at"),
        _words("owner"),
        _words("cause"),
        _words("parameters"),
        _words("policy"),
        _flag("draft"),
        _number("rank"),
        _words("note"),
        _words("upstream"),
        _words("timezone"),
        _words("state"),
        _words("outcome", null=True),
        _number("attempts"),
        _long("not_before"),
        _flag("cancel_requested"),
        _number("cell", null=True),
        _number("cells", null=True),
        _long("created_at"),
        _long("started_at", null=True),
        _long("finished_at", null=True),
        _words("error"),
        _number("failed_cell", null=True),
        _words("verdict", null=True),
        _words("output"),
        _words("checks"),
        _words("reads"),
        sa.UniqueConstraint("pipeline", "logical_key", name="uq_runs_pipeline_logical_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_claim", "runs", ["state", "rank", "due_at", "id"])
    op.create_index("ix_runs_wake", "runs", ["state", "not_before"])
    op.create_index("ix_runs_pipeline", "runs", ["pipeline", "id"])
    op.create_index("ix_runs_in_hand", "runs", ["pipeline", "state"])
    op.create_table(
        "attempts",
        sa.Column("run_id", _ID, nullable=False),
        _number("number"),
        _words("token"),
        _words("claimed_by"),
        _long("claimed_at"),
        _long("beat"),
        _words("host"),
        _number("pid", null=True),
        _long("started_at", null=True),
        _long("finished_at", null=True),
        _words("outcome", null=True),
        _words("error"),
        _number("failed_cell", null=True),
        _words("verdict", null=True),
        _words("output"),
        _long("peak_rss_bytes", null=True),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_attempts"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_attempts_run_id"),
    )
    op.create_index(
        "uq_attempts_live",
        "attempts",
        ["run_id"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )


def _publications() -> None:
    op.create_table(
        "publications",
        _words("name"),
        _words("kind"),
        _words("owner"),
        _words("pipeline"),
        _number("live_number"),
        _number("draft_number"),
        _words("freshness", null=True),
        _long("created_at"),
        sa.PrimaryKeyConstraint("name", name="pk_publications"),
    )
    op.create_table(
        "publication_versions",
        _words("name"),
        _flag("draft"),
        _number("number"),
        _words("what"),
        _words("owner"),
        _words("pipeline"),
        sa.Column("run_id", _ID, nullable=True),
        _words("notebook"),
        _long("published_at"),
        sa.PrimaryKeyConstraint("name", "draft", "number", name="pk_publication_versions"),
        sa.ForeignKeyConstraint(
            ["name"], ["publications.name"], name="fk_publication_versions_name"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_publication_versions_run_id"),
    )
    op.create_index("ix_publication_versions_run_id", "publication_versions", ["run_id"])
