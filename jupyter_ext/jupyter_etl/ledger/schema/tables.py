"""The tables of the ledger.

A change here needs a new file in ``migrations/versions`` and its number in `REVISION`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

# Tables are imported from this module only: here the collection is complete.
from jupyter_etl.ledger.schema.endpoint_tables import call_counts as call_counts
from jupyter_etl.ledger.schema.endpoint_tables import tokens as tokens
from jupyter_etl.ledger.schema.endpoint_tables import traffic as traffic
from jupyter_etl.ledger.schema.metadata import metadata as metadata
from jupyter_etl.ledger.schema.types import Choice, Instant, Json, Words
from jupyter_etl.model import (
    Cause,
    CheckResult,
    ColumnOrigin,
    Committed,
    CursorMove,
    CursorValue,
    Decision,
    Difference,
    Freshness,
    Outcome,
    Policy,
    PublicationKind,
    Read,
    RunState,
    Schedule,
    ScheduleKind,
    Source,
    Staged,
    Verdict,
    VersionWatermark,
)

REVISION = "0018"
"""The newest migration; a test compares it with the migrations."""

VERSION_TABLE = "ledger_revision"

_Id = BigInteger().with_variant(Integer, "sqlite")

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("body", Json(Source), nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("content_hash", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    # A new snapshot is not pruned: a version or a run is about to name it.
    Column("saved_at", Instant),
)

# The files that a snapshot lists; their contents are rows of snapshots, each stored once.
snapshot_files = Table(
    "snapshot_files",
    metadata,
    Column("content_hash", Text, primary_key=True),
    Column("file_hash", Text, primary_key=True),
    Index("ix_snapshot_files_file_hash", "file_hash"),
)

pipelines = Table(
    "pipelines",
    metadata,
    Column("name", Text, primary_key=True),
    Column("notebook", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("schedule", Json(Schedule)),
    Column("schedule_kind", Choice(ScheduleKind)),
    Column("parameters", Json(dict[str, object]), nullable=False),
    Column("policy", Json(Policy), nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("next_due", Instant),
    Column("revision", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # A removed row stays: its revision must not be reused, or a planner that still
    # has the old pipeline would win the compare-and-swap against its successor.
    Column("removed", Boolean, nullable=False),
    Column("pause_note", Words, nullable=False, server_default=""),
    Column("sources", Json(tuple[str, ...]), nullable=False, server_default="[]"),
    Column("seen", Json(Mapping[str, int]), nullable=False, server_default="{}"),
    Index("ix_pipelines_due", "paused", "next_due", "name"),
    Index("ix_pipelines_schedule_kind", "schedule_kind", "paused"),
)

pipeline_versions = Table(
    "pipeline_versions",
    metadata,
    Column("pipeline", Text, ForeignKey("pipelines.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content_hash", Text, nullable=False),
    Column("notebook", Text, nullable=False),
    Column("schedule", Json(Schedule)),
    Column("parameters", Json(dict[str, object]), nullable=False),
    Column("policy", Json(Policy), nullable=False),
    Column("deployed_by", Text, nullable=False),
    Column("deployed_at", Instant, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("pipeline", Text, nullable=False),
    Column("logical_key", Text, nullable=False),
    Column("version", Integer),
    Column("content_hash", Text, nullable=False),
    Column("notebook", Text, nullable=False),
    Column("logical_at", Instant, nullable=False),
    Column("interval_start", Instant, nullable=False),
    Column("interval_end", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("owner", Text, nullable=False),
    Column("cause", Choice(Cause), nullable=False),
    Column("parameters", Json(dict[str, object]), nullable=False),
    Column("policy", Json(Policy), nullable=False),
    Column("draft", Boolean, nullable=False),
    # Minus the priority, so that one ascending index has the order of claims.
    Column("rank", Integer, nullable=False),
    Column("note", Words, nullable=False),
    Column("upstream", Json(Mapping[str, int]), nullable=False),
    Column("timezone", Text, nullable=False),
    Column("state", Choice(RunState), nullable=False),
    Column("outcome", Choice(Outcome)),
    Column("attempts", Integer, nullable=False),
    # How many of these a fault of the platform ended before the notebook began.
    Column("unstarted", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("cell", Integer),
    Column("cells", Integer),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("error", Words, nullable=False),
    Column("failed_cell", Integer),
    Column("verdict", Json(Verdict)),
    Column("output", Words, nullable=False),
    Column("checks", Json(tuple[CheckResult, ...]), nullable=False),
    Column("reads", Json(tuple[Read, ...]), nullable=False),
    Column("sources", Json(tuple[str, ...]), nullable=False, server_default="[]"),
    Column("resume_from", Integer),
    # False while the run is in the outbox.
    Column("notified", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("pipeline", "logical_key", name="uq_runs_pipeline_logical_key"),
    Index("ix_runs_wake", "state", "not_before"),
    Index("ix_runs_pipeline", "pipeline", "id"),
    Index("ix_runs_active", "pipeline", "state"),
    Index("ix_runs_queue", "state", "pipeline", "cause", "rank", "due_at", "id", "not_before"),
    Index("ix_runs_interval", "pipeline", "interval_start"),
    Index(
        "ix_runs_unnotified",
        "id",
        sqlite_where=text("notified = 0"),
        postgresql_where=text("notified = false"),
    ),
    # An id names a folder on disk, so it is never used again.
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False),
    Column("claimed_by", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("heartbeat", BigInteger, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("outcome", Choice(Outcome)),
    Column("error", Words, nullable=False),
    Column("failed_cell", Integer),
    Column("verdict", Json(Verdict)),
    Column("output", Words, nullable=False),
    Column("peak_rss_bytes", BigInteger),
    Column("timeout_s", Float),
    # At most one live attempt a run, as a constraint of the database.
    Index(
        "uq_attempts_live",
        "run_id",
        unique=True,
        sqlite_where=text("outcome IS NULL"),
        postgresql_where=text("outcome IS NULL"),
    ),
)

publications = Table(
    "publications",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Choice(PublicationKind), nullable=False),
    Column("owner", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("live_number", Integer, nullable=False),
    Column("draft_number", Integer, nullable=False),
    Column("freshness", Json(Freshness)),
    Column("created_at", Instant, nullable=False),
)

publication_versions = Table(
    "publication_versions",
    metadata,
    Column("name", Text, ForeignKey("publications.name"), primary_key=True),
    Column("draft", Boolean, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("what", Json(Committed), nullable=False),
    Column("owner", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("run_id", _Id, ForeignKey("runs.id")),
    Column("notebook", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("pruned_at", Instant),
    Column("note", Words, nullable=False, server_default=""),
    # NULL for versions from before the column was added.
    Column("watermarks", Json(tuple[VersionWatermark, ...])),
    Index("ix_publication_versions_run_id", "run_id"),
)

table_logs = Table(
    "table_logs",
    metadata,
    Column("name", Text, ForeignKey("publications.name"), primary_key=True),
    Column("draft", Boolean, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entries", LargeBinary, nullable=False),
)

# The highest version numbers from before the ledger was restored.
given_numbers = Table(
    "given_numbers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("draft", Boolean, primary_key=True),
    Column("number", Integer, nullable=False),
)

# The roots in which a marker was written: a root without one is not mounted.
lakes = Table("lakes", metadata, Column("root", Text, primary_key=True))

identity = Table("identity", metadata, Column("id", Text, primary_key=True))

schedulers = Table(
    "schedulers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("workers", Integer, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("note", Words, nullable=False, server_default=""),
    Column("owners", Json(tuple[str, ...])),
)

lines = Table(
    "lines",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("claimed_at", Instant, nullable=False),
)

breakers = Table(
    "breakers",
    metadata,
    Column("source", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("retry_at", Instant),
)

commits = Table(
    "commits",
    metadata,
    Column("name", Text, primary_key=True),
    Column("draft", Boolean, primary_key=True),
    Column("token", Text, nullable=False),
    # An attempt holds it until it ends; an interactive commit until the instant.
    Column("run_id", _Id, ForeignKey("runs.id")),
    Column("number", Integer),
    Column("until", Instant),
)

holds = Table(
    "holds",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("staged", Json(tuple[Staged, ...]), nullable=False),
    Column("differences", Json(tuple[Difference, ...]), nullable=False),
    Column("held_at", Instant, nullable=False),
    Column("decision", Choice(Decision)),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Instant),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("relation", Text, primary_key=True),
    Column("cursor", Text, primary_key=True),
    Column("value", Json(CursorValue)),
    Column("era", Integer, nullable=False),
    Column("run_id", _Id),
    Column("moved_by", Text, nullable=False),
    Column("moved_at", Instant, nullable=False),
)

held_moves = Table(
    "held_moves",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("moves", Json(tuple[CursorMove, ...]), nullable=False),
)

run_reads = Table(
    "run_reads",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("pipeline", Text, nullable=False),
    Column("source", Words, nullable=False),
    Column("relation", Words, nullable=False),
    Column("version", Words, nullable=False),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Index("ix_run_reads_source", "source", "pipeline", "run_id"),
)

column_origins = Table(
    "column_origins",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("origins", Json(tuple[ColumnOrigin, ...]), nullable=False),
)
